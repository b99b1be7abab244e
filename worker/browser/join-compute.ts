/** The script of a compute thread in a browser. platform.ts starts it as a web worker. */
import { type FromThread, runThread, type ToThread } from '../../shared/compute/thread.js';
import { workerScope } from './scope.js';

const scope = workerScope<ToThread, FromThread>();
runThread(
  {
    post: (message, handOver) => scope.postMessage(message, handOver),
    listen: (receive) => scope.addEventListener('message', ({ data }) => receive(data)),
  },
  () => performance.now(),
);
