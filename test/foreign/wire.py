"""Frames and their headers (PROTOCOL.md, "Frames"). A header is a map of MessagePack with the forms of the page only."""

import struct

CLOSE = {
    "internal": 1011,
    "frame-too-large": 1009,
    "bad-frame": 4000,
    "header-too-large": 4001,
    "header-invalid": 4002,
    "unknown-message": 4003,
    "field-invalid": 4004,
    "payload-length": 4005,
    "unexpected-message": 4006,
    "version-mismatch": 4010,
}
FIELDS = {
    "welcome": "protocol version run member model data batch microBatch seed smoothing wireBits augment rounds heartbeatMs",
    "weights": "step base part",
    "samples": "set count",
    "shard": "lease work step epoch stepInEpoch lo size",
    "cancel": "lease",
    "ping": "id",
    "progress": "share spare testAccuracy",
    "end": "reason again message",
    "failure": "code message",
}
WORDS = {"set": ("train", "validation", "test"), "work": ("gradient", "evaluation", "validation")}
INTEGERS = set(
    "step part count id lease epoch stepInEpoch lo size protocol batch microBatch seed wireBits member heartbeatMs".split()
)
NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i"}
HEADER_BYTES_MAX = 16384
DEPTH_MAX = 6
ENTRIES_MAX = 32


class Fault(Exception):
    """What the coordinator sent cannot be right: an error code of the protocol, and a sentence."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def pack(value):
    if value is None or value is True or value is False:
        return bytes([{None: 0xC0, False: 0xC2, True: 0xC3}[value]])
    if isinstance(value, str):
        return pack_text(value.encode())
    if isinstance(value, float):
        return struct.pack(">Bd", 0xCB, value)
    if isinstance(value, int):
        return pack_integer(value)
    return bytes([0x80 | len(value)]) + b"".join(pack(key) + pack(x) for key, x in value.items())


def pack_text(raw):
    if len(raw) < 32:
        return bytes([0xA0 | len(raw)]) + raw
    return (b"\xd9" + bytes([len(raw)]) if len(raw) < 256 else struct.pack(">BH", 0xDA, len(raw))) + raw


def pack_integer(n):
    if n < 0x80:
        return bytes([n])
    if n < 0x100:
        return struct.pack(">BB", 0xCC, n)
    return struct.pack(">BH", 0xCD, n) if n < 0x10000 else struct.pack(">BI", 0xCE, n)


class Unpacker:
    """Reads one header."""

    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def header(self):
        out = self.value(1)
        if self.at != len(self.raw) or not isinstance(out, dict):
            raise Fault("header-invalid", "The header is not one map.")
        return out

    def take(self, count):
        if self.at + count > len(self.raw):
            raise Fault("header-invalid", "The header is cut off.")
        self.at += count
        return self.raw[self.at - count : self.at]

    def value(self, depth):
        if depth > DEPTH_MAX:
            raise Fault("header-invalid", "The header is too deep.")
        b = self.take(1)[0]
        if b < 0x80 or b >= 0xE0:
            return b if b < 0x80 else b - 256
        if b in NUMBERS:
            n = struct.unpack(NUMBERS[b], self.take(struct.calcsize(NUMBERS[b])))[0]
            return int(n) if isinstance(n, float) and n.is_integer() else n
        if b in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[b]
        if 0xA0 <= b < 0xC0 or b in (0xD9, 0xDA):
            return self.text(b & 31 if b < 0xC0 else int.from_bytes(self.take(b - 0xD8), "big"))
        if b < 0xA0 or b in (0xDC, 0xDE):
            count = b & 15 if b < 0xA0 else int.from_bytes(self.take(2), "big")
            if 0x90 <= b < 0xA0 or b == 0xDC:
                return [self.value(depth + 1) for _ in range(count)]
            return self.map(count, depth)
        raise Fault("header-invalid", "A form that the protocol does not have.")

    def text(self, count):
        try:
            return self.take(count).decode()
        except UnicodeDecodeError:
            raise Fault("header-invalid", "Text is not UTF-8.") from None

    def map(self, count, depth):
        if count > ENTRIES_MAX:
            raise Fault("header-invalid", "A map has too many entries.")
        out = {}
        for _ in range(count):
            if self.at >= len(self.raw) or not 0xA1 <= self.raw[self.at] <= 0xBF:
                raise Fault("header-invalid", "A key is not short text.")
            key = self.value(depth)
            if key in out or not (key.isascii() and key.isalnum()):
                raise Fault("header-invalid", "A key is bad or comes twice.")
            out[key] = self.value(depth + 1)
        return out


def encode(message, payload=b""):
    header = pack(message)
    return struct.pack("<H", len(header)) + header + payload


def decode(raw):
    """The message and the payload of a frame from the coordinator."""
    if isinstance(raw, str) or len(raw) < 2:
        raise Fault("bad-frame", "Not a frame.")
    count = struct.unpack("<H", raw[:2])[0]
    if count > HEADER_BYTES_MAX:
        raise Fault("header-too-large", "The header is too large.")
    if len(raw) < 2 + count:
        raise Fault("bad-frame", "The frame is cut off.")
    message, payload = Unpacker(raw[2 : 2 + count]).header(), raw[2 + count :]
    check_fields(message)
    if payload and message["type"] not in ("weights", "samples"):
        raise Fault("payload-length", f"{message['type']} has no payload.")
    return message, payload


def check_fields(message):
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in FIELDS:
        raise Fault("unknown-message", "A type that a coordinator does not send.")
    if set(message) != {"type", *FIELDS[kind].split()}:
        raise Fault("field-invalid", f"{kind} has not its fields.")
    for key, value in message.items():
        is_bad_integer = key in INTEGERS and (type(value) is not int or not 0 <= value <= 0xFFFFFFFF)
        if is_bad_integer or (key in WORDS and value not in WORDS[key]):
            raise Fault("field-invalid", f"{kind}.{key} is out of range.")
