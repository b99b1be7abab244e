"""E4 of COMPUTATION.md: the rate of a step, clipping, and the optimizers."""

import math

import numpy as np

from kernels import f32


def power(x, k):
    y = 1.0
    while k > 0:
        if k % 2:
            y *= x
        x *= x
        k //= 2
    return y


# ---- the rate of a step, in double precision ----


def square(p):
    x, s = p * (math.pi / 2), 1.0
    for k in range(7, 0, -1):
        s = 1 - ((x * x) / (2 * k * (2 * k + 1))) * s
    return (x * s) * (x * s)


def between(a, b, p):
    return b + (a - b) * (1 - square(p) if p <= 0.5 else square(1 - p))


def part_of(schedule, t, steps_per_epoch, epochs):
    """The part of the optimizer's rate that step `t` takes."""
    name, steps = schedule["name"], epochs * steps_per_epoch
    if name == "constant":
        return 1
    if name == "step":
        return power(schedule["factor"], t // (schedule["every"] * steps_per_epoch))
    if name == "linear":
        return 1 - (1 - schedule["to"]) * (t / steps)
    if name == "cosine":
        return between(1, schedule["to"], t / steps)
    peak = max(0, schedule["warmUp"] * steps - 1)
    if t < peak:
        return between(schedule["from"], 1, t / peak)
    return between(1, schedule["to"], (t - peak) / (steps - 1 - peak) if steps - 1 > peak else 0)


# ---- the update ----


def factor_of(total, n, clip, is_statistic):
    """What a gradient is multiplied by, so that its norm is at most `clip`."""
    if clip is None:
        return f32(1)
    squares = np.where(is_statistic, 0, total.astype(np.float64)) ** 2
    # Sums from the first to the last number: np.sum would add in another order.
    q = [np.add.accumulate(np.append(0.0, squares[j::4]))[-1] for j in range(4)]
    norm = math.sqrt((q[0] + q[1]) + (q[2] + q[3])) / n
    return f32(clip / norm) if norm > clip else f32(1)


class Optimizer:
    """An optimizer with what it remembers. A new one remembers nothing."""

    def __init__(self, description, parameters):
        self.described, self.t = description, 0
        self.m, self.v = np.zeros(parameters, f32), np.zeros(parameters, f32)

    def step(self, w, g, rate):
        """The new weights. `g` is the mean gradient, clipped."""
        move = self.sgd if self.described["name"] == "sgd" else self.adam
        w = move(w, g, rate)
        self.t += 1
        return w

    def sgd(self, w, g, rate):
        momentum, decay = f32(self.described["momentum"]), f32(self.described.get("decay", 0))
        if decay != 0:
            g = g + decay * w
        if momentum != 0:
            self.v = momentum * self.v + g
            g = g + momentum * self.v if self.described.get("nesterov") else self.v
        return w - rate * g

    def adam(self, w, g, rate):
        beta1, beta2, epsilon = (self.described[name] for name in ("beta1", "beta2", "epsilon"))
        b1, b2 = f32(beta1), f32(beta2)
        self.m = b1 * self.m + (f32(1) - b1) * g
        self.v = b2 * self.v + ((f32(1) - b2) * g) * g
        size = f32(float(rate) / (1 - power(beta1, self.t + 1)))
        scale = f32(1 / math.sqrt(1 - power(beta2, self.t + 1)))
        kept = w
        if self.described["name"] == "adamw":
            kept = f32(1 - float(rate) * self.described["decay"]) * w
        return kept - size * (self.m / (np.sqrt(self.v) * scale + f32(epsilon)))
