"""The blocks and parts in which weights and gradients travel (PROTOCOL.md, "Weights and gradients")."""

import numpy as np

from codes import coded_bytes, decode, encode
from wire import Fault

BLOCK = 64
PART = 640 * BLOCK
MASK_BYTES = 80


def blocks_of(x):
    """The bits of x as rows of 64. The last row is filled up with +0."""
    raw = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return np.pad(raw, (0, -len(raw) % BLOCK)).reshape(-1, BLOCK)


def mask_of(flags, size):
    out = np.packbits(flags, bitorder="little").tobytes()
    return out + bytes(size - len(out))


def parts_of(floats):
    return -(-floats // PART)


def pack_part(flat, part):
    """The payload of a part of a gradient, without the blocks that are all +0."""
    piece = flat[part * PART : (part + 1) * PART]
    flags = (blocks_of(piece) != 0).any(axis=1)
    return mask_of(flags, MASK_BYTES) + piece[floats_of(flags, piece)].tobytes()


def pack_coded(flat, part, bits, statistics):
    """The payload of a part of a slot's quantised gradient: codes, and the statistics behind them."""
    here = slice(part * PART, (part + 1) * PART)
    plain = np.where(statistics[here], np.float32(0), flat[here])
    flags = (blocks_of(plain) != 0).any(axis=1)
    coded = b"".join(encode(plain[n * BLOCK : (n + 1) * BLOCK], bits) for n in np.flatnonzero(flags))
    return mask_of(flags, MASK_BYTES) + coded + flat[here][statistics[here]].tobytes()


def unpack_coded(flat, part, payload, bits, statistics):
    """Subtracts a part of a coded change from the weights. Statistics get new values."""
    here = slice(part * PART, (part + 1) * PART)
    piece, few = flat[here], statistics[here]
    flags = np.unpackbits(np.frombuffer(payload[:MASK_BYTES], np.uint8), bitorder="little").astype(bool)
    if len(payload) < MASK_BYTES or flags[-(-len(piece) // BLOCK) :].any():
        raise Fault("payload-length", "A mask of weights is wrong.")
    at = MASK_BYTES
    for n in np.flatnonzero(flags):
        block = piece[n * BLOCK : (n + 1) * BLOCK]
        end = at + coded_bytes(len(block), bits)
        if end > len(payload):
            raise Fault("payload-length", "A coded part of weights is too short.")
        block -= decode(payload[at:end], len(block), bits)
        at = end
    if len(payload) != at + 4 * few.sum():
        raise Fault("payload-length", "A coded part of weights has a wrong length.")
    piece[few] = np.frombuffer(payload, "<f4", offset=at)


def unpack_part(flat, part, payload, is_whole):
    """Puts a part of the weights in its place. Of whole weights, no block may be left out."""
    piece = flat[part * PART : (part + 1) * PART]
    blocks = -(-len(piece) // BLOCK)
    flags = np.unpackbits(np.frombuffer(payload[:MASK_BYTES], np.uint8), bitorder="little").astype(bool)
    if len(payload) < MASK_BYTES or flags[blocks:].any() or (is_whole and not flags[:blocks].all()):
        raise Fault("payload-length", "A mask of weights is wrong.")
    there = floats_of(flags[:blocks], piece)
    if len(payload) != MASK_BYTES + 4 * there.sum():
        raise Fault("payload-length", "A part of weights has a wrong length.")
    piece[there] = np.frombuffer(payload, "<f4", offset=MASK_BYTES)


def floats_of(flags, piece):
    """Which floats of the piece are in the blocks whose flag is set."""
    return np.repeat(flags, BLOCK)[: len(piece)]
