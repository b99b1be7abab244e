/** A thread of the test of shared memory: computes one region from another. */
import { workerData } from 'node:worker_threads';
import { simdKernels } from '../../../shared/arithmetic/webassembly/binary.js';

const { module, memory, x, y, length } = workerData;
simdKernels(module, memory).exp(x, y, length);
