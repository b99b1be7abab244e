/** Runs in a browser: every case of the kernels, SIMD against the scalar specification, and the known answer. */
import { knownAnswer, knownAnswerBytes } from '../../shared/arithmetic/known-answer.js';
import { scalarKernels } from '../../shared/arithmetic/scalar.js';
import { compileKernels, reservedBytes, simdKernels } from '../../shared/arithmetic/webassembly/binary.js';
import { caseBytes, kernelCases } from '../shared/arithmetic/kernels.cases.js';

const PAGE_BYTES = 65_536;

/** What a test asks for: the cases that differ, how many there are, and the bytes of the known answer. */
export interface Checked {
  readonly cases: number;
  readonly differing: readonly string[];
  readonly knownAnswer: readonly number[];
}

async function check(): Promise<Checked> {
  const binary = new Uint8Array(await (await fetch('kernels.wasm')).arrayBuffer());
  const pages = Math.max(caseBytes, reservedBytes + knownAnswerBytes) / PAGE_BYTES;
  const newMemory = () => new WebAssembly.Memory({ initial: Math.ceil(pages), maximum: Math.ceil(pages) });
  const [scalarMemory, memory] = [newMemory(), newMemory()];
  const scalar = scalarKernels(scalarMemory);
  const simd = simdKernels(compileKernels(binary, false), memory);
  const cases = kernelCases();
  const differing = cases.filter((each) => {
    const [expected, actual] = [each.run(scalar, scalarMemory), each.run(simd, memory)];
    return expected.length !== actual.length || expected.some((byte, i) => byte !== actual[i]);
  });
  const names = differing.map(({ name }) => name);
  return { cases: cases.length, differing: names, knownAnswer: [...knownAnswer(simd, memory, reservedBytes)] };
}

(globalThis as { checked?: Promise<Checked> }).checked = check();
