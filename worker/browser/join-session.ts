/** The session worker of a tab. It owns the socket and the machine, so that the page never waits for them. */
import { limits } from '../../shared/limits.js';
import { Random } from '../../shared/random.js';
import { SessionDriver, tickMs } from '../session-driver.js';
import { browserPlatform } from './platform.js';
import { workerScope } from './scope.js';
import { openSocket } from './socket.js';
import type { FromSession, ToSession } from './status.js';
import { TabWorker } from './tab-worker.js';

/** The version of Lockstep. The build sets it. */
declare const lockstepVersion: string;

/** Time between two reports of the status to the page. */
const statusMs = 250;

const scope = workerScope<ToSession, FromSession>();
const kernels = fetchKernels();
let tab: Promise<TabWorker> | null = null;

scope.addEventListener('message', ({ data }) => {
  if (data.type === 'start') tab = start(data);
  else void tab?.then((worker) => obey(worker, data));
});

async function start({ url, token, threads, name, device }: Extract<ToSession, { type: 'start' }>): Promise<TabWorker> {
  const platform = browserPlatform(await kernels);
  const random = new Random(...(crypto.getRandomValues(new Uint32Array(2)) as unknown as [number, number]));
  const session = {
    version: lockstepVersion,
    name,
    device,
    kind: 'browser',
    kernels: platform.backend.description,
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

/**
 * Fetches the kernels, and tries again every second until that succeeds. A visitor may open the tab before the
 * coordinator listens, or while there is no network.
 */
async function fetchKernels(): Promise<Uint8Array> {
  for (;;) {
    try {
      const response = await fetch(new URL('./kernels.wasm', import.meta.url));
      if (response.ok) return new Uint8Array(await response.arrayBuffer());
    } catch {
      // A failed request is treated like an answer that is not ok: the loop tries again.
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
