/** The vector files are what the specification gives, and the WebAssembly kernels give the same. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Kernels } from '../../shared/arithmetic/kernels.js';
import { compileKernels, reservedBytes, simdKernels } from '../../shared/arithmetic/webassembly/binary.js';
import { kernelBinary } from '../shared/arithmetic/binary.js';
import { textOf, vectorFiles, vectorFolder } from './files.js';
import { functionBytes, functionVectorsOf } from './functions.js';
import { runVectors, slotVectors } from './slots.js';

const read = (name: string) => readFileSync(new URL(name, vectorFolder), 'utf8');
const module = compileKernels(kernelBinary, false);

/** Kernels in a memory of their own: what the caller has in its memory goes there and back with every call. */
function webAssemblyOver(plain: { readonly buffer: ArrayBufferLike }): Kernels {
  const pages = Math.ceil(plain.buffer.byteLength / 65_536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const kernels = simdKernels(module, memory);
  const [here, there] = [new Uint8Array(plain.buffer), new Uint8Array(memory.buffer)];
  const call =
    (kernel: (...operands: number[]) => unknown) =>
    (...operands: number[]) => {
      there.set(here.subarray(reservedBytes), reservedBytes);
      const result = kernel(...operands);
      here.set(there.subarray(reservedBytes, here.length), reservedBytes);
      return result;
    };
  const entries = Object.entries(kernels).map(([name, kernel]) => [name, call(kernel)]);
  return Object.fromEntries(entries) as Kernels;
}

describe('the vector files', () => {
  const files = vectorFiles();

  it.each(Object.keys(files))('%s is what the specification gives', (name) => {
    expect(read(name)).toBe(textOf(files[name]));
  });

  it('are all there is, beside the page that says what they are', () => {
    expect(readdirSync(vectorFolder).sort()).toEqual([...Object.keys(files), 'README.md'].sort());
    for (const name of Object.keys(files)) expect(read('README.md')).toContain(`\`${name}\``);
  });
});

describe('the WebAssembly kernels', () => {
  it('give the functions of the file', () => {
    const memory = { buffer: new ArrayBuffer(reservedBytes + functionBytes) };
    expect(textOf(functionVectorsOf(webAssemblyOver, memory, reservedBytes))).toBe(read('functions.json'));
  });

  it('give the slots of the file', () => {
    expect(textOf(slotVectors(webAssemblyOver))).toBe(read('slots.json'));
  });

  it('give the shards, evaluations and updates of the file', () => {
    expect(textOf(runVectors(webAssemblyOver))).toBe(read('run.json'));
  });
});
