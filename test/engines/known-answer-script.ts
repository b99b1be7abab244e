/**
 * Runs the known-answer test in an engine's shell, with the WebAssembly kernels and with their scalar specification. It
 * repeats the test 20 times, so that the engine's optimizing compilers compile the code. It prints the hash of the
 * results, or all hashes if the results differ. A shell has no modules, files or URLs, so this file is bundled first.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { memoryStart } from '../../shared/arithmetic/backend.js';
import { openBackend } from '../../shared/arithmetic/backends.js';
import { hashOf } from '../../shared/arithmetic/identity.js';
import { knownAnswer, knownAnswerBytes } from '../../shared/arithmetic/known-answer.js';
import { openScalar } from '../../shared/arithmetic/scalar/backend.js';
import { webAssemblyCode } from '../../shared/arithmetic/webassembly/backend.js';

/** The kernel binary. The bundler inserts it. */
declare const KERNELS: readonly number[];
/** Shells have this function and no console. */
declare const print: (text: string) => void;

const rounds = 20;
const webAssembly = openBackend(webAssemblyCode(new Uint8Array(KERNELS), () => ''));
const implementations = [webAssembly, openScalar()].map(({ sizes, createMemory }) => {
  return { sizes, memory: createMemory(memoryStart + knownAnswerBytes(sizes), false) };
});
const hashes = new Set<string>();
for (let round = 0; round < rounds; round++) {
  for (const { memory, sizes } of implementations) {
    hashes.add(hashOf(knownAnswer(memory, sizes), (bytes) => bytesToHex(sha256(bytes))));
  }
}
print([...hashes].join(' '));
