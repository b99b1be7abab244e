"""A worker's part in a run: the samples and weights that it holds, and the shards that it computes with them."""

import numpy as np

from augment import distort
from codes import quantised
from model import Model, node
from order import Order
from parts import pack_coded, pack_part, parts_of, unpack_coded, unpack_part
from rounds import Rounds
from samples import images_in
from wire import Fault

EVALUATION_ROWS = 64
# The set that each kind of work reads.
SETS = {"gradient": "train", "validation": "validation", "evaluation": "test"}


class Cancelled(Exception):
    """The shard that is computed is not wanted any more."""


class Run:
    """What a welcome describes, and what the worker holds of it: samples and one version of the weights."""

    def __init__(self, welcome):
        data = welcome["data"]
        self.bits, self.model = welcome["wireBits"], Model(welcome["model"], welcome["smoothing"])
        micro, rounds = welcome["microBatch"], welcome["rounds"]
        # A slot of a round has a micro-batch for each of its steps.
        rows = micro if rounds is None else micro * rounds["steps"]
        self.order = Order(data["train"], welcome["batch"], rows, welcome["seed"])
        self.rounds = rounds and Rounds(self.model, rounds, micro, self.order.steps_per_epoch)
        self.augment, self.seed, self.shape = welcome["augment"], welcome["seed"], welcome["model"]["input"]
        # A run without a validation set does not name one.
        self.sets = {name: empty_set(data.get(name, 0), self.model.pixels) for name in ("train", "validation", "test")}
        self.weights = np.zeros(self.model.parameters, np.float32)
        # The step of the weights, when they are whole; else the step, the base and the part that must come next.
        self.step, self.loading = None, None

    def store_weights(self, message, payload):
        step, base, part = message["step"], message["base"], message["part"]
        if part == 0:
            if base is not None and base != self.step:
                raise Fault("unexpected-message", f"weights on base {base}, but {self.step} is here.")
            self.step, self.loading = None, (step, base, 0)
        if self.loading != (step, base, part):
            raise Fault("unexpected-message", "A part of weights out of order.")
        if base is None or self.bits == 32:
            unpack_part(self.weights, part, payload, is_whole=base is None)
        else:
            unpack_coded(self.weights, part, payload, self.bits, self.model.is_statistic)
        self.loading = (step, base, part + 1)
        if part + 1 >= parts_of(self.model.parameters):
            self.step, self.loading = step, None

    def store_samples(self, message, payload):
        images, labels, have = self.sets[message["set"]]
        count, pixels = message["count"], self.model.pixels
        if len(payload) < 5 * count:
            raise Fault("payload-length", "samples has a wrong length.")
        ids = np.frombuffer(payload, "<u4", count)
        values = np.frombuffer(payload, np.uint8, count, 4 * count)
        if (ids >= len(labels)).any() or (values >= self.model.classes).any():
            raise Fault("payload-length", "An id or a label is out of range.")
        labels[ids], have[ids] = values, True
        images[ids] = images_in(payload[5 * count :], count, pixels)

    def compute(self, shard, is_wanted):
        """The payloads of the gradient's or difference's parts, [lossSum, correct], and the predicted classes of a shard."""
        gradient = shard["work"] == "gradient"
        slots = self.slots_of(shard)
        if shard["step"] != self.step:
            raise Fault("unexpected-message", "A shard without its weights.")
        images, labels, have = self.sets[SETS[shard["work"]]]

        results = []

        def leaf(slot):
            if not is_wanted():
                raise Cancelled
            ids = self.ids_of(shard, slot)
            if not have[ids].all():
                raise Fault("unexpected-message", "A shard without its samples.")
            x = self.distorted(images[ids], ids, shard["epoch"]) if gradient and self.augment else images[ids]
            moment = (self.order.seed, shard["epoch"], ids) if gradient else None
            if gradient and self.rounds:
                number = shard["epoch"] * self.order.steps_per_epoch + shard["stepInEpoch"]
                result, score = self.rounds.slot(self.weights, x, labels[ids], moment, number)
                predicted = np.zeros(0, np.uint8)
            else:
                result, score, predicted = self.model.slot(self.weights, x, labels[ids], moment)
            if gradient and self.bits < 32:
                result = quantised(result, self.bits, self.model.is_statistic)
            results.append(result)
            return result, score, predicted

        def add(a, b):
            return (a[0] + b[0] if gradient else None), a[1] + b[1], np.concatenate([a[2], b[2]])

        total, score, predicted = node(shard["lo"], shard["size"], slots, leaf, add)
        return self.payloads(total, results) if gradient else [], score, predicted

    def payloads(self, total, results):
        """The parts of the sum, or of the result of each slot in codes, if these are shorter."""
        parts = range(parts_of(self.model.parameters))
        if self.bits == 32 or len(results) * (1 + 8 * self.bits) >= 256:
            return [pack_part(total, part) for part in parts]
        is_statistic = self.model.is_statistic
        return [pack_coded(slot, part, self.bits, is_statistic) for slot in results for part in parts]

    def distorted(self, images, ids, epoch):
        """The images of these samples as they are in this epoch."""
        pairs = zip(images, ids, strict=True)
        each = [distort(x.reshape(self.shape), self.augment, self.seed, epoch, n) for x, n in pairs]
        return np.stack(each).reshape(images.shape)

    def slots_of(self, shard):
        """The slots of the shard's step."""
        lo, size, step = shard["lo"], shard["size"], shard["stepInEpoch"]
        slots = self.order.slots_in(step) if shard["work"] == "gradient" else -(-self.size_of(shard) // EVALUATION_ROWS)
        is_node = size > 0 and size & (size - 1) == 0 and lo % size == 0 and lo < slots
        if is_node and size > 1:
            is_node = lo + size // 2 < slots
        if not is_node or step >= self.order.steps_per_epoch:
            raise Fault("field-invalid", "A shard that the step does not have.")
        return slots

    def ids_of(self, shard, slot):
        if shard["work"] == "gradient":
            return self.order.ids(shard["epoch"], shard["stepInEpoch"], slot)
        first = EVALUATION_ROWS * slot
        return np.arange(first, min(first + EVALUATION_ROWS, self.size_of(shard)))

    def size_of(self, shard):
        """The number of samples of the set that the shard reads."""
        return len(self.sets[SETS[shard["work"]]][1])


def empty_set(count, pixels):
    """Images, labels, and which samples are here."""
    return np.zeros((count, pixels), np.uint8), np.zeros(count, np.uint8), np.zeros(count, bool)
