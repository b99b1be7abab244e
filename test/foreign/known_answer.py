"""E6 of COMPUTATION.md: the known answer. A stage yields its entries, and each of them is a list of results."""

import hashlib
import math

import numpy as np

from codes import blocks, decode, encode, quantised, settled
from images import conv_carry, conv_forward, conv_gradients, max_pool, max_pool_carry, positions
from kernels import ZERO, activate, back, carry, exp, f32, forward, gradients, log, loss_of, sigmoid, tanh, u32
from model import node, update
from order import Generator
from parts import blocks_of, mask_of

ACTIVATIONS = ["linear", "sigmoid", "tanh", "relu"]
EDGES = np.array(
    [0, 2.0**-149, 1e-40, 2.0**-126, 1e-8, 1e-4, 0.3465735, 0.5, 0.62499994, 0.625, 0.7, 0.70710677, 0.71, 0.99999994]
    + [1, 1.0000001, 1.5, 8.9, 9.1, 16.5, 17.4, 44.5, 87.3, 87.4, 88.72283, 88.72284, 88.73, 95.5, 103.9, 103.98, 104]
    + [1000, 3.4028235e38],
    f32,
)


def numbers(g, count, zeros=0, scale=0):
    d = np.array(g.take(count), u32)
    value = (d >> 8) / 2.0**22 - 2
    out = np.ldexp(value, scale).astype(f32)
    return np.where((d % 16) < zeros, np.where(value < 0, f32(-0.0), ZERO), out)


def draw_bytes(g, count, limit):
    return np.array([n % limit for n in g.take(count)], np.uint8)


def draw_pixels(g, count, zeros):
    d = np.array(g.take(count), u32)
    return np.where(d % 16 < zeros, 0, d >> 24).astype(np.uint8)


def layer_results(x, w, b, delta, gw0, gb0, activation, with_back):
    gw, gb = gradients(x, delta)
    out = [forward(x, w, b, activation), gw0.reshape(gw.shape) + gw, gb0 + gb, gw, gb]
    if with_back:
        out.append(back(carry(delta, w), x, activation))
    return out


def layer_stage(g, sizes, scale, bias_scale, always_linear):
    for zeros in (0, 11):
        for i, (rows, inputs, outputs) in enumerate(sizes):
            x = numbers(g, rows * inputs, zeros, scale).reshape(rows, inputs)
            w = numbers(g, inputs * outputs, 0, scale).reshape(inputs, outputs)
            b = numbers(g, outputs, 0, bias_scale)
            delta = numbers(g, rows * outputs, zeros, scale).reshape(rows, outputs)
            gw0 = numbers(g, inputs * outputs, 0, bias_scale)
            gb0 = numbers(g, outputs, 0, bias_scale)
            activation = "linear" if always_linear else ACTIVATIONS[i % 4]
            yield layer_results(x, w, b, delta, gw0, gb0, activation, with_back=True)


def layers(g):
    sizes = [(3, 5, n) for n in range(1, 67)] + [(n, 9, 10) for n in range(1, 19)]
    sizes += [(5, n, 6) for n in range(1, 19)]
    sizes += [(130, 70, 9), (70, 133, 20), (17, 133, 130), (3, 300, 6), (260, 6, 9), (2, 3, 1030), (2, 1030, 3)]
    return layer_stage(g, sizes, 0, 0, always_linear=False)


def subnormal_layers(g):
    return layer_stage(g, [(3, 9, 2), (5, 17, 13), (9, 6, 53), (17, 140, 21)], -63, -126, always_linear=True)


def first_layers(g):
    entries = [((5, 85, n), [13], 0) for n in range(1, 18)]
    for n in (3, 10, 20):
        entries += [((5, 85, n), z, 0) for z in ([0], [13, 13, 0], [0, 0, 13])]
    entries += [((7, 300, 10), [13], 0), ((7, 300, 23), [13, 13, 0], 0)]
    entries += [((70, 150, 10), [13], 0), ((70, 150, 20), [13, 13, 0], 0)]
    entries += [((17, 140, 130), [13], 0), ((2, 4100, 3), [13], 0), ((2, 9, 1030), [13], 0)]
    entries += [((5, 85, 6), [13], -126), ((5, 85, 21), [13], -126), ((5, 85, 6), [0], -126)]
    for i, ((rows, pixels, outputs), zeros, scale) in enumerate(entries):
        images = [draw_pixels(g, pixels, zeros[n % len(zeros)]) for n in range(rows + 1)]
        labels = draw_bytes(g, rows + 1, 256)
        w = numbers(g, pixels * outputs, 0, scale).reshape(pixels, outputs)
        b = numbers(g, outputs, 0, scale)
        delta = numbers(g, rows * outputs, 8, scale).reshape(rows, outputs)
        gw0 = numbers(g, pixels * outputs, 0, scale)
        gb0 = numbers(g, outputs, 0, scale)
        x = np.array([images[rows - r] for r in range(rows)]).astype(f32) / f32(255)
        row_labels = np.array([labels[rows - r] for r in range(rows)])
        activation = "linear" if scale else ACTIVATIONS[i % 4]
        yield [*images, row_labels, x, *layer_results(x, w, b, delta, gw0, gb0, activation, with_back=False)]


def losses(g):
    kinds = [("quadratic", a) for a in ACTIVATIONS]
    kinds += [("sigmoidCrossEntropy", "linear"), ("softmaxCrossEntropy", "linear")]
    for loss, activation in kinds:
        for rows, classes in ((1, 1), (2, 3), (3, 10), (7, 11), (16, 10), (5, 256)):
            for scale in (0, 5):
                y = numbers(g, rows * classes, 4, scale).reshape(rows, classes)
                labels = draw_bytes(g, rows, classes)
                s0 = numbers(g, 2)
                delta, s, predicted = loss_of(loss, activation, y, labels)
                yield [delta, s0 + s, s, predicted]
    yield [numbers(g, 120, 14).reshape(12, 10).argmax(axis=1).astype(np.uint8)]


def functions(g):
    signed = np.stack([EDGES, -EDGES], axis=1).ravel()
    yield from ([exp(signed)], [sigmoid(signed)], [tanh(signed)], [log(EDGES)])
    x = numbers(g, 64, 0, 6)
    m = np.array([n % 0x7F800000 for n in g.take(64)], u32).view(f32)
    yield from ([exp(x)], [sigmoid(x)], [tanh(x)], [log(m)])


def sums(g):
    for scale in (0, -126):
        for length in (1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 65, 130):
            a = numbers(g, length, 1, scale)
            yield [a + numbers(g, length, 1, scale)]
    five = [numbers(g, 45) for _ in range(5)]
    yield [node(0, 8, 5, lambda slot: five[slot], lambda a, b: a + b)]


def updates(g):
    for scale in (0, -126):
        for momentum in (0, 0.9):
            for samples in (17, 128):
                for length in (45, 130):
                    w = numbers(g, length, 0, scale)
                    v = numbers(g, length, 0, scale)
                    total = numbers(g, length, 4, scale)
                    total[16:48] = 0
                    yield update(w, v, total, samples, 0.1, momentum)


def is_finite(x):
    return np.array([np.isfinite(x).all()], np.uint8)


def mask_bytes(flags):
    return np.frombuffer(mask_of(flags, 2), np.uint8)


def checks(g):
    x = numbers(g, 45, 4)
    results = [is_finite(x)]
    for i in (0, 17, 44):
        for value in (np.nan, np.inf, -np.inf):
            changed = x.copy()
            changed[i] = value
            results.append(is_finite(changed))
    x = numbers(g, 600)
    flipped = x.copy()
    for i in (63, 64, 300, 599):
        flipped.view(u32)[i] ^= 1
    results.append(mask_bytes((blocks_of(x) != blocks_of(flipped)).any(axis=1)))
    x = np.zeros(600, f32)
    x[70], x[400] = -0.0, 2.0**-149
    results.append(mask_bytes((blocks_of(x) != 0).any(axis=1)))
    yield results


CONVOLUTIONS = [(1, 4, 5, 2, n, 2, 1, 0) for n in range(1, 37)] + [(1, 3, 4, n, 6, 2, 1, 1) for n in range(1, 37)]
CONVOLUTIONS += [(2, 7, 6, 3, 7, kernel, stride, p) for kernel in (1, 3, 5) for stride in (1, 2, 3) for p in (0, 1, 2)]
CONVOLUTIONS += [(3, 6, 6, 3, 8, 6, 1, 0), (1, 2, 2, 2, 3, 3, 2, 4), (2, 28, 28, 1, 24, 5, 1, 0)]
CONVOLUTIONS += [(2, 12, 12, 24, 32, 3, 1, 0), (1, 3, 140, 2, 7, 3, 1, 0), (2, 3, 3, 140, 5, 2, 1, 0)]
CONVOLUTIONS += [(2, 3, 4, 2, 150, 2, 1, 0)]


def convolution(g, sizes, zeros, scale, activation):
    rows, height, width, channels, outputs, kernel, stride, padding = sizes
    down, across = (positions(extent, kernel, stride, padding) for extent in (height, width))
    w_shape, delta_shape = (kernel, kernel, channels, outputs), (rows, down, across, outputs)
    x = numbers(g, rows * height * width * channels, zeros, scale).reshape(rows, height, width, channels)
    w = numbers(g, math.prod(w_shape), 0, scale).reshape(w_shape)
    b = numbers(g, outputs, 0, 2 * scale)
    delta = numbers(g, math.prod(delta_shape), zeros, scale).reshape(delta_shape)
    gw0 = numbers(g, w.size, 0, 2 * scale).reshape(w_shape)
    gb0 = numbers(g, outputs, 0, 2 * scale)
    gw, gb = conv_gradients(x, delta, kernel, stride, padding)
    d = conv_carry(delta, w, height, width, stride, padding)
    return [conv_forward(x, w, b, stride, padding, activation), gw0 + gw, gb0 + gb, gw, gb, back(d, x, activation)]


def convolutions(g):
    for zeros in (0, 11):
        for i, sizes in enumerate(CONVOLUTIONS):
            yield convolution(g, sizes, zeros, 0, ACTIVATIONS[i % 4])
    for zeros in (0, 11):
        for sizes in ((2, 5, 6, 3, 7, 3, 1, 1), (1, 6, 7, 2, 24, 3, 2, 0)):
            yield convolution(g, sizes, zeros, -63, "linear")


def max_pools(g):
    cases = [(1, 4, 5, n, 2, 2) for n in range(1, 37)] + [(2, 5, 7, 3, 2, 1), (2, 7, 8, 18, 3, 2), (1, 5, 5, 4, 2, 3)]
    cases += [(1, 16, 17, 2, 16, 1), (3, 3, 3, 5, 1, 1), (2, 24, 24, 24, 2, 2)]
    for zeros in (0, 11):
        for i, (rows, height, width, channels, size, stride) in enumerate(cases):
            down, across = positions(height, size, stride), positions(width, size, stride)
            x = numbers(g, rows * height * width * channels, zeros).reshape(rows, height, width, channels)
            delta = numbers(g, rows * down * across * channels, zeros).reshape(rows, down, across, channels)
            most, winner = max_pool(x, size, stride)
            d = max_pool_carry(delta, winner, height, width, size, stride)
            yield [activate(most, ACTIVATIONS[i % 4]), winner, back(d, x, ACTIVATIONS[i % 4])]


def codes(g):
    for bits in (4, 8, 16):
        for scale in (0, -126, 125):
            for length in (1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 130, 200):
                x, y = numbers(g, length, 2, scale), numbers(g, length, 2, scale)
                residual = numbers(g, length, 2, max(scale - 4, -126))
                coded = [encode(block, bits) for block in blocks(x)]
                pairs = zip(coded, blocks(y), strict=True)
                less = np.concatenate([block - decode(raw, len(block), bits) for raw, block in pairs])
                change, w, residual = settled(x, y, residual, bits)
                yield [np.frombuffer(b"".join(coded), np.uint8), less, quantised(x, bits), w, change, residual]


STAGES = [layers, subnormal_layers, first_layers, losses, functions, sums, updates, checks, convolutions, max_pools, codes]


def stage_entries(number):
    """The bytes of each entry of a stage. The first stage is 1."""
    for results in STAGES[number - 1](Generator(number)):
        yield b"".join(np.ascontiguousarray(result).tobytes() for result in results)


def known_answer():
    numbers_of_stages = range(1, len(STAGES) + 1)
    return hashlib.sha256(b"".join(entry for n in numbers_of_stages for entry in stage_entries(n))).hexdigest()
