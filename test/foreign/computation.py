"""What shared/COMPUTATION.md defines, in NumPy: order, kernels, tree, update.

Written from that page alone. Names follow the page.
"""

import hashlib

import numpy as np

F = np.float32
MASK = 0xFFFFFFFF


def from_bits(*words):
    return np.array([int(word, 16) for word in words], np.uint32).view(np.float32)


# ---- E1: random numbers ----


def splitmix32(x):
    z = (x + 0x9E3779B9) & MASK
    z = ((z ^ (z >> 16)) * 0x21F0AAAD) & MASK
    z = ((z ^ (z >> 15)) * 0x735A2D97) & MASK
    return z ^ (z >> 15)


class Generator:
    def __init__(self, seed, *labels):
        m = seed
        for label in labels:
            m = splitmix32(m ^ splitmix32(label))
        self.s = []
        for _ in range(4):
            self.s.append(splitmix32(m))
            m = (m + 0x9E3779B9) & MASK

    def next(self):
        s0, s1, s2, s3 = self.s
        x = (s1 * 5) & MASK
        result = ((((x << 7) | (x >> 25)) & MASK) * 9) & MASK
        t = (s1 << 9) & MASK
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= t
        s3 = ((s3 << 11) | (s3 >> 21)) & MASK
        self.s = [s0, s1, s2, s3]
        return result

    def below(self, limit):
        bound = 2**32 - 2**32 % limit
        while True:
            x = self.next()
            if x < bound:
                return x % limit

    def uniform(self):
        return (self.next() >> 8) / 2**24

    def shuffle(self, items):
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]


# ---- E1: steps and slots ----


class Order:
    def __init__(self, samples, batch, micro_batch, seed):
        takes_all = batch == 0 or batch >= samples
        self.batch, self.micro_batch, self.seed = batch, micro_batch, seed
        self.full_steps = 0 if takes_all else samples // batch
        self.rest = samples - self.full_steps * batch
        self.steps_per_epoch = self.full_steps + (1 if self.rest > 0 else 0)
        self.slots = -(-(samples if takes_all else batch) // micro_batch)
        self.permuted = list(range(samples))
        Generator(seed, 1).shuffle(self.permuted)
        self.shuffled = {}

    def samples_in(self, step_in_epoch):
        return self.batch if step_in_epoch < self.full_steps else self.rest

    def slots_in(self, step_in_epoch):
        return -(-self.samples_in(step_in_epoch) // self.micro_batch)

    def rows_in(self, step_in_epoch, slot):
        return min(self.micro_batch, self.samples_in(step_in_epoch) - slot * self.micro_batch)

    def first(self, slot):
        return slot * self.full_steps * self.micro_batch + min(slot * self.micro_batch, self.rest)

    def ids(self, epoch, step_in_epoch, slot):
        key = (epoch, slot)
        if key not in self.shuffled:
            # Older epochs do not come back.
            self.shuffled = {k: v for k, v in self.shuffled.items() if k[0] >= epoch - 1}
            order = self.permuted[self.first(slot) : self.first(slot + 1)]
            Generator(self.seed, 2, epoch, slot).shuffle(order)
            self.shuffled[key] = order
        at = step_in_epoch * self.micro_batch
        return self.shuffled[key][at : at + self.rows_in(step_in_epoch, slot)]


# ---- the model ----


class Layer:
    def __init__(self, inputs, outputs, activation, at):
        self.inputs, self.outputs, self.activation = inputs, outputs, activation
        self.weight_at, self.bias_at = at, at + inputs * outputs
        self.end = self.bias_at + outputs


class Model:
    def __init__(self, description):
        self.pixels = int(np.prod(description["input"]))
        self.loss = description["loss"]
        self.layers = []
        inputs, at = self.pixels, 0
        for each in description["layers"]:
            layer = Layer(inputs, each["dense"], each["activation"], at)
            self.layers.append(layer)
            inputs, at = layer.outputs, layer.end
        self.parameters = at

    def split(self, flat):
        """Views of each layer's weights and bias."""
        for layer in self.layers:
            w = flat[layer.weight_at : layer.bias_at].reshape(layer.inputs, layer.outputs)
            yield layer, w, flat[layer.bias_at : layer.end]

    def first_weights(self, seed):
        flat = np.zeros(self.parameters, F)
        for n, layer in enumerate(self.layers):
            g = Generator(seed, 3, n)
            fan = layer.inputs if layer.activation == "relu" else layer.inputs + layer.outputs
            bound = F(np.sqrt(np.float64(6) / fan))
            for k in range(layer.weight_at, layer.bias_at):
                flat[k] = F(2 * g.uniform() - 1) * bound
        return flat


def weights_hash(flat):
    return hashlib.sha256(flat.astype("<f4").tobytes()).hexdigest()


# ---- E2: exp, log, sigmoid, tanh; all take and give float32 arrays ----

(LOG2E, LN2_HIGH, LN2_LOW, MAGIC, LOWEST, HIGHEST) = from_bits(
    "3fb8aa3b", "3f318000", "b95e8083", "4b400000", "c2d10000", "42b20000"
)
EXP_C = from_bits("39506967", "3ab743ce", "3c088908", "3d2aa9c1", "3e2aaaaa", "3f000000")
LOG_C = from_bits(
    "3d9021bb", "bdebd1b8", "3def251a", "bdfe5d4f", "3e11e9bf", "be2aae50", "3e4cceac", "be7ffffc", "3eaaaaaa"
)
TANH_C = from_bits("bbbaf0ea", "3ca9134e", "bd5c1e2d", "3e088393", "beaaaa99")
SQRT_HALF_BITS = np.int32(0x3F3504F3)
SMALLEST_NORMAL = F(2.0**-126)
SMALL = F(0.625)


def poly(c, x):
    y = np.full_like(x, c[0])
    for coefficient in c[1:]:
        y = y * x + coefficient
    return y


def power_of_two(h):
    return ((h + np.int32(127)) << np.int32(23)).view(F)


def exp(x):
    c = np.minimum(np.maximum(x, LOWEST), HIGHEST)
    n = (c * LOG2E + MAGIC) - MAGIC
    r = (c - n * LN2_HIGH) - n * LN2_LOW
    p = (poly(EXP_C, r) * (r * r) + r) + F(1)
    n = n.astype(np.int32)
    h = n >> np.int32(1)
    with np.errstate(over="ignore"):
        return (p * power_of_two(h)) * power_of_two(n - h)


def log(x):
    tiny = x < SMALLEST_NORMAL
    with np.errstate(all="ignore"):
        b = np.where(tiny, x * F(2.0**23), x).astype(F).view(np.int32)
        k = (b - SQRT_HALF_BITS) >> np.int32(23)
        t = (b - (k << np.int32(23))).view(F) - F(1)
        e = np.where(tiny, k - 23, k).astype(F)
        z = t * t
        y = (poly(LOG_C, t) * t) * z
        y = y + e * LN2_LOW
        y = y - F(0.5) * z
        result = (t + y) + e * LN2_HIGH
    result = np.where(x == 0, F(-np.inf), result)
    return np.where(np.isposinf(x), x, result).astype(F)


def sigmoid(x):
    return F(1) / (F(1) + exp(-x))


def tanh(x):
    with np.errstate(over="ignore"):
        z = x * x
        near = (poly(TANH_C, z) * z) * x + x
        m = F(1) - F(2) / (exp(F(2) * np.abs(x)) + F(1))
    return np.where(np.abs(x) < SMALL, near, np.where(x < 0, -m, m)).astype(F)


def relu(x):
    return np.where(x > 0, x, F(0))


ACTIVATIONS = {"linear": lambda z: z, "sigmoid": sigmoid, "tanh": tanh, "relu": relu}


def back(activation, d, y):
    if activation == "linear":
        return d
    if activation == "sigmoid":
        return d * (y * (F(1) - y))
    if activation == "tanh":
        return d * (F(1) - y * y)
    return np.where(y > 0, d, F(0))


# ---- E2: forward, loss, backward ----


def products(x, w):
    """sum from +0 over i ascending of x[r,i] * w[i,o]; a column of zeros adds nothing."""
    total = np.zeros((x.shape[0], w.shape[1]), F)
    term = np.empty_like(total)
    for i in np.flatnonzero(x.any(axis=0)):
        np.multiply(x[:, i, None], w[i, None, :], out=term)
        np.add(total, term, out=total)
    return total


def forward(model, flat, pixels):
    """The input of each layer, and at the end the output of the last."""
    x = pixels.astype(F) / F(255)
    values = [x]
    for layer, w, bias in model.split(flat):
        x = ACTIVATIONS[layer.activation](products(x, w) + bias)
        values.append(x)
    return values


def sum_columns(terms):
    total = np.zeros(terms.shape[0], F)
    for c in range(terms.shape[1]):
        total = total + terms[:, c]
    return total


def loss_and_delta(model, y, labels):
    """Per row: the loss, and the derivative with respect to the scores."""
    rows = np.arange(len(labels))
    t = np.zeros_like(y)
    t[rows, labels] = F(1)
    if model.loss == "quadratic":
        error = y - t
        return F(0.5) * sum_columns(error * error), back(model.layers[-1].activation, error, y)
    if model.loss == "sigmoidCrossEntropy":
        terms = (np.maximum(y, F(0)) - y * t) + log(F(1) + exp(-np.abs(y)))
        return sum_columns(terms), sigmoid(y) - t
    m = y.max(axis=1)
    e = exp(y - m[:, None])
    s = sum_columns(e)
    return log(s) - (y[rows, labels] - m), e / s[:, None] - t


def score(losses, y, labels):
    """Loss sum and count of a slot, and the predicted classes."""
    total = F(0)
    for loss in losses:
        total = F(total + loss)
    predictions = y.argmax(axis=1)
    return np.array([total, np.count_nonzero(predictions == labels)], F), predictions.astype(np.uint8)


def parameter_gradient(x, delta, gw, gb):
    gw[...] = F(0)
    gb[...] = F(0)
    term = np.empty_like(gw)
    for r in range(x.shape[0]):
        np.multiply(x[r, :, None], delta[r, None, :], out=term)
        np.add(gw, term, out=gw)
        np.add(gb, delta[r], out=gb)


def slot_results(model, flat, pixels, labels, rows_of):
    """The results of neighbouring slots, whose rows are given one after the other."""
    values = forward(model, flat, pixels)
    losses, delta = loss_and_delta(model, values[-1], labels)
    deltas = [delta]
    parts = list(model.split(flat))
    for n in range(len(parts) - 1, 0, -1):
        carried = products(deltas[0], np.ascontiguousarray(parts[n][1].T))
        deltas.insert(0, back(parts[n - 1][0].activation, carried, values[n]))
    results, at = [], 0
    for rows in rows_of:
        part = slice(at, at + rows)
        result = np.empty(model.parameters + 2, F)
        for n, (_, gw, gb) in enumerate(model.split(result[:-2])):
            parameter_gradient(values[n][part], deltas[n][part], gw, gb)
        result[-2:], _ = score(losses[part], values[-1][part], labels[part])
        results.append(result)
        at += rows
    return results


def evaluated_slots(model, flat, pixels, labels, rows_of):
    """The score of each slot, and all predicted classes."""
    y = forward(model, flat, pixels)[-1]
    losses, _ = loss_and_delta(model, y, labels)
    scores, classes, at = [], [], 0
    for rows in rows_of:
        part = slice(at, at + rows)
        sums, predictions = score(losses[part], y[part], labels[part])
        scores.append(sums)
        classes.append(predictions)
        at += rows
    return scores, np.concatenate(classes)


# ---- E3, E4 ----


def node(lo, size, slots, result_of):
    if size == 1:
        return result_of(lo)
    left = node(lo, size // 2, slots, result_of)
    if lo + size // 2 >= slots:
        return left
    return left + node(lo + size // 2, size // 2, slots, result_of)


def update(w, v, total, n, rate, momentum):
    g = total / F(n)
    if momentum != 0:
        v[...] = momentum * v + g
        w[...] = w - rate * v
    else:
        w[...] = w - rate * g
