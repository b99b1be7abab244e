"""Compares the computation with the files of shared/vectors. Prints what differs; exit code 1 if anything does."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from augment import distort
from codes import blocks, encode, quantised, settled
from kernels import bits, exp, f32, log, sigmoid, tanh, u32
from known_answer import known_answer, stage_entries
from model import Model, node, update
from order import Generator, Order
from rounds import Rounds
from rounds import update as outer_update
from update import Optimizer

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "vectors"
# Models whose layers choose nothing by chance need no seed, epoch and ids.
NO_CHANCE = ()
wrong = []


def load(name):
    return json.loads((FOLDER / name).read_text())


def hexed(values):
    return " ".join(f"{word:08x}" for word in np.ascontiguousarray(values, f32).view(u32).ravel())


def text(values):
    return " ".join(str(value) for value in values)


def images(pixels, count):
    return np.frombuffer(bytes.fromhex(pixels), np.uint8).reshape(count, -1)


def labels(line):
    return np.array(line.split(), np.uint8)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def same(what, got, wanted):
    if got != wanted:
        wrong.append(what)
        print(f"{what}:\n  wanted {str(wanted)[:150]}\n  got    {str(got)[:150]}")


def check_functions():
    file = load("functions.json")
    for name, function in {"exp": exp, "log": log, "sigmoid": sigmoid, "tanh": tanh}.items():
        for line in file[name]:
            x, y = line.split()
            same(f"{name} of {x}", hexed(function(bits(x))), y)


def check_random():
    for stream in load("random.json")["streams"]:

        def new(stream=stream):
            return Generator(stream["seed"], *map(int, stream["labels"].split()))

        what = f"seed {stream['seed']}, labels {stream['labels']}: "
        same(what + "next", " ".join(f"{x:08x}" for x in new().take(8)), stream["next"])
        for limit in (3000000000, 10):
            g = new()
            same(f"{what}below {limit}", text(g.below(limit) for _ in range(8)), stream[f"below{limit}"])
        same(what + "uniform", hexed(new().uniform(8)), stream["uniform"])
        same(what + "shuffle", text(new().shuffle(list(range(20)))), stream["shuffle20"])


def check_order():
    for wanted in load("order.json")["orders"]:
        order = Order(wanted["samples"], wanted["batch"], wanted["microBatch"], wanted["seed"])
        last = order.steps_per_epoch - 1
        got = (order.steps_per_epoch, order.slots, order.slots_in(last), order.samples_in(last))
        names = ("stepsPerEpoch", "slots", "slotsInLastStep", "samplesInLastStep")
        same("steps and slots", got, tuple(wanted[name] for name in names))
        for slot in wanted["microBatches"]:
            place = (slot["epoch"], slot["stepInEpoch"], slot["slot"])
            same(f"samples of epoch, step, slot {place}", text(order.ids(*place)), slot["ids"])


def check_first_weights():
    for wanted in load("first-weights.json")["models"]:
        got = Model(wanted["model"]).first_weights(wanted["seed"])
        same("first weights", sha256(got.tobytes()), wanted["sha256"])


def check_augment():
    for number, wanted in enumerate(load("augment.json")["images"]):
        image = np.frombuffer(bytes.fromhex(wanted["pixels"]), np.uint8).reshape(wanted["shape"])
        for use in wanted["distorted"]:
            place = use["seed"], use["epoch"], use["sample"]
            got = distort(image, wanted["augment"], *place)
            same(f"image {number} of seed, epoch, sample {place}", got.tobytes().hex(), use["pixels"])


def check_codes():
    for number, wanted in enumerate(load("codes.json")["codes"]):
        x, width, before = bits(wanted["x"]), wanted["bits"], wanted["update"]
        same(f"quantised numbers {number}", hexed(quantised(x, width)), wanted["quantised"])
        same(f"codes {number}", b"".join(encode(block, width) for block in blocks(x)).hex(), wanted["codes"])
        got = settled(*(bits(before[name]) for name in ("before", "updated", "residual")), width)
        for name, vector in zip(("change", "weights", "residual"), got, strict=True):
            same(f"{name} of coded update {number}", hexed(vector), wanted["coded"][name])


def check_slots():
    for number, slot in enumerate(load("slots.json")["slots"]):
        model, label = Model(slot["model"]), labels(slot["labels"])
        gradient, score, predicted = model.slot(bits(slot["weights"]), images(slot["pixels"], len(label)), label, NO_CHANCE)
        same(f"gradient of slot {number}", hexed(gradient), slot["gradient"])
        same(f"score of slot {number}", hexed(score), f"{slot['lossSum']} {slot['correct']}")
        same(f"predictions of slot {number}", text(predicted), slot["predictions"])


def check_layers():
    for number, slot in enumerate(load("layers.json")["slots"]):
        model, label, weights = Model(slot["model"]), labels(slot["labels"]), bits(slot["weights"])
        pixels, moment = images(slot["pixels"], len(label)), (slot["seed"], slot["epoch"], slot["ids"].split())
        gradient, score, _ = model.slot(weights, pixels, label, moment)
        same(f"gradient of layers {number}", hexed(gradient), slot["gradient"])
        same(f"score of layers {number}", hexed(score), f"{slot['lossSum']} {slot['correct']}")
        _, score, predicted = model.slot(weights, pixels, label, None)
        wanted = slot["evaluation"]
        same(f"score of an evaluation of layers {number}", hexed(score), f"{wanted['lossSum']} {wanted['correct']}")
        same(f"predictions of layers {number}", text(predicted), wanted["predictions"])
        rate, momentum = bits(slot["rate"])[0], bits(slot["momentum"])[0]
        after, _ = update(weights, np.zeros_like(weights), gradient, len(label), rate, momentum)
        after = model.with_statistics(after, weights, gradient, len(label))
        same(f"weights of layers {number} after an update", hexed(after), slot["afterOneUpdate"])


class Run:
    """The run of run.json."""

    def __init__(self):
        self.file = file = load("run.json")
        self.model = Model(file["model"])
        self.order = Order(file["train"], file["batch"], file["microBatch"], file["seed"])
        self.train = images(file["trainPixels"], file["train"]), labels(file["trainLabels"])
        self.test = images(file["testPixels"], file["test"]), labels(file["testLabels"])
        self.weights = bits(file["weights"])
        self.velocity = np.zeros_like(self.weights)

    def gradient(self, epoch, step, lo, size):
        def leaf(slot):
            ids = self.order.ids(epoch, step, slot)
            return self.model.slot(self.weights, self.train[0][ids], self.train[1][ids], NO_CHANCE)[:2]

        return node(lo, size, self.order.slots_in(step), leaf, lambda a, b: (a[0] + b[0], a[1] + b[1]))

    def evaluation(self, lo, size):
        def leaf(slot):
            rows = slice(64 * slot, 64 * slot + 64)
            return self.model.slot(self.weights, self.test[0][rows], self.test[1][rows], None)[1:]

        slots = -(-self.file["test"] // 64)
        return node(lo, size, slots, leaf, lambda a, b: (a[0] + b[0], np.concatenate([a[1], b[1]])))

    def update(self, step, size):
        rate, momentum = bits(self.file["rate"])[0], bits(self.file["momentum"])[0]
        total, samples = self.gradient(0, step, 0, size)[0], self.order.samples_in(step)
        self.weights, self.velocity = update(self.weights, self.velocity, total, samples, rate, momentum)

    def check_shards(self, key):
        for shard in self.file[key]:
            place = tuple(shard[name] for name in ("epoch", "stepInEpoch", "lo", "size"))
            gradient, score = self.gradient(*place)
            same(f"gradient of {key} {place}", hexed(gradient), shard["gradient"])
            same(f"score of {key} {place}", hexed(score), f"{shard['lossSum']} {shard['correct']}")

    def check_evaluation(self):
        for shard in self.file["evaluation"]:
            score, predicted = self.evaluation(shard["lo"], shard["size"])
            same("score of an evaluation", hexed(score), f"{shard['lossSum']} {shard['correct']}")
            same("predictions of an evaluation", text(predicted), shard["predictions"])


def check_run():
    run = Run()
    run.check_shards("shards")
    run.check_evaluation()
    run.update(0, 8)
    same("weights after one update", hexed(run.weights), run.file["afterOneUpdate"])
    run.check_shards("restStep")
    run.update(1, 4)
    same("weights after two updates", hexed(run.weights), run.file["afterTwoUpdates"])


def check_rounds():
    for number, run in enumerate(load("rounds.json")["runs"]):
        model, micro = Model(run["model"]), run["microBatch"]
        order = Order(run["train"], run["batch"], micro * run["rounds"]["steps"], run["seed"])
        rounds = Rounds(model, run["rounds"], micro, order.steps_per_epoch)
        pixels, label = images(run["pixels"], run["train"]), labels(run["labels"])
        weights, outer = bits(run["weights"]), Optimizer(run["outer"], model.parameters)

        def leaf(epoch, step, slot):
            ids = order.ids(epoch, step, slot)
            place = epoch * order.steps_per_epoch + step
            return rounds.slot(weights, pixels[ids], label[ids], (run["seed"], epoch, ids), place)

        for which in ("first", "rest"):
            for shard in run[which]["shards"]:
                epoch, step, lo, size = (shard[name] for name in ("epoch", "stepInEpoch", "lo", "size"))
                slots = order.slots_in(step)
                difference, score = node(
                    lo, size, slots, lambda slot: leaf(epoch, step, slot), lambda a, b: (a[0] + b[0], a[1] + b[1])
                )
                what = f"rounds {number}, {which}, {lo} {size}"
                same(f"difference of {what}", hexed(difference), shard["gradient"])
                same(f"score of {what}", hexed(score), f"{shard['lossSum']} {shard['correct']}")
            # The last shard is the root of the tree.
            weights = outer_update(model, outer, weights, difference, slots, f32(run["outer"]["rate"]))
            same(f"weights after rounds {number}, {which}", hexed(weights), run[which]["weightsAfter"])


def check_known_answer():
    file = load("known-answer.json")
    for number, wanted in enumerate(file["stages"], 1):
        entries = list(stage_entries(number))
        hashes = [sha256(entry)[:8] for entry in entries]
        for place, pair in enumerate(zip(hashes, wanted["entries"].split(), strict=True)):
            same(f"known answer, {wanted['name']}, entry {place}", *pair)
        same(f"known answer, {wanted['name']}", sha256(b"".join(entries)), wanted["sha256"])
    same("known answer", known_answer(), file["knownAnswer"])


CHECKS = [
    check_functions,
    check_random,
    check_order,
    check_first_weights,
    check_augment,
    check_codes,
    check_slots,
    check_layers,
    check_run,
    check_rounds,
    check_known_answer,
]

for check in CHECKS:
    check()
print(f"{len(wrong)} differences" if wrong else "the vectors agree")
sys.exit(1 if wrong else 0)
