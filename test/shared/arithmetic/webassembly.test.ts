/** Checks the WebAssembly backend's binary: no relaxed SIMD, no state, one file for ordinary and shared memory. */
import { describe, expect, test } from 'vitest';
import { kernelBinary, webAssembly, webAssemblyOf } from './backends.js';
import { compileCarelessly, disassemble } from './disassembly.js';

/** One function with a fused operation, one with a stack, and data that the start function would set. */
const careless = `
  typedef float vec __attribute__((vector_size(16)));
  vec fused(vec a, vec b, vec c) { return a * b + c; }
  int stack(int i) { volatile int a[4]; a[i & 3] = i; return a[~i & 3]; }
  int next(void) { static int counter = 1; return counter++; }`;

describe('the binary', () => {
  test('has no relaxed SIMD, and keeps nothing of its own in memory: no data, no stack, no start function', async () => {
    const { instructions, faults } = await disassemble(kernelBinary);
    expect(faults).toEqual([]);
    expect(instructions.filter((each) => each === 'f32x4.mul').length).toBeGreaterThan(100);
  });

  test('would be found to be wrong', async () => {
    const { faults } = await disassemble(await compileCarelessly(careless));
    expect(faults).toContainEqual(expect.stringMatching(/^(<unknown>|f32x4\.relaxed_madd) in fused$/));
    expect(faults).toEqual(expect.arrayContaining(['global.get in stack', 'section DATA', 'section START']));
  });
});

describe('the backend', () => {
  test('tells what is wrong with a binary', () => {
    const shared = (binary: number[]) => webAssemblyOf(new Uint8Array(binary)).createMemory(64, true);
    expect(() => shared([1, 2, 3])).toThrow('not a WebAssembly binary');
    expect(() => shared([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])).toThrow('does not import a memory');
  });

  test('leaves the binary as it is', () => {
    // Files are read as a Buffer. Its slice() is a view and not a copy.
    const binary = Buffer.from(kernelBinary);
    webAssemblyOf(binary).createMemory(64, true);
    expect(binary.equals(kernelBinary)).toBe(true);
  });

  test('says in one line what it is', () => {
    expect(webAssembly.description).toMatch(/^webassembly [0-9a-f]{12}$/);
  });
});
