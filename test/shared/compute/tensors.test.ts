import { expect, it } from 'vitest';
import { memoryStart } from '../../../shared/arithmetic/backend.js';
import { Tensors } from '../../../shared/compute/tensors.js';
import { type Coding, quantise } from '../../../shared/model/coding.js';
import {
  codedPartBytesMax,
  invalidCodedPart,
  maskBytes,
  partAt,
  partFloats,
  partRoomBytes,
  partsOf,
} from '../../../shared/protocol/tensor.js';
import { nodePlatform } from '../../../worker/node-platform.js';

const floats = 2 * partFloats + 5;
const mask = memoryStart;
const [a, b] = [mask + maskBytes, mask + maskBytes + 4 * floats];

it('finds two tensors equal only if every bit of every part is the same', () => {
  const tensors = new Tensors(nodePlatform().backend.createMemory(b + 4 * floats, false), mask);
  const of = tensors.floats(a, floats).fill(1.5);
  tensors.copy(a, b, floats);
  expect(tensors.isEqual(a, b, floats)).toBe(true);
  for (const at of [0, partFloats, floats - 1]) {
    of[at] = 0;
    tensors.floats(b, floats)[at] = -0;
    expect(tensors.isEqual(a, b, floats), `float ${at}`).toBe(false);
    tensors.copy(a, b, floats);
  }
  expect(tensors.isEqual(a, b, floats)).toBe(true);
});

it('carries quantised numbers in codes, and statistics behind them', () => {
  const coding: Coding = {
    bits: 4,
    statistics: [
      { offset: 130, floats: 5 },
      { offset: partFloats - 1, floats: 3 },
    ],
  };
  const at = memoryStart + codedPartBytesMax;
  const memory = nodePlatform().backend.createMemory(at + 8 * floats, false);
  const tensors = new Tensors(memory, memoryStart);
  const from = tensors.floats(at, floats).map((_, i) => (i % 500 < 200 ? Math.sin(i) * 10 ** (i % 7) : 0));
  tensors.floats(at, floats).set(from);
  quantise(memory, coding, at, floats);
  const quantised = tensors.floats(at, floats).slice();
  const to = tensors.floats(at + 4 * floats, floats).fill(1);
  const less = Float32Array.from(quantised, (x, i) => (isStatistic(coding, i) ? x : Math.fround(1 - x)));
  const unpacked = (how: 'store' | 'subtract') => {
    to.fill(1);
    for (let part = 0; part < partsOf(floats); part++) {
      const payload = new Uint8Array(partRoomBytes(coding));
      const length = tensors.packCodes(part, floats, at, coding, payload);
      expect(length).toBeLessThan(maskBytes + 4 * partAt(part, floats).count);
      const sent = payload.slice(0, length);
      expect(invalidCodedPart(sent, part, floats, coding)).toBeNull();
      expect(invalidCodedPart(sent.subarray(1), part, floats, coding)).not.toBeNull();
      expect(invalidCodedPart(Uint8Array.of(...sent, 0), part, floats, coding)).not.toBeNull();
      tensors.unpackCodes(part, floats, at + 4 * floats, sent, coding, how);
    }
    return to.slice();
  };
  expect(unpacked('store')).toEqual(quantised);
  expect(unpacked('subtract')).toEqual(less);
  expect(tensors.floats(at, floats)).toEqual(quantised);
  expect(quantised).not.toEqual(from);
});

function isStatistic({ statistics }: Coding, i: number): boolean {
  return statistics.some(({ offset, floats: count }) => i >= offset && i < offset + count);
}
