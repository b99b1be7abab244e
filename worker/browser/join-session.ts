/** The session worker of a tab: owns the socket and the machine, so that the page never waits for either. */
import { limits } from '../../shared/limits.js';
import { Random } from '../../shared/random.js';
import { SessionDriver, tickMs } from '../session-driver.js';
import { browserPlatform } from './platform.js';
import { workerScope } from './scope.js';
import { openSocket } from './socket.js';
import type { FromSession, ToSession } from './status.js';
import { TabWorker } from './tab-worker.js';

/** The program's version: the build puts it here. */
declare const lockstepVersion: string;

/** How often the page is told. */
const statusMs = 250;

const scope = workerScope<ToSession, FromSession>();
const kernels = fetchKernels();
let tab: Promise<TabWorker> | null = null;

scope.addEventListener('message', ({ data }) => {
  if (data.type === 'start') tab = start(data);
  else void tab?.then((worker) => obey(worker, data));
});

async function start({ url, token, threads, name }: Extract<ToSession, { type: 'start' }>): Promise<TabWorker> {
  const platform = browserPlatform(await kernels);
  const random = new Random(...(crypto.getRandomValues(new Uint32Array(2)) as unknown as [number, number]));
  const session = {
    version: lockstepVersion,
    name,
    kind: 'browser',
    kernels: platform.kernelsSha256,
  } as const;
  const worker = new TabWorker(
    (lent, calls) =>
      new SessionDriver({
        session: { ...session, threads: lent },
        random,
        platform,
        openSocket: (observer) => openSocket(url, token, observer),
        ...calls,
      }),
    Math.min(threads, limits.threadsMax),
  );
  const report = () => scope.postMessage(worker.status());
  report();
  setInterval(() => worker.tick(), tickMs);
  setInterval(report, statusMs);
  return worker;
}

function obey(worker: TabWorker, order: Exclude<ToSession, { type: 'start' }>): void {
  switch (order.type) {
    case 'pause':
      worker.pause();
      break;
    case 'resume':
      worker.resume();
      break;
    case 'leave':
      worker.leave();
      break;
    case 'threads':
      worker.lend(Math.min(order.threads, limits.threadsMax));
      break;
    case 'wake':
      return worker.wake();
    default:
      order satisfies never;
  }
  scope.postMessage(worker.status());
}

/** Again and again: a tab may be opened before the coordinator listens, or while the network is away. */
async function fetchKernels(): Promise<Uint8Array> {
  for (;;) {
    try {
      const response = await fetch(new URL('./kernels.wasm', import.meta.url));
      if (response.ok) return new Uint8Array(await response.arrayBuffer());
    } catch {
      // As if the answer had not been ok.
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
