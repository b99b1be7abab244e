/**
 * Checks the kernels in the Node that runs this: WebAssembly, and native code of every width of the processor. The first
 * argument says that every so many-th case is run. Prints what came out as JSON. `kernels.ts` reads it.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type KernelBackend, memoryStart } from '../../shared/arithmetic/backend.js';
import { hashOf } from '../../shared/arithmetic/identity.js';
import { knownAnswer, knownAnswerBytes } from '../../shared/arithmetic/known-answer.js';
import { findCompiler } from '../../worker/native/compiler.js';
import { backendsUnderTest, scalar } from '../shared/arithmetic/backends.js';
import { caseBytes } from '../shared/arithmetic/case-workspace.js';
import { kernelCases } from '../shared/arithmetic/kernels.cases.js';
import type { BackendChecked, KernelsChecked } from './kernels.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const every = Number(process.argv[2]);
const cases = kernelCases().filter((_, i) => i % every === 0);

/** The hash of each case's result. */
function resultsOf({ sizes, createMemory }: KernelBackend): string[] {
  const implementation = { sizes, memory: createMemory(caseBytes, true) };
  return cases.map((each) => sha256(each.run(implementation)));
}

/** The known answer of this thread and that of another one, in one memory and at the same time. */
async function answersOf({ sizes, createMemory, handOver }: KernelBackend): Promise<string[]> {
  const bytes = Math.ceil(knownAnswerBytes(sizes) / 64) * 64;
  const memory = createMemory(memoryStart, true);
  const workerData = { backend: handOver, memory: memory.handOver, at: memoryStart + bytes };
  const thread = new Worker(new URL('./kernels-thread.js', import.meta.url), { workerData });
  await once(thread, 'message');
  memory.grow(2 * bytes);
  thread.postMessage('grown');
  const own = knownAnswer(memory, sizes);
  const [others] = await once(thread, 'message');
  await thread.terminate();
  return [own, others].map((answer) => hashOf(answer, sha256));
}

const expected = resultsOf(scalar);

async function check(backend: KernelBackend): Promise<BackendChecked> {
  const results = resultsOf(backend);
  const wrong = cases.filter((_, i) => results[i] !== expected[i]).map(({ name }) => name);
  return { description: backend.description, answers: await answersOf(backend), cases: cases.length, wrong };
}

const compiler = await findCompiler(process.env);
const backends: BackendChecked[] = [];
for (const backend of backendsUnderTest) backends.push(await check(backend));
const checked: KernelsChecked = { backends, withoutNative: 'fault' in compiler ? compiler.fault : null };
process.stdout.write(JSON.stringify(checked));
