"""Compares computation.py with the files of shared/vectors. Prints what differs; exit code 1 if anything does."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

import computation as c
from known_answer import stages

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "vectors"
faults = []


def load(name):
    return json.loads((FOLDER / name).read_text())


def floats(text):
    return c.from_bits(*text.split())


def hexed(values):
    return " ".join(f"{word:08x}" for word in np.atleast_1d(np.asarray(values, c.F)).view(np.uint32))


def check(what, wanted, got):
    if wanted != got:
        faults.append(what)
        print(f"{what}:\n  wanted {wanted[:120]}\n  got    {got[:120]}")


def pixels_of(text, count):
    return np.frombuffer(bytes.fromhex(text), np.uint8).reshape(count, -1)


def integers(text):
    return np.array([int(x) for x in text.split()])


def functions():
    vectors = load("functions.json")
    for name in ("exp", "log", "sigmoid", "tanh"):
        inputs = np.concatenate([floats(pair.split()[0]) for pair in vectors[name]])
        for pair, y in zip(vectors[name], getattr(c, name)(inputs)):
            check(f"{name} of {pair.split()[0]}", pair.split()[1], hexed(y))


def random():
    for stream in load("random.json")["streams"]:
        labels = [int(x) for x in stream["labels"].split()]
        new = lambda: c.Generator(stream["seed"], *labels)
        g, what = new(), f"generator {stream['seed']} {labels}"
        check(what, stream["next"], " ".join(f"{g.next():08x}" for _ in range(8)))
        for limit in (3_000_000_000, 10):
            g = new()
            check(f"{what} below {limit}", stream[f"below{limit}"], " ".join(str(g.below(limit)) for _ in range(8)))
        g = new()
        check(f"{what} uniform", stream["uniform"], hexed([g.uniform() for _ in range(8)]))
        items = list(range(20))
        new().shuffle(items)
        check(f"{what} shuffle", stream["shuffle20"], " ".join(map(str, items)))


def orders():
    for each in load("order.json")["orders"]:
        order = c.Order(each["samples"], each["batch"], each["microBatch"], each["seed"])
        last = each["stepsPerEpoch"] - 1
        shape = (order.steps_per_epoch, order.slots, order.slots_in(last), order.samples_in(last))
        names = ("stepsPerEpoch", "slots", "slotsInLastStep", "samplesInLastStep")
        check("shape of an epoch", str(tuple(each[name] for name in names)), str(shape))
        for of in each["microBatches"]:
            ids = order.ids(of["epoch"], of["stepInEpoch"], of["slot"])
            check(f"ids {of['epoch']} {of['stepInEpoch']} {of['slot']}", of["ids"], " ".join(map(str, ids)))


def first_weights():
    for each in load("first-weights.json")["models"]:
        flat = c.Model(each["model"]).first_weights(each["seed"])
        check("first weights", each["sha256"], c.weights_hash(flat))


def slots():
    for each in load("slots.json")["slots"]:
        model, weights = c.Model(each["model"]), floats(each["weights"])
        pixels, labels = pixels_of(each["pixels"], 4), integers(each["labels"])
        [result] = c.slot_results(model, weights, pixels, labels, [4])
        what = f"{each['model']['loss']} over {each['model']['layers'][0]['activation']}"
        check_result(what, each, result)
        _, predictions = c.evaluated_slots(model, weights, pixels, labels, [4])
        check(f"{what} predictions", each["predictions"], " ".join(map(str, predictions)))


def check_result(what, wanted, result):
    check(f"{what} loss sum", wanted["lossSum"], hexed(result[-2]))
    check(f"{what} correct", wanted["correct"], hexed(result[-1]))
    check(f"{what} gradient", wanted["gradient"], hexed(result[:-2]))


def run():
    each = load("run.json")
    model = c.Model(each["model"])
    order = c.Order(each["train"], each["batch"], each["microBatch"], each["seed"])
    train, train_labels = pixels_of(each["trainPixels"], each["train"]), integers(each["trainLabels"])
    test, test_labels = pixels_of(each["testPixels"], each["test"]), integers(each["testLabels"])
    rate, momentum = floats(each["rate"])[0], floats(each["momentum"])[0]
    weights, velocity = floats(each["weights"]).copy(), np.zeros(model.parameters, c.F)

    def shard(step, lo, size):
        def result_of(slot):
            ids = order.ids(0, step, slot)
            return c.slot_results(model, weights, train[ids], train_labels[ids], [len(ids)])[0]

        return c.node(lo, size, order.slots_in(step), result_of)

    def step(number, shards, after):
        for wanted in shards:
            lo, size = wanted["lo"], wanted["size"]
            check_result(f"step {number} shard {lo}+{size}", wanted, shard(number, lo, size))
        size = 1
        while size < order.slots_in(number):
            size *= 2
        root = shard(number, 0, size)
        c.update(weights, velocity, root[:-2], order.samples_in(number), rate, momentum)
        check(f"weights after step {number}", after, hexed(weights))

    slots_of_test = -(-each["test"] // 64)
    for wanted in each["evaluation"]:
        lo, hi = wanted["lo"] * 64, min((wanted["lo"] + wanted["size"]) * 64, each["test"])
        rows = [min(64, hi - at) for at in range(lo, hi, 64)]
        scores, predictions = c.evaluated_slots(model, weights, test[lo:hi], test_labels[lo:hi], rows)
        sums = c.node(wanted["lo"], wanted["size"], slots_of_test, lambda slot: scores[slot - wanted["lo"]])
        check(f"evaluation {wanted['lo']}+{wanted['size']}", f"{wanted['lossSum']} {wanted['correct']}", hexed(sums))
        check("predictions", wanted["predictions"], " ".join(map(str, predictions)))
    step(0, each["shards"], each["afterOneUpdate"])
    step(1, each["restStep"], each["afterTwoUpdates"])


def known_answer():
    vectors, ours = load("known-answer.json"), stages()
    for wanted, (name, data) in zip(vectors["stages"], ours.items()):
        what = f"stage {name}"
        check(f"{what}: first bytes", wanted["firstBytes"], data[:64].hex())
        check(f"{what}: bytes", str(wanted["bytes"]), str(len(data)))
        check(f"{what}: hash", wanted["sha256"], hashlib.sha256(data).hexdigest())
    check("the known answer", vectors["knownAnswer"], hashlib.sha256(b"".join(ours.values())).hexdigest())


for part in (functions, random, orders, first_weights, slots, run, known_answer):
    before = len(faults)
    part()
    print(f"{part.__name__}: {'ok' if len(faults) == before else 'WRONG'}")
sys.exit(1 if faults else 0)
