/** The entry file of a compute thread in Node, which worker_threads starts. */
import { parentPort } from 'node:worker_threads';
import { assert } from '../shared/assert.js';
import { runThread, type ToThread } from '../shared/compute/thread.js';
import { nodeBackends } from './native/addon.js';

const port = parentPort;
assert(port !== null, 'a compute thread was started as a program');
runThread(
  {
    post: (message, handOver) => port.postMessage(message, handOver),
    listen: (receive) => port.on('message', (message: ToThread) => receive(message)),
  },
  () => performance.now(),
  nodeBackends,
);
