"""The slot of a round: local steps from the weights of the round, and what they take away."""

import numpy as np

from kernels import f32
from update import Optimizer, factor_of, part_of


class Rounds:
    """`rounds` of a welcome, for a model."""

    def __init__(self, model, rounds, micro, steps_per_epoch):
        self.model, self.rounds, self.micro, self.steps_per_epoch = model, rounds, micro, steps_per_epoch

    def rate(self, round_number):
        """All local steps of a round have one rate."""
        schedule, rate = self.rounds["schedule"], self.rounds["optimizer"]["rate"]
        if schedule is None:
            return f32(rate)
        return f32(rate * part_of(schedule, round_number, self.steps_per_epoch, self.rounds["epochs"]))

    def slot(self, weights, images, labels, moment, round_number):
        """The difference to the weights, and [lossSum, correct]. `moment` is seed, epoch and ids."""
        w, score = weights, np.zeros(2, f32)
        optimizer, rate = Optimizer(self.rounds["optimizer"], len(w)), self.rate(round_number)
        seed, epoch, ids = moment
        for first in range(0, len(labels), self.micro):
            rows = slice(first, first + self.micro)
            own = labels[rows]
            total, gained, _ = self.model.slot(w, images[rows], own, (seed, epoch, ids[rows]))
            score = score + gained
            factor = factor_of(total, len(own), self.rounds["clip"], self.model.is_statistic)
            moved = optimizer.step(w, (total / f32(len(own))) * factor, rate)
            w = self.model.with_statistics(moved, w, total, len(own))
        return weights - w, score


def update(model, outer, weights, total, slots, rate):
    """E4 of a round: the outer optimizer applies the mean difference, and the statistics move by it alone."""
    mean = total / f32(slots)
    updated = outer.step(weights, mean, rate)
    return np.where(model.is_statistic, weights - mean, updated)
