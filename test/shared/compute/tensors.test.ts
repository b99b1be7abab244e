import { expect, it } from 'vitest';
import { memoryStart } from '../../../shared/arithmetic/backend.js';
import { Tensors } from '../../../shared/compute/tensors.js';
import { maskBytes, partFloats } from '../../../shared/protocol/tensor.js';
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
