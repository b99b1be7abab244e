/**
 * Runs in an engine's shell, which has no modules, files or URLs: the known-answer test of the kernels and of their
 * scalar specification, so often that the engine's optimizing compilers have had their turn. Prints the hash of the
 * results; more than one if they are not always the same.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { memoryStart } from '../../shared/arithmetic/backend.js';
import { openBackend } from '../../shared/arithmetic/backends.js';
import { hashOf } from '../../shared/arithmetic/identity.js';
import { knownAnswer, knownAnswerBytes } from '../../shared/arithmetic/known-answer.js';
import { openScalar } from '../../shared/arithmetic/scalar/backend.js';
import { webAssemblyCode } from '../../shared/arithmetic/webassembly/backend.js';

/** The kernel binary; the bundler puts it here. */
declare const KERNELS: readonly number[];
/** What shells have in place of a console. */
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
