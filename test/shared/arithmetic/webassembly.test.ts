/** Checks the WebAssembly backend's binary: no relaxed SIMD, no state, one file for ordinary and shared memory. */
import { describe, expect, test } from 'vitest';
import { kernelBinary, webAssembly, webAssemblyOf } from './backends.js';
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
