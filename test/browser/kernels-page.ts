/** Runs in a browser. Compares WebAssembly with the scalar specification in all cases, and checks the known answer. */

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type KernelBackend, memoryStart } from '../../shared/arithmetic/backend.js';
import { openBackend } from '../../shared/arithmetic/backends.js';
import { wrongStages } from '../../shared/arithmetic/identity.js';
import { knownAnswer, knownAnswerBytes } from '../../shared/arithmetic/known-answer.js';
import { openScalar } from '../../shared/arithmetic/scalar/backend.js';
import { webAssemblyCode } from '../../shared/arithmetic/webassembly/backend.js';
import { caseBytes, type Implementation } from '../shared/arithmetic/case-workspace.js';
import { kernelCases } from '../shared/arithmetic/kernels.cases.js';

/** The result: the number of cases, the names of those that differ, and the wrong stages of the known answer. */
export interface Checked {
  readonly cases: number;
  readonly differing: readonly string[];
  readonly wrongStages: readonly string[];
}

async function check(): Promise<Checked> {
  const binary = new Uint8Array(await (await fetch('kernels.wasm')).arrayBuffer());
  const webAssembly = openBackend(webAssemblyCode(binary, () => ''));
  const [specification, actual] = [openScalar(), webAssembly].map(implementationOf);
  const cases = kernelCases();
  const differing = cases.filter((each) => {
    const [wanted, bytes] = [each.run(specification), each.run(actual)];
    return wanted.length !== bytes.length || wanted.some((byte, i) => byte !== bytes[i]);
  });
  const names = differing.map(({ name }) => name);
  const wrong = wrongStages(knownAnswer(actual.memory, actual.sizes), (bytes) => bytesToHex(sha256(bytes)));
  return { cases: cases.length, differing: names, wrongStages: wrong };
}

function implementationOf({ sizes, createMemory }: KernelBackend): Implementation {
  const bytes = Math.max(caseBytes, memoryStart + knownAnswerBytes(sizes));
  return { sizes, memory: createMemory(bytes, false) };
}

(globalThis as { checked?: Promise<Checked> }).checked = check();
