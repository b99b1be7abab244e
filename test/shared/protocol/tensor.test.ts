import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  invalidPart,
  maskBytes,
  maskBytesOf,
  packPart,
  partAt,
  partBytesMax,
  partFloats,
  partsOf,
  unpackPart,
} from '../../../shared/protocol/tensor.js';
import { scalar } from '../arithmetic/backends.js';

const memory = scalar.createMemory(2 ** 20, false);
const { kernels } = memory;

/** Runs of equal words, as at the border of an image. */
const words = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 200 }), fc.constantFrom(0, 0, -(2 ** 31), 1, 0x7fc00000)), {
    minLength: 1,
    maxLength: 30,
  })
  .map((runs) => Int32Array.from(runs.flatMap(([length, word]) => Array<number>(length).fill(word))));

/** Packs the changes since `base`. If `base` is null, packs the whole part. */
function packed(part: Int32Array, base: Int32Array | null): Uint8Array {
  const payload = new Uint8Array(partBytesMax).fill(0xaa);
  const mask = base === null ? null : changes(part, base);
  return payload.subarray(0, packPart(new Uint8Array(part.buffer), mask, payload));
}

function changes(part: Int32Array, base: Int32Array): Uint8Array {
  const [x, before, mask] = [1, 2, 3].map((n) => n * 262_144);
  new Int32Array(memory.buffer, x, part.length).set(part);
  new Int32Array(memory.buffer, before, part.length).set(base.subarray(0, part.length));
  kernels.changes(x, before, part.length, mask);
  return new Uint8Array(memory.buffer, mask, maskBytesOf(part.length));
}

/** What a receiver has after this payload if it had `base` before. */
function unpacked(payload: Uint8Array, base: Int32Array): Int32Array {
  const floats = base.slice();
  unpackPart(payload, floats.length, {
    present: (first, bytes) => new Uint8Array(floats.buffer).set(bytes, 4 * first),
    absent: () => {},
  });
  return floats;
}

describe('a part', () => {
  it('carries every bit, whatever the other end holds', () => {
    fc.assert(
      fc.property(words, words, (now, other) => {
        const base = Int32Array.from(now, (_, i) => other[i % other.length]);
        const payload = packed(now, base);
        expect(invalidPart(payload, now.length)).toBeNull();
        expect(unpacked(payload, base)).toEqual(now);
      }),
    );
  });

  it('leaves out what is the same, bit by bit: a zero of the other sign is there', () => {
    const now = new Int32Array(200);
    now[70] = -(2 ** 31);
    const payload = packed(now, new Int32Array(200));
    expect(payload.length).toBe(maskBytes + 4 * 64);
    expect([...payload.subarray(0, maskBytes)]).toEqual([0b10, ...Array(maskBytes - 1).fill(0)]);
    expect(packed(now, now).length).toBe(maskBytes);
  });

  it('has everything where there is nothing to leave out against', () => {
    expect(packed(new Int32Array(130), null).length).toBe(maskBytes + 4 * 130);
    expect(packed(new Int32Array(partFloats), null).length).toBe(partBytesMax);
  });

  it('says where what is left out belongs', () => {
    const gradient = Int32Array.from({ length: 300 }, (_, i) => (i >= 64 && i < 128 ? 1 : 0));
    const runs: [string, number, number][] = [];
    unpackPart(packed(gradient, new Int32Array(300)), 300, {
      present: (first, bytes) => runs.push(['present', first, first + bytes.length / 4]),
      absent: (first, end) => runs.push(['absent', first, end]),
    });
    expect(runs).toEqual([
      ['absent', 0, 64],
      ['present', 64, 128],
      ['absent', 128, 300],
    ]);
  });

  it('is refused when it is not as long as its mask says', () => {
    const payload = packed(
      Int32Array.from({ length: 100 }, () => 1),
      null,
    );
    expect(invalidPart(payload, 100)).toBeNull();
    for (const floats of [64, 99, 101, 200]) expect(invalidPart(payload, floats), `${floats}`).not.toBeNull();
    for (let length = 0; length < payload.length; length++) {
      expect(invalidPart(payload.subarray(0, length), 100)).not.toBeNull();
    }
    expect(invalidPart(Uint8Array.of(...payload, 0), 100)).not.toBeNull();
  });

  it('is refused when its mask has a bit beyond its last block', () => {
    const nothing = new Uint8Array(maskBytes);
    expect(invalidPart(nothing, 100)).toBeNull();
    for (let bit = 2; bit < 8 * maskBytes; bit++) {
      const mask = nothing.slice();
      mask[bit >> 3] = 1 << (bit & 7);
      expect(invalidPart(mask, 100)).toContain('beyond');
    }
  });
});

describe('the parts of a tensor', () => {
  it.each([1, partFloats - 1, partFloats, partFloats + 1, 79_510])('of %i floats follow each other to its end', (n) => {
    let end = 0;
    for (let part = 0; part < partsOf(n); part++) {
      const { first, count } = partAt(part, n);
      expect(first).toBe(end);
      expect(count).toBeGreaterThan(0);
      end = first + count;
    }
    expect(end).toBe(n);
  });
});
