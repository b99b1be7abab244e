"""A model of COMPUTATION.md: its parameters and first weights, the result of a slot, the tree (E3), the update (E4)."""

import math

import numpy as np

from kernels import back, f32, loss_of, smoothed
from layers import make_layer
from order import Generator


class Model:
    def __init__(self, model, smoothing=0):
        self.smoothing = f32(smoothing)
        self.pixels, self.loss = math.prod(model["input"]), model["loss"]
        self.layers, shape = [], model["input"]
        for number, description in enumerate(model["layers"]):
            self.layers.append(make_layer(description, shape, number))
            shape = self.layers[-1].shape
        self.parameters = sum(layer.parameters for layer in self.layers)
        self.classes = math.prod(shape)
        self.is_statistic = np.zeros(self.parameters, bool)
        for layer, flags in zip(self.layers, self.split(self.is_statistic), strict=True):
            flags[layer.statistics] = True

    def split(self, flat):
        """The parameters of each layer: views of the flat vector."""
        ends = np.cumsum([layer.parameters for layer in self.layers])
        return np.split(flat, ends[:-1])

    def first_weights(self, seed):
        return np.concatenate([layer.first(Generator(seed, 3, n)) for n, layer in enumerate(self.layers)])

    def slot(self, flat, images, labels, moment):
        """
        The gradient, [lossSum, correct], and the predicted classes. `moment` is the seed, the epoch and the ids of the
        samples. In an evaluation it is None, and so is the gradient.
        """
        own, xs, kept = self.split(flat), [images.astype(f32) / f32(255)], []
        for layer, parameters in zip(self.layers, own, strict=True):
            y, keeps = layer.forward(xs[-1], parameters, moment)
            xs.append(y)
            kept.append(keeps)
        delta, score, predicted = loss_of(self.loss, self.layers[-1].activation, xs[-1], labels, moment is not None)
        if moment is None:
            return None, score, predicted
        if self.smoothing:
            delta, score[0] = smoothed(self.smoothing, xs[-1], labels, delta, score[0])
        parts = []
        for n in range(len(self.layers) - 1, -1, -1):
            gradient, d = self.layers[n].backward(delta, xs[n], own[n], kept[n])
            parts.insert(0, gradient)
            if n:
                delta = back(d, xs[n], self.layers[n - 1].activation)
        return np.concatenate(parts), score, predicted

    def with_statistics(self, updated, flat, total, n):
        """E4: the updated weights, with the statistics of `flat` moved instead."""
        for layer, new, m, found in zip(self.layers, *map(self.split, (updated, flat, total)), strict=True):
            at = layer.statistics
            new[at] = m[at] + f32(0.1) * (found[at] / f32(n) - m[at])
        return updated


def node(lo, size, slots, leaf, add):
    """E3: node(lo, size) of a tree over `slots` slots, whose results `leaf` gives."""
    if size == 1:
        return leaf(lo)
    half = size // 2
    a = node(lo, half, slots, leaf, add)
    if lo + half >= slots:
        return a
    return add(a, node(lo + half, half, slots, leaf, add))


def update(w, v, total, n, rate, momentum):
    """E4. Returns the new weights and the new velocity."""
    g = total / f32(n)
    if momentum != 0:
        v = f32(momentum) * v + g
        return w - f32(rate) * v, v
    return w - f32(rate) * g, v
