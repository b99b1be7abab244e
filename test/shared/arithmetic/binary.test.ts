/** What the kernel binary is: no relaxed SIMD, no state, and one file for private and shared memory. */
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { Arena } from '../../../shared/arithmetic/arena.js';
import { compileKernels, reservedBytes, simdKernels } from '../../../shared/arithmetic/webassembly/binary.js';
import { kernelBinary } from './binary.js';
import { RELAXED_FIRST, SIMD_PREFIX, sections, walkCode } from './walk.js';

describe('the binary', () => {
  test('has SIMD instructions and none of relaxed SIMD, whose results differ between processors', () => {
    let simd = 0;
    let relaxed = 0;
    walkCode(kernelBinary, (opcode, sub) => {
      if (opcode !== SIMD_PREFIX) return;
      simd++;
      if (sub >= RELAXED_FIRST) relaxed++;
    });
    expect(simd).toBeGreaterThan(1000);
    expect(relaxed).toBe(0);
  });

  test('keeps nothing of its own in memory: no data, no start function', () => {
    const [DATA, START] = [11, 8];
    const ids = sections(kernelBinary).map(({ id }) => id);
    expect(ids).not.toContain(DATA);
    expect(ids).not.toContain(START);
  });
});

describe('the loader', () => {
  test('tells what is wrong with a binary', () => {
    expect(() => compileKernels(new Uint8Array([1, 2, 3]), true)).toThrow('not a WebAssembly binary');
    const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    expect(() => compileKernels(empty, true)).toThrow('does not import a memory');
  });

  test('leaves the binary as it is', () => {
    // A Buffer, as files are read: its slice() would be a view.
    const binary = Buffer.from(kernelBinary);
    compileKernels(binary, true);
    expect(binary.equals(kernelBinary)).toBe(true);
  });

  test('refuses a memory of the other kind', () => {
    const shared = new Arena().createMemory(true);
    expect(() => simdKernels(compileKernels(kernelBinary, false), shared)).toThrow();
    expect(() => simdKernels(compileKernels(kernelBinary, true), new Arena().createMemory(false))).toThrow();
  });
});

test('two threads compute in one shared memory, with a module that was compiled once', async () => {
  const length = 1000;
  const arena = new Arena();
  const x = arena.floats(length);
  const results = [arena.floats(length), arena.floats(length)];
  const memory = arena.createMemory(true);
  new Float32Array(memory.buffer, x, length).forEach((_, i, all) => {
    all[i] = i / 100;
  });
  const module = compileKernels(kernelBinary, true);
  await Promise.all(
    results.map((y) => {
      const worker = new Worker(new URL('./thread.js', import.meta.url), {
        workerData: { module, memory, x, y, length },
      });
      return new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
    }),
  );
  const [first, second] = results.map((y) => [...new Float32Array(memory.buffer, y, length)]);
  expect(first[0]).toBe(1);
  expect(first[999]).toBeCloseTo(Math.exp(9.99), 1);
  expect(second).toEqual(first);
});

test('an arena gives regions of their own cache lines, above the reserved bytes', () => {
  const arena = new Arena();
  expect(arena.bytes(1)).toBe(reservedBytes);
  expect(arena.floats(16)).toBe(reservedBytes + 64);
  expect(arena.uint32(17)).toBe(reservedBytes + 128);
  expect(arena.bytes(65_536)).toBe(reservedBytes + 256);
  expect(arena.createMemory(false).buffer.byteLength).toBe(2 * 65_536);
});
