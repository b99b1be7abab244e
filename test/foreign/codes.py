"""Coded numbers of COMPUTATION.md: vectors in blocks of 64, each with a scale and whole numbers of 4, 8 or 16 bits."""

import numpy as np

from kernels import MAGIC, f32, u32

BLOCK = 64
NOT_FINITE = 255


def block_of(x, bits):
    """The scale of a block, and its codes."""
    exponent = int(((np.ascontiguousarray(x).view(u32) >> 23) & 255).max())
    if exponent == NOT_FINITE:
        return NOT_FINITE, np.zeros(len(x), np.int64)
    scale, most = max(exponent - (bits - 2), 1), f32(2 ** (bits - 1) - 1)
    whole = (x * power(254 - scale) + MAGIC) - MAGIC
    return scale, np.minimum(np.maximum(whole, -most), most).astype(np.int64)


def power(scale):
    return np.array([scale << 23], u32).view(f32)[0]


def blocks(x):
    return [x[first : first + BLOCK] for first in range(0, len(x), BLOCK)]


def numbers_of(scale, codes):
    return codes.astype(f32) * power(scale)


def quantised(x, bits, statistics=None):
    """`statistics` are the places that keep their numbers: a mask of flags."""
    kept = np.zeros(len(x), bool) if statistics is None else statistics
    plain = np.where(kept, f32(0), x)
    coded = np.concatenate([numbers_of(*block_of(block, bits)) for block in blocks(plain)])
    return np.where(kept, x, coded)


def settled(before, updated, residual, bits, statistics=None):
    """E4: the coded change of an update, the weights after it, and the new residual."""
    kept = np.zeros(len(before), bool) if statistics is None else statistics
    wanted = np.where(kept, f32(0), (before - updated) + residual)
    change = quantised(wanted, bits)
    return change, np.where(kept, updated, before - change), wanted - change


def encode(x, bits):
    scale, codes = block_of(x, bits)
    raw = codes & (2**bits - 1)
    if bits == 4:
        raw = np.pad(raw, (0, len(raw) % 2))
        raw = raw[0::2] | raw[1::2] << 4
    return bytes([scale]) + raw.astype("<u2" if bits == 16 else np.uint8).tobytes()


def coded_bytes(count, bits):
    return 1 + -(-count * bits // 8)


def decode(raw, count, bits):
    codes = np.frombuffer(raw, "<u2" if bits == 16 else np.uint8, offset=1).astype(np.int64)
    if bits == 4:
        codes = np.stack([codes & 15, codes >> 4], axis=1).ravel()[:count]
    return numbers_of(raw[0], np.where(codes >> (bits - 1), codes - 2**bits, codes))
