"""Frames of shared/protocol/PROTOCOL.md: a header in MessagePack, then raw bytes; and parts of a tensor."""

import struct

import numpy as np

BLOCK = 64
PART_BLOCKS = 640
PART = BLOCK * PART_BLOCKS
MASK_BYTES = 80


# ---- MessagePack, the forms that headers have ----


def pack(value):
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return bytes([value]) if value < 0x80 else b"\xce" + struct.pack(">I", value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        data = value.encode()
        if len(data) < 32:
            return bytes([0xA0 | len(data)]) + data
        return b"\xda" + struct.pack(">H", len(data)) + data
    if isinstance(value, dict):
        return bytes([0x80 | len(value)]) + b"".join(pack(k) + pack(v) for k, v in value.items())
    raise TypeError(f"a header has no {type(value).__name__}")


class Reader:
    NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i"}
    CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
    LENGTHS = {0xD9: ">B", 0xDA: ">H", 0xDC: ">H", 0xDE: ">H"}

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise ValueError("the header ends within a value")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def value(self):
        first = self.number(">B")
        if first < 0x80:
            return first
        if first >= 0xE0:
            return first - 0x100
        if first < 0x90:
            return self.map(first & 0x0F)
        if first < 0xA0:
            return self.list(first & 0x0F)
        if first < 0xC0:
            return self.text(first & 0x1F)
        if first in self.CONSTANTS:
            return self.CONSTANTS[first]
        if first in self.NUMBERS:
            return self.number(self.NUMBERS[first])
        if first not in self.LENGTHS:
            raise ValueError(f"0x{first:02x} is a type that headers do not have")
        length = self.number(self.LENGTHS[first])
        return self.list(length) if first == 0xDC else self.map(length) if first == 0xDE else self.text(length)

    def map(self, count):
        return {self.value(): self.value() for _ in range(count)}

    def list(self, count):
        return [self.value() for _ in range(count)]

    def text(self, length):
        return self.take(length).decode()


# ---- frames ----


def encode(message, payload=b""):
    header = pack(message)
    return struct.pack("<H", len(header)) + header + payload


def decode(frame):
    """The message and its payload."""
    [length] = struct.unpack_from("<H", frame)
    reader = Reader(frame[2 : 2 + length])
    message = reader.value()
    if not isinstance(message, dict) or reader.at != length:
        raise ValueError("the header is not one map")
    return message, frame[2 + length :]


# ---- parts of a tensor ----


def parts_of(parameters):
    return -(-parameters // PART)


def pack_part(flat, part):
    """Blocks that are all +0 are left out."""
    values = flat[part * PART : (part + 1) * PART]
    blocks = [values[at : at + BLOCK] for at in range(0, len(values), BLOCK)]
    present = [bool(block.view(np.uint32).any()) for block in blocks]
    mask = np.zeros(8 * MASK_BYTES, np.uint8)
    mask[: len(present)] = present
    kept = [block for block, there in zip(blocks, present) if there]
    data = np.concatenate(kept).astype("<f4").tobytes() if kept else b""
    return np.packbits(mask, bitorder="little").tobytes() + data


def unpack_part(flat, part, payload):
    """Puts the blocks that are there in their places; the others stay as they are."""
    values = flat[part * PART : (part + 1) * PART]
    mask = np.unpackbits(np.frombuffer(payload[:MASK_BYTES], np.uint8), bitorder="little")
    data = np.frombuffer(payload[MASK_BYTES:], "<f4")
    at = 0
    for block in np.flatnonzero(mask):
        target = values[block * BLOCK : (block + 1) * BLOCK]
        target[...] = data[at : at + len(target)]
        at += len(target)
    if at != len(data):
        raise ValueError("a part has other bytes than its mask says")
