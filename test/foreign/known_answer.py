"""The known answer (E6 of shared/COMPUTATION.md), stage by stage."""

import functools
import hashlib

import numpy as np

import computation as c

F = np.float32
TURNS = ("linear", "sigmoid", "tanh", "relu")


class Stage:
    def __init__(self, n):
        self.generator = c.Generator(n)
        self.results = []

    def add(self, *values):
        for value in values:
            self.results.append(np.ascontiguousarray(value).tobytes())

    def numbers(self, shape, zeros=0, scale=0):
        count = int(np.prod(shape))
        out = np.empty(count, F)
        g = self.generator
        for k in range(count):
            d = g.next()
            value = (d >> 8) / 2**22 - 2
            if d % 16 < zeros:
                value = -0.0 if value < 0 else 0.0
            out[k] = value
        return (out * F(2.0**scale)).reshape(shape)

    def bytes(self, count, limit):
        return np.array([self.generator.next() % limit for _ in range(count)], np.uint8)

    def pixels(self, count, zeros):
        draws = (self.generator.next() for _ in range(count))
        return np.array([0 if d % 16 < zeros else d >> 24 for d in draws], np.uint8)


def gradients(stage, x, delta, gw0, gb0):
    gw, gb = np.empty_like(gw0), np.empty_like(gb0)
    c.parameter_gradient(x, delta, gw, gb)
    stage.add(gw0 + gw, gb0 + gb, gw, gb)


def layer(stage, rows, inputs, outputs, zeros, scale, activation):
    x = stage.numbers((rows, inputs), zeros, scale)
    w = stage.numbers((inputs, outputs), 0, scale)
    b = stage.numbers(outputs, 0, 2 * scale)
    delta = stage.numbers((rows, outputs), zeros, scale)
    gw0, gb0 = stage.numbers((inputs, outputs), 0, 2 * scale), stage.numbers(outputs, 0, 2 * scale)
    stage.add(c.ACTIVATIONS[activation](c.products(x, w) + b))
    gradients(stage, x, delta, gw0, gb0)
    stage.add(c.back(activation, c.products(delta, np.ascontiguousarray(w.T)), x))


def layers(stage):
    sizes = [(3, 5, n) for n in range(1, 67)] + [(n, 9, 10) for n in range(1, 19)] + [(5, n, 6) for n in range(1, 19)]
    sizes += [(130, 70, 9), (70, 133, 20), (17, 133, 130), (3, 300, 6), (260, 6, 9), (2, 3, 1030), (2, 1030, 3)]
    for zeros in (0, 11):
        for i, size in enumerate(sizes):
            layer(stage, *size, zeros, 0, TURNS[i % 4])


def subnormal_layers(stage):
    for zeros in (0, 11):
        for size in ((3, 9, 2), (5, 17, 13), (9, 6, 53), (17, 140, 21)):
            layer(stage, *size, zeros, -63, "linear")


def first_layers(stage):
    entries = [((5, 85, n), [13], 0) for n in range(1, 18)]
    entries += [((5, 85, n), zeros, 0) for n in (3, 10, 20) for zeros in ([0], [13, 13, 0], [0, 0, 13])]
    entries += [((7, 300, 10), [13], 0), ((7, 300, 23), [13, 13, 0], 0), ((70, 150, 10), [13], 0)]
    entries += [((70, 150, 20), [13, 13, 0], 0), ((17, 140, 130), [13], 0), ((2, 4100, 3), [13], 0)]
    entries += [((2, 9, 1030), [13], 0), ((5, 85, 6), [13], -126), ((5, 85, 21), [13], -126), ((5, 85, 6), [0], -126)]
    for i, ((rows, pixels, outputs), zeros, scale) in enumerate(entries):
        activation = TURNS[i % 4] if scale == 0 else "linear"
        images = np.array([stage.pixels(pixels, zeros[n % len(zeros)]) for n in range(rows + 1)])
        labels = stage.bytes(rows + 1, 256)
        w, b = stage.numbers((pixels, outputs), 0, scale), stage.numbers(outputs, 0, scale)
        delta = stage.numbers((rows, outputs), 8, scale)
        gw0, gb0 = stage.numbers((pixels, outputs), 0, scale), stage.numbers(outputs, 0, scale)
        ids = [rows - r for r in range(rows)]
        x = images[ids].astype(F) / F(255)
        stage.add(images, labels[ids], c.ACTIVATIONS[activation](c.products(x, w) + b))
        gradients(stage, x, delta, gw0, gb0)


def losses(stage):
    kinds = [("quadratic", activation) for activation in TURNS]
    kinds += [("sigmoidCrossEntropy", "linear"), ("softmaxCrossEntropy", "linear")]
    for loss, activation in kinds:
        for rows, classes in ((1, 1), (2, 3), (3, 10), (7, 11), (16, 10), (5, 256)):
            description = {"input": [1], "layers": [{"dense": classes, "activation": activation}], "loss": loss}
            for scale in (0, 5):
                y = stage.numbers((rows, classes), 4, scale)
                labels, s0 = stage.bytes(rows, classes), stage.numbers(2)
                each, delta = c.loss_and_delta(c.Model(description), y, labels)
                s, predictions = c.score(each, y, labels)
                stage.add(delta, s0 + s, s, predictions)
    stage.add(stage.numbers((12, 10), 14).argmax(axis=1).astype(np.uint8))


EDGES = np.array(
    [0, 2**-149, 1e-40, 2**-126, 1e-8, 1e-4, 0.3465735, 0.5, 0.62499994, 0.625, 0.7, 0.70710677, 0.71, 0.99999994]
    + [1, 1.0000001, 1.5, 8.9, 9.1, 16.5, 17.4, 44.5, 87.3, 87.4, 88.72283, 88.72284, 88.73, 95.5, 103.9, 103.98, 104]
    + [1000, 3.4028235e38],
    F,
)


def functions(stage):
    signed = np.stack([EDGES, -EDGES], axis=1).ravel()
    stage.add(c.exp(signed), c.sigmoid(signed), c.tanh(signed), c.log(EDGES))
    x = stage.numbers(64, 0, 6)
    m = np.array([stage.generator.next() % 0x7F800000 for _ in range(64)], np.uint32).view(F)
    stage.add(c.exp(x), c.sigmoid(x), c.tanh(x), c.log(m))


def sums(stage):
    for scale in (0, -126):
        for length in (1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 65, 130):
            a, b = stage.numbers(length, 1, scale), stage.numbers(length, 1, scale)
            stage.add(a + b)
    slots = [stage.numbers(45) for _ in range(5)]
    stage.add(c.node(0, 8, 5, lambda slot: slots[slot]))


def updates(stage):
    for scale in (0, -126):
        for momentum in (F(0), F(0.9)):
            for samples in (17, 128):
                for length in (45, 130):
                    w, v = stage.numbers(length, 0, scale), stage.numbers(length, 0, scale)
                    total = stage.numbers(length, 4, scale)
                    total[16:48] = F(0)
                    c.update(w, v, total, samples, F(0.1), momentum)
                    stage.add(w, v)


def mask_of(changed):
    blocks = [changed[at : at + 64].any() for at in range(0, len(changed), 64)]
    return np.packbits(blocks, bitorder="little")


def checks(stage):
    x = stage.numbers(45, 4)
    stage.add(np.uint8(np.isfinite(x).all()))
    for i in (0, 17, 44):
        for value in (np.nan, np.inf, -np.inf):
            other = x.copy()
            other[i] = value
            stage.add(np.uint8(np.isfinite(other).all()))
    before = stage.numbers(600).view(np.uint32)
    after = before.copy()
    after[[63, 64, 300, 599]] ^= 1
    stage.add(mask_of(before != after))
    zeros = np.zeros(600, F)
    zeros[70], zeros[400] = -0.0, 2.0**-149
    stage.add(mask_of(zeros.view(np.uint32) != 0))


STAGES = {
    "layers": layers,
    "subnormal layers": subnormal_layers,
    "first layers": first_layers,
    "losses": losses,
    "functions": functions,
    "sums": sums,
    "updates": updates,
    "checks": checks,
}


@functools.cache
def stages():
    """The bytes of each stage by its name."""
    answer = {}
    for n, (name, run) in enumerate(STAGES.items(), 1):
        stage = Stage(n)
        run(stage)
        answer[name] = b"".join(stage.results)
    return answer


def known_answer():
    return hashlib.sha256(b"".join(stages().values())).hexdigest()


if __name__ == "__main__":
    for name, data in stages().items():
        print(f"{name}: {len(data)} bytes, {hashlib.sha256(data).hexdigest()}")
    print(known_answer())
