import { expect, test } from 'vitest';
import type { KernelBackend, KernelMemory } from '../../../shared/arithmetic/backend.js';
import { openScalar } from '../../../shared/arithmetic/scalar/backend.js';
import { fastest } from '../../../worker/native/fastest-width.js';

let nowMs = 0;

/** A backend whose products take the given times, one after the other; the last one from then on. */
function taking(name: string, ...timesMs: number[]): KernelBackend {
  return takingBoth(name, 0, ...timesMs);
}

/** The same with convolutions that take `convolutionMs`. */
function takingBoth(name: string, convolutionMs: number, ...timesMs: number[]): KernelBackend {
  const scalar = openScalar();
  let calls = 0;
  const openMemory = (handOver: unknown): KernelMemory => {
    const memory = scalar.openMemory(handOver);
    const denseForward = () => {
      nowMs += timesMs[Math.min(calls++, timesMs.length - 1)];
    };
    const convForward = () => {
      nowMs += convolutionMs;
    };
    return { ...memory, buffer: memory.buffer, handOver, kernels: { ...memory.kernels, denseForward, convForward } };
  };
  return { ...scalar, name, openMemory };
}

const fastestOf = (...backends: KernelBackend[]) => fastest(backends, () => nowMs).name;

test('the fastest is chosen, wherever it stands', () => {
  expect(fastestOf(taking('a', 3), taking('b', 2), taking('c', 4))).toBe('b');
  expect(fastestOf(taking('a', 3), taking('b', 4), taking('c', 2))).toBe('c');
  expect(fastestOf(taking('only', 3))).toBe('only');
});

test('convolutions count as much as dense products', () => {
  expect(fastestOf(takingBoth('narrow', 2, 3), takingBoth('wide', 4, 2))).toBe('narrow');
  expect(fastestOf(takingBoth('narrow', 4, 2), takingBoth('wide', 2, 3))).toBe('wide');
});

test('what disturbs a trial does not decide', () => {
  expect(fastestOf(taking('a', 3), taking('b', 50, 50, 2, 50))).toBe('b');
});

test('wider vectors are chosen if they are clearly faster', () => {
  expect(fastestOf(taking('narrow', 3), taking('wide', 2.8))).toBe('narrow');
  expect(fastestOf(taking('narrow', 3), taking('wide', 2.7))).toBe('wide');
});
