/** The second thread of kernels-check.ts: computes the known answer in memory that grows after the thread has opened it. */
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { openBackend } from '../../shared/arithmetic/backends.js';
import { knownAnswer } from '../../shared/arithmetic/known-answer.js';
import { nodeBackends } from '../../worker/native/addon.js';

const { openMemory, sizes } = openBackend(workerData.backend, nodeBackends);
const memory = openMemory(workerData.memory);
parentPort?.postMessage('opened');
await once(parentPort!, 'message');
parentPort?.postMessage(knownAnswer(memory, sizes, workerData.at));
