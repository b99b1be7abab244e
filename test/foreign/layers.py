"""The layers of COMPUTATION.md: their first parameters, their outputs, and their gradients for one slot."""

import math

import numpy as np

from images import conv_carry, conv_forward, conv_gradients, positions
from kernels import ONE, ZERO, activate, carry, f32, forward, gradients, ordered
from order import Generator


class Layer:
    """What layers without parameters have in common. `shape` is that of one sample of the output."""

    parameters = 0
    # Which of its parameters are statistics.
    statistics = slice(0, 0)

    def __init__(self, description, shape, number):
        self.shape, self.number = tuple(shape), number
        self.activation = description.get("activation", "linear")

    def first(self, generator):
        return np.zeros(self.parameters, f32)

    def forward(self, x, own, moment):
        """The outputs, and what `backward` needs. `own` are its parameters, `moment` is None in an evaluation."""
        raise NotImplementedError

    def backward(self, delta, x, own, kept):
        """The gradient of its parameters, and the derivative with respect to x."""
        raise NotImplementedError


class Dense(Layer):
    def __init__(self, description, shape, number):
        super().__init__(description, (description["dense"],), number)
        self.inputs, self.outputs = math.prod(shape), description["dense"]
        self.parameters = (self.inputs + 1) * self.outputs
        self.initial = description.get("initial", "he" if self.activation == "relu" else "glorot")

    def split(self, own):
        """Weights and bias."""
        weights = self.inputs * self.outputs
        return own[:weights].reshape(self.inputs, self.outputs), own[weights:]

    def first(self, generator):
        own = super().first(generator)
        w, _ = self.split(own)
        fan = self.inputs if self.initial == "he" else self.inputs + self.outputs
        bound = f32(math.sqrt(6 / fan))
        w[:] = ((f32(2) * generator.uniform(w.size) - ONE) * bound).reshape(w.shape)
        return own

    def forward(self, x, own, moment):
        return forward(x, *self.split(own), self.activation), None

    def backward(self, delta, x, own, kept):
        gw, gb = gradients(x, delta)
        # Nothing is before the first layer.
        d = carry(delta, self.split(own)[0]) if self.number else None
        return np.concatenate([gw.ravel(), gb]), d


class Conv2d(Layer):
    def __init__(self, description, shape, number):
        self.image = (*shape, 1)[:3]
        self.kernel, self.outputs = description["kernel"], description["conv2d"]
        self.stride, self.padding = description.get("stride", 1), description.get("padding", 0)
        down, across = (positions(extent, self.kernel, self.stride, self.padding) for extent in self.image[:2])
        super().__init__(description, (down, across, self.outputs), number)
        self.weights = self.kernel**2 * self.image[2] * self.outputs
        self.parameters = self.weights + self.outputs
        self.initial = description.get("initial", "he" if self.activation == "relu" else "glorot")

    def split(self, own):
        """Weights and bias."""
        shape = (self.kernel, self.kernel, self.image[2], self.outputs)
        return own[: self.weights].reshape(shape), own[self.weights :]

    def first(self, generator):
        own = super().first(generator)
        places = self.kernel**2
        fan = places * self.image[2] + (0 if self.initial == "he" else places * self.outputs)
        u = generator.uniform(self.weights)
        own[: self.weights] = (f32(2) * u - ONE) * f32(math.sqrt(6 / fan))
        return own

    def forward(self, x, own, moment):
        y = conv_forward(x.reshape(-1, *self.image), *self.split(own), self.stride, self.padding, self.activation)
        return y.reshape(len(x), -1), None

    def backward(self, delta, x, own, kept):
        delta = delta.reshape(-1, *self.shape)
        gw, gb = conv_gradients(x.reshape(-1, *self.image), delta, self.kernel, self.stride, self.padding)
        height, width, _ = self.image
        d = conv_carry(delta, self.split(own)[0], height, width, self.stride, self.padding)
        return np.concatenate([gw.ravel(), gb]), d.reshape(len(x), -1)


class Pool(Layer):
    """Windows over an image."""

    def __init__(self, description, shape, number, size, stride):
        height, width, channels = (*shape, 1)[:3]
        rows, columns = (height - size[0]) // stride + 1, (width - size[1]) // stride + 1
        super().__init__(description, (rows, columns, channels), number)
        oy, ox, c, ky, kx = np.ogrid[:rows, :columns, :channels, : size[0], : size[1]]
        inputs = ((oy * stride + ky) * width + ox * stride + kx) * channels + c
        # The inputs of each output, in the order ky, kx.
        self.inputs = inputs.reshape(rows * columns * channels, -1)
        self.channels, self.count = channels, f32(self.inputs.shape[1])

    def windows(self):
        """The outputs of one window after the other: one per channel, so that no input is in two of them."""
        first = range(0, len(self.inputs), self.channels)
        return (slice(o, o + self.channels) for o in first)


class MaxPool(Pool):
    def __init__(self, description, shape, number):
        size = description["maxPool"]
        super().__init__(description, shape, number, (size, size), description.get("stride", size))

    def forward(self, x, own, moment):
        values = x[:, self.inputs]
        winner = values.argmax(axis=2)
        largest = np.take_along_axis(values, winner[:, :, None], axis=2)[:, :, 0]
        return activate(largest, self.activation), winner

    def backward(self, delta, x, own, winner):
        winner = self.inputs[np.arange(len(self.inputs)), winner]
        d, row = np.zeros_like(x), np.arange(len(x))[:, None]
        for o in self.windows():
            d[row, winner[:, o]] += delta[:, o]
        return own, d


class AveragePool(Pool):
    def __init__(self, description, shape, number):
        size = description["averagePool"]
        super().__init__(description, shape, number, (size, size), description.get("stride", size))

    def forward(self, x, own, moment):
        total = ordered((x[:, inputs] for inputs in self.inputs.T), (len(x), len(self.inputs)))
        return activate(total / self.count, self.activation), None

    def backward(self, delta, x, own, kept):
        d, share = np.zeros_like(x), delta / self.count
        for o in self.windows():
            d[:, self.inputs[o]] += share[:, o, None]
        return own, d


class GlobalAveragePool(AveragePool):
    def __init__(self, description, shape, number):
        Pool.__init__(self, description, shape, number, shape[:2], 1)
        self.shape = self.shape[2:]


class Flatten(Layer):
    def __init__(self, description, shape, number):
        super().__init__(description, (math.prod(shape),), number)

    def forward(self, x, own, moment):
        return x, None

    def backward(self, delta, x, own, kept):
        return own, delta


class LeakyRelu(Layer):
    def __init__(self, description, shape, number):
        super().__init__(description, shape, number)
        self.slope = f32(description["leakyRelu"])

    def forward(self, x, own, moment):
        return np.where(x > 0, x, self.slope * x), None

    def backward(self, delta, x, own, kept):
        return own, np.where(x > 0, delta, self.slope * delta)


class Dropout(Layer):
    def __init__(self, description, shape, number):
        super().__init__(description, shape, number)
        self.probability = f32(description["dropout"])
        self.scale = ONE / (ONE - self.probability)

    def forward(self, x, own, moment):
        if moment is None:
            return x, None
        seed, epoch, ids = moment
        draws = [Generator(seed, 4, self.number, epoch, int(sample)).uniform(x.shape[1]) for sample in ids]
        stays = np.array(draws) >= self.probability
        return np.where(stays, self.scale * x, ZERO), stays

    def backward(self, delta, x, own, stays):
        return own, np.where(stays, self.scale * delta, ZERO)


class BatchNorm(Layer):
    def __init__(self, description, shape, number):
        super().__init__(description, shape, number)
        self.channels = 1 if len(shape) == 2 else shape[-1]
        self.epsilon = f32(description["batchNorm"])
        self.parameters = 4 * self.channels
        self.statistics = slice(2 * self.channels, None)

    def first(self, generator):
        return np.repeat(np.array([1, 0, 0, 1], f32), self.channels)

    def mean(self, values):
        return ordered(values, self.channels) / f32(len(values))

    def forward(self, x, own, moment):
        scale, shift, mean, variance = own.reshape(4, -1)
        values = x.reshape(-1, self.channels)
        if moment is not None:
            mean = self.mean(values)
            variance = self.mean((values - mean) * (values - mean))
        deviation = np.sqrt(variance + self.epsilon)
        u = (values - mean) / deviation
        y = activate(u * scale + shift, self.activation)
        return y.reshape(x.shape), (mean, variance, deviation, u)

    def backward(self, delta, x, own, kept):
        mean, variance, deviation, u = kept
        d, n, rows = delta.reshape(u.shape), f32(len(u)), f32(len(x))
        of_scale, of_shift = ordered(d * u, self.channels), ordered(d, self.channels)
        d = (own[: self.channels] / deviation) * ((d - of_shift / n) - u * (of_scale / n))
        return np.concatenate([of_scale, of_shift, mean * rows, variance * rows]), d.reshape(x.shape)


KINDS = {
    "dense": Dense,
    "conv2d": Conv2d,
    "maxPool": MaxPool,
    "averagePool": AveragePool,
    "globalAveragePool": GlobalAveragePool,
    "flatten": Flatten,
    "dropout": Dropout,
    "batchNorm": BatchNorm,
    "leakyRelu": LeakyRelu,
}


def make_layer(description, shape, number):
    """The layer of a description, for inputs of this shape."""
    kind = next(kind for name, kind in KINDS.items() if name in description)
    return kind(description, shape, number)
