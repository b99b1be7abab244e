/**
 * Runs in an engine's shell, which has no modules, files or URLs: the known-answer test of the kernels and of their
 * scalar specification, so often that the engine's optimizing compilers have had their turn. Prints the hash of the
 * results; more than one if they are not always the same.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { knownAnswer, knownAnswerBytes } from '../../shared/arithmetic/known-answer.js';
import { scalarKernels } from '../../shared/arithmetic/scalar.js';
import { compileKernels, reservedBytes, simdKernels } from '../../shared/arithmetic/webassembly/binary.js';

/** The kernel binary; the bundler puts it here. */
declare const KERNELS: readonly number[];
/** What shells have in place of a console. */
declare const print: (text: string) => void;

const rounds = 20;
const pages = Math.ceil((reservedBytes + knownAnswerBytes) / 65_536);
const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
const simd = simdKernels(compileKernels(new Uint8Array(KERNELS), false), memory);
const hashes = new Set<string>();
for (let round = 0; round < rounds; round++) {
  for (const kernels of [simd, scalarKernels(memory)]) {
    hashes.add(bytesToHex(sha256(knownAnswer(kernels, memory, reservedBytes))));
  }
}
print([...hashes].join(' '));
