"""A model of COMPUTATION.md: its parameters and first weights, the result of a slot, the tree (E3), the update (E4)."""

import math

import numpy as np

from kernels import back, carry, f32, forward, gradients, loss_of
from order import Generator


class Model:
    def __init__(self, model):
        self.pixels = math.prod(model["input"])
        self.loss = model["loss"]
        # Inputs, outputs, activation, and where the weights begin in the flat vector.
        self.layers, self.initials, self.parameters, inputs = [], [], 0, self.pixels
        for layer in model["layers"]:
            self.layers.append((inputs, layer["dense"], layer["activation"], self.parameters))
            self.initials.append(layer.get("initial", "he" if layer["activation"] == "relu" else "glorot"))
            self.parameters += (inputs + 1) * layer["dense"]
            inputs = layer["dense"]
        self.classes = inputs

    def split(self, flat):
        """Weights, bias and activation of each layer. The arrays are views of the flat vector."""
        out = []
        for inputs, outputs, activation, at in self.layers:
            end = at + inputs * outputs
            out.append((flat[at:end].reshape(inputs, outputs), flat[end : end + outputs], activation))
        return out

    def first_weights(self, seed):
        flat = np.zeros(self.parameters, f32)
        for n, (w, _, _) in enumerate(self.split(flat)):
            inputs, outputs = w.shape
            fan = inputs if self.initials[n] == "he" else inputs + outputs
            bound = f32(math.sqrt(6 / fan))
            u = Generator(seed, 3, n).uniform(w.size)
            w[:] = ((f32(2) * u - f32(1)) * bound).reshape(w.shape)
        return flat

    def slot(self, flat, images, labels, gradient=True):
        """The gradient (or None), [lossSum, correct], and the predicted classes."""
        x = images.astype(f32) / f32(255)
        layers, xs = self.split(flat), [x]
        for w, b, activation in layers:
            xs.append(forward(xs[-1], w, b, activation))
        delta, score, predicted = loss_of(self.loss, layers[-1][2], xs[-1], labels, gradient)
        if not gradient:
            return None, score, predicted
        out = np.empty(self.parameters, f32)
        parts = self.split(out)
        for n in range(len(layers) - 1, -1, -1):
            parts[n][0][:], parts[n][1][:] = gradients(xs[n], delta)
            if n:
                delta = back(carry(delta, layers[n][0]), xs[n], layers[n - 1][2])
        return out, score, predicted


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
