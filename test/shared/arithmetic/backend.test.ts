/** Tests what every kernel backend promises about its memory, and that other threads can open the backend. */
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { Arena } from '../../../shared/arithmetic/arena.js';
import { type KernelBackend, memoryStart } from '../../../shared/arithmetic/backend.js';
import { openBackend } from '../../../shared/arithmetic/backends.js';
import { nodeBackends } from '../../../worker/native/addon.js';
import { backendsUnderTest, native, scalar } from './backends.js';

const all = [scalar, ...backendsUnderTest];

test('the tests know every backend of the table', () => {
  const names = new Set(all.map(({ name }) => name));
  const known = Object.keys(nodeBackends).filter((name) => name !== 'native' || native !== null);
  expect([...names].sort()).toEqual(known.sort());
});

test('a name that is not in the table is refused, with those that are', () => {
  const named = (name: string) => () => openBackend({ name, code: null });
  expect(named('abacus')).toThrow("there is no kernel backend 'abacus': use one of scalar, webassembly");
  expect(named('toString')).toThrow('there is no kernel backend');
});

describe.each(all)('the backend $description', (backend) => {
  test('says what it is in printable text, its name first', () => {
    expect(backend.description).toMatch(/^[ -~]{1,64}$/);
    expect(backend.description.split(' ')[0]).toBe(backend.name);
    expect(backend.handOver.name).toBe(backend.name);
  });

  test.each([false, true])('makes memory of zeros that grows and keeps what it holds (shared: %s)', (shared) => {
    const memory = backend.createMemory(100_000, shared);
    const before = memory.buffer.byteLength;
    expect(before).toBeGreaterThanOrEqual(100_000);
    expect(new Uint8Array(memory.buffer).every((byte) => byte === 0)).toBe(true);
    if (shared) expect(memory.buffer).toBeInstanceOf(SharedArrayBuffer);
    new Float32Array(memory.buffer, memoryStart, 1)[0] = 1.5;
    memory.grow(70_000);
    expect(memory.buffer.byteLength).toBeGreaterThanOrEqual(before + 70_000);
    expect(new Float32Array(memory.buffer, memoryStart, 1)[0]).toBe(1.5);
    expect(new Uint8Array(memory.buffer, before).every((byte) => byte === 0)).toBe(true);
    const [from, to] = [memoryStart, memory.buffer.byteLength - 4];
    memory.kernels.add(from, from, to, 1);
    expect(new Float32Array(memory.buffer, to, 1)[0]).toBe(3);
  });

  test('opens in other threads, which compute in one shared memory', () => twoThreads(backend));
});

async function twoThreads(backend: KernelBackend): Promise<void> {
  const length = 1000;
  const arena = new Arena();
  const x = arena.floats(length);
  const results = [arena.floats(length), arena.floats(length)];
  const memory = backend.createMemory(arena.end, true);
  new Float32Array(memory.buffer, x, length).forEach((_, i, values) => {
    values[i] = i / 100;
  });
  await Promise.all(
    results.map((y) => {
      const workerData = { backend: backend.handOver, memory: memory.handOver, x, y, length };
      const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData });
      return new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
    }),
  );
  const [first, second] = results.map((y) => [...new Float32Array(memory.buffer, y, length)]);
  expect(first[0]).toBe(1);
  expect(first[999]).toBeCloseTo(Math.exp(9.99), 1);
  expect(second).toEqual(first);
}

test("an arena gives regions of their own cache lines, above the bytes that are nobody's", () => {
  const arena = new Arena();
  expect(arena.bytes(1)).toBe(memoryStart);
  expect(arena.floats(16)).toBe(memoryStart + 64);
  expect(arena.uint32(17)).toBe(memoryStart + 128);
  expect(arena.bytes(65_536)).toBe(memoryStart + 256);
  expect(arena.end).toBe(memoryStart + 256 + 65_536);
});
