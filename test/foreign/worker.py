"""A Lockstep worker with NumPy.

    python worker.py ws://HOST:PORT/#TOKEN
"""

import os
import queue
import signal
import sys
import threading
import time

import numpy as np
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

from known_answer import known_answer
from run import Cancelled, Run
from wire import CLOSE, Fault, decode, encode

PROTOCOL = 5
SUBPROTOCOL = f"lockstep.{PROTOCOL}"
ARITHMETIC = "lockstep-arithmetic-3"
FRAME_BYTES_MAX = 1 << 24
# After these errors another attempt is of no use, whichever side has found them.
FINAL = {"version-mismatch", "arithmetic-mismatch", "known-answer-wrong", "token-wrong", "bad-result", "banned"}
WELCOME_SECONDS, PROBE_SECONDS, SILENCE_SECONDS = 10, 5, 60
PAUSE_SECONDS_MAX = 30


class Session:
    """One connection, from `hello` to its end. This thread reads messages and answers pings; another one computes."""

    def __init__(self, socket):
        self.socket = socket
        self.work, self.pending, self.closing = queue.Queue(), set(), False
        self.run = None
        self.comes_back = True

    def send(self, message, payload=b""):
        """On a closed connection, this does nothing: an `end` may still have to be read."""
        try:
            self.socket.send(encode(message, payload))
        except ConnectionClosed:
            pass

    def fail(self, code, message):
        """Refuses what came. A message is one line: the text of an exception may have several."""
        line = " ".join(message.split())[:1000]
        print("fault:", code, line, flush=True)
        self.send({"type": "failure", "code": code, "message": line})
        self.socket.close(CLOSE[code])

    def leave(self):
        self.closing = True
        self.send({"type": "leave"})

    def play(self):
        """Returns whether to come back."""
        try:
            about = {"version": "1", "name": f"numpy-{os.getpid()}", "kind": "python", "threads": 1}
            computes = {"arithmetic": ARITHMETIC, "kernels": f"numpy {np.__version__}"}
            self.send({"type": "hello", "protocol": PROTOCOL, **about, **computes})
            self.converse()
        except Fault as fault:
            self.fail(fault.code, str(fault))
            self.comes_back = fault.code not in FINAL
        except (TimeoutError, ConnectionClosed):
            pass
        finally:
            self.closing = True
            self.work.put(None)
        return self.comes_back

    def converse(self):
        silent = 0
        while True:
            try:
                frame = self.socket.recv(timeout=WELCOME_SECONDS if self.run is None else PROBE_SECONDS)
            except TimeoutError:
                silent += PROBE_SECONDS
                if self.run is None or silent >= SILENCE_SECONDS:
                    raise
                self.send({"type": "pong", "id": 0})
                continue
            silent = 0
            message, payload = decode(frame)
            if message["type"] in ("end", "failure"):
                return self.over(message)
            self.handle(message, payload)

    def over(self, message):
        print(f"{message['type']}: {message.get('reason') or message['code']}: {message['message']}", flush=True)
        if message["type"] == "failure":
            self.comes_back = message["code"] not in FINAL
        else:
            self.comes_back = message["again"] and not self.closing

    def handle(self, message, payload):
        kind = message["type"]
        if (kind == "welcome") != (self.run is None):
            raise Fault("unexpected-message", f"{kind} has no place here.")
        if kind == "welcome":
            self.welcome(message)
        elif kind == "ping":
            self.send({"type": "pong", "id": message["id"]})
        elif kind == "cancel":
            self.pending.discard(message["lease"])
        elif kind != "progress":
            if kind == "shard":
                self.pending.add(message["lease"])
            self.work.put((message, payload))

    def welcome(self, message):
        if message["protocol"] != PROTOCOL:
            raise Fault("version-mismatch", f"Not protocol {PROTOCOL}.")
        self.run = Run(message)
        threading.Thread(target=self.compute, daemon=True).start()
        self.send({"type": "ready", "knownAnswer": ANSWER})

    # ---- in the thread that computes ----

    def compute(self):
        try:
            while (item := self.work.get()) is not None:
                if not self.closing:
                    self.obey(*item)
        except Fault as fault:
            self.fail(fault.code, str(fault))
        except Exception as error:
            self.fail("internal", repr(error))

    def obey(self, message, payload):
        if message["type"] == "weights":
            self.run.store_weights(message, payload)
        elif message["type"] == "samples":
            self.run.store_samples(message, payload)
        else:
            self.answer(message)

    def answer(self, shard):
        lease, begun = shard["lease"], time.perf_counter()
        try:
            parts, score, predicted = self.run.compute(shard, lambda: lease in self.pending and not self.closing)
        except Cancelled:
            return
        took = (time.perf_counter() - begun) * 1000.0
        classes = b"" if shard["work"] == "gradient" else predicted.tobytes()
        for part, payload in enumerate(parts):
            self.send({"type": "gradient", "lease": lease, "part": part}, payload)
        self.pending.discard(lease)
        self.send({"type": "result", "lease": lease, "computeMs": took}, score.tobytes() + classes)


class Worker:
    """Connects, and connects again, until the run is over or the user stops it."""

    def __init__(self, url, token):
        self.url, self.subprotocols = url, [SUBPROTOCOL] + ([f"token.{token}"] if token else [])
        self.session = None

    def stop(self, *_):
        if self.session is None or self.session.closing:
            sys.exit(1)
        self.session.leave()

    def attempt(self):
        """Returns whether to come back."""
        options = {"compression": None, "max_size": FRAME_BYTES_MAX, "ping_interval": None, "user_agent_header": None}
        with connect(self.url, subprotocols=self.subprotocols, **options) as socket:
            if socket.subprotocol != SUBPROTOCOL:
                sys.exit(f"The coordinator does not speak {SUBPROTOCOL}.")
            self.session = Session(socket)
            return self.session.play()

    def work(self):
        pause = 1
        while pause <= PAUSE_SECONDS_MAX:
            begun = time.monotonic()
            try:
                if not self.attempt():
                    return
            except (OSError, InvalidHandshake) as error:
                print("cannot connect:", error, flush=True)
            # A connection that lasted shows that the coordinator is well.
            if time.monotonic() - begun > PAUSE_SECONDS_MAX:
                pause = 1
            time.sleep(pause)
            pause *= 2
        sys.exit("The coordinator is gone.")


# It does not depend on the run, and takes a second: so it is there before the coordinator waits for it.
ANSWER = known_answer()

if __name__ == "__main__":
    address, _, token = sys.argv[1].partition("#")
    worker = Worker(address, token)
    signal.signal(signal.SIGINT, worker.stop)
    signal.signal(signal.SIGTERM, worker.stop)
    worker.work()
