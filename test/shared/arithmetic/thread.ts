/** A thread for the test of shared memory. It computes one region of the memory from another. */
import { workerData } from 'node:worker_threads';
import { openBackend } from '../../../shared/arithmetic/backends.js';
import { nodeBackends } from '../../../worker/native/addon.js';

const { backend, memory, x, y, length } = workerData;
openBackend(backend, nodeBackends).openMemory(memory).kernels.exp(x, y, length);
