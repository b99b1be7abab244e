"""A Lockstep worker in Python and NumPy, written from shared/COMPUTATION.md and shared/protocol/PROTOCOL.md alone.

    python worker.py ws://127.0.0.1:8080/#TOKEN
"""

import argparse
import queue
import sys
import threading
import time
from urllib.parse import urldefrag

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

import computation
import wire
from known_answer import known_answer

PROTOCOL = 3
ARITHMETIC = "lockstep-arithmetic-1"
VERSION = "1"
FIELDS = {
    "welcome": "protocol version run member model data batch microBatch seed heartbeatMs",
    "weights": "step base part",
    "samples": "set count",
    "shard": "lease work step epoch stepInEpoch lo size",
    "cancel": "lease",
    "ping": "id",
    "progress": "share testAccuracy",
    "end": "reason again message",
    "failure": "code message",
}
FINAL = {
    "version-mismatch",
    "arithmetic-mismatch",
    "known-answer-wrong",
    "token-wrong",
    "bad-result",
    "banned",
}


class Refusal(Exception):
    """What the coordinator sent cannot be right: a code of the protocol, and a sentence."""

    def __init__(self, code, sentence):
        super().__init__(sentence)
        self.code = code


class Run:
    """What a welcome describes, and what the worker holds of it."""

    def __init__(self, welcome):
        self.model = computation.Model(welcome["model"])
        data = welcome["data"]
        self.order = computation.Order(data["train"], welcome["batch"], welcome["microBatch"], welcome["seed"])
        self.counts = {"train": data["train"], "test": data["test"]}
        self.images = {name: np.zeros((count, self.model.pixels), np.uint8) for name, count in self.counts.items()}
        self.labels = {name: np.zeros(count, np.int64) for name, count in self.counts.items()}
        self.weights = np.zeros(self.model.parameters, np.float32)
        self.step = None
        self.coming = None

    def store_weights(self, message, payload):
        step, base, part = message["step"], message["base"], message["part"]
        expected = self.coming or (step, base, 0)
        if (step, base, part) != expected or (part == 0 and base is not None and base != self.step):
            raise Refusal("unexpected-message", f"weights of step {step}, part {part}")
        wire.unpack_part(self.weights, part, payload)
        whole = part + 1 == wire.parts_of(self.model.parameters)
        self.coming = None if whole else (step, base, part + 1)
        self.step = step if whole else None

    def store_samples(self, message, payload):
        name, count = message["set"], message["count"]
        if len(payload) != count * (5 + self.model.pixels):
            raise Refusal("payload-length", f"samples have {len(payload)} bytes")
        ids = np.frombuffer(payload[: 4 * count], "<u4")
        if ids.max() >= self.counts[name]:
            raise Refusal("payload-length", "samples have an id that is too large")
        self.labels[name][ids] = np.frombuffer(payload[4 * count : 5 * count], np.uint8)
        self.images[name][ids] = np.frombuffer(payload[5 * count :], np.uint8).reshape(count, -1)

    def gradient(self, shard):
        epoch, step = shard["epoch"], shard["stepInEpoch"]
        lo, slots = shard["lo"], self.order.slots_in(step)
        ids = [self.order.ids(epoch, step, slot) for slot in range(lo, min(lo + shard["size"], slots))]
        flat = np.concatenate(ids)
        images, labels = self.images["train"][flat], self.labels["train"][flat]
        results = computation.slot_results(self.model, self.weights, images, labels, [len(some) for some in ids])
        return computation.node(lo, shard["size"], slots, lambda slot: results[slot - lo])

    def evaluation(self, shard):
        lo, count = shard["lo"], self.counts["test"]
        first, end = 64 * lo, min(64 * (lo + shard["size"]), count)
        rows = [min(64, end - at) for at in range(first, end, 64)]
        images, labels = self.images["test"][first:end], self.labels["test"][first:end]
        scores, classes = computation.evaluated_slots(self.model, self.weights, images, labels, rows)
        sums = computation.node(lo, shard["size"], -(-count // 64), lambda slot: scores[slot - lo])
        return sums, classes


class Connection:
    """One connection, from `hello` to its end. A thread answers pings while this one computes."""

    def __init__(self, socket):
        self.socket = socket
        self.inbox = queue.Queue()
        self.cancelled = set()
        self.run = None

    def say(self, message_type, payload=b"", **fields):
        """On a connection that is closed, nothing: an `end` may still wait in the inbox."""
        try:
            self.socket.send(wire.encode({"type": message_type, **fields}, payload))
        except ConnectionClosed:
            pass

    def listen(self):
        try:
            for frame in self.socket:
                self.hear(frame)
        except (ConnectionClosed, OSError):
            pass
        except (Refusal, ValueError, KeyError) as error:
            self.inbox.put(error)
        self.inbox.put(None)

    def hear(self, frame):
        if isinstance(frame, str):
            raise Refusal("bad-frame", "a text frame")
        message, payload = wire.decode(frame)
        check_fields(message)
        if message["type"] == "ping":
            self.say("pong", id=message["id"])
        elif message["type"] == "cancel":
            self.cancelled.add(message["lease"])
        else:
            self.inbox.put((message, payload))

    def work(self, name):
        """True if the worker should come back."""
        threading.Thread(target=self.listen, daemon=True).start()
        about = {"version": VERSION, "name": name, "kind": "python", "threads": 1}
        self.say("hello", protocol=PROTOCOL, **about, arithmetic=ARITHMETIC, kernels=f"numpy {np.__version__}")
        while (item := self.inbox.get()) is not None:
            if isinstance(item, Exception):
                return self.refuse(item)
            message, payload = item
            if message["type"] == "end":
                print(f"{message['reason']}: {message['message']}")
                return message["again"]
            if message["type"] == "failure":
                print(f"{message['code']}: {message['message']}")
                return message["code"] not in FINAL
            try:
                self.handle(message, payload)
            except Refusal as error:
                return self.refuse(error)
        return True

    def refuse(self, error):
        code = getattr(error, "code", "header-invalid")
        self.say("failure", code=code, message=str(error)[:1000])
        return True

    def handle(self, message, payload):
        kind = message["type"]
        if kind == "welcome":
            self.run = Run(message)
            print(f"joined {message['run']} as member {message['member']}")
            self.say("ready", knownAnswer=known_answer())
        elif kind == "progress":
            pass
        elif self.run is None:
            raise Refusal("unexpected-message", f"{kind} before welcome")
        elif kind == "weights":
            self.run.store_weights(message, payload)
        elif kind == "samples":
            self.run.store_samples(message, payload)
        elif kind == "shard":
            self.compute(message)

    def compute(self, shard):
        lease = shard["lease"]
        if shard["step"] != self.run.step:
            raise Refusal("unexpected-message", f"a shard of step {shard['step']}")
        if lease in self.cancelled:
            return
        begun = time.monotonic()
        if shard["work"] == "gradient":
            result = self.run.gradient(shard)
            gradient, score, classes = result[:-2], result[-2:], b""
            for part in range(wire.parts_of(len(gradient))):
                self.say("gradient", wire.pack_part(gradient, part), lease=lease, part=part)
        else:
            score, predicted = self.run.evaluation(shard)
            classes = predicted.tobytes()
        took = 1000 * (time.monotonic() - begun)
        self.say("result", score.astype("<f4").tobytes() + classes, lease=lease, computeMs=took)


def check_fields(message):
    kind = message.get("type")
    if kind not in FIELDS:
        raise Refusal("unknown-message", f"a message of type {kind}")
    if set(message) != {"type", *FIELDS[kind].split()}:
        raise Refusal("field-invalid", f"{kind} has other fields than it should")


def attempt(url, token, name):
    """True if the worker should try again."""
    subprotocols = [f"lockstep.{PROTOCOL}"] + ([f"token.{token}"] if token else [])
    with connect(url, subprotocols=subprotocols, compression=None, max_size=16 * 2**20) as socket:
        if socket.subprotocol != subprotocols[0]:
            sys.exit("this is no coordinator of this version of the protocol")
        return Connection(socket).work(name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="the join address that the coordinator printed")
    parser.add_argument("--name", default="numpy")
    options = parser.parse_args()
    url, token = urldefrag(options.url)
    pause = 0.25
    while True:
        try:
            if not attempt(url, token, options.name):
                return
            pause = 0.25
        except (OSError, ConnectionClosed) as error:
            print(f"{error}; trying again in {pause} s")
        time.sleep(pause)
        pause = min(2 * pause, 15)


main()
