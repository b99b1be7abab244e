/**
 * A process that behaves like a number of open dashboards. Each viewer reads the stream of states, and requests the
 * weights as often as the state says. The answers are not used, because only the load on the coordinator is measured.
 *
 *     node dist/test/bench/viewer-crowd.js http://127.0.0.1:8080 100
 */
import { Agent, get, type IncomingMessage } from 'node:http';

const [url, count] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: Number(count) });

function watch(viewer: number, viewers: number): void {
  get(`${url}/api/events`, { agent: false }, (stream: IncomingMessage) => {
    let isFirst = true;
    stream.on('data', (chunk: Buffer) => {
      if (!isFirst) return;
      isFirst = false;
      const everyMs = Number(/"weightsEveryMs":(\d+)/.exec(chunk.toString())?.[1] ?? 1000);
      if (viewer === viewers - 1) process.stdout.write(`watching, weights every ${everyMs} ms\n`);
      look(everyMs);
    });
  });
}

/**
 * The interval for all viewers. The first viewers are told a short one, because there were few viewers at that time.
 */
let everyMsLongest = 0;

function look(everyMs: number): void {
  everyMsLongest = Math.max(everyMsLongest, everyMs);
  get(`${url}/api/weights`, { agent }, (response) => {
    response.resume();
    response.on('end', () => setTimeout(() => look(everyMs), everyMsLongest));
  });
}

for (let viewer = 0; viewer < Number(count); viewer++) setTimeout(() => watch(viewer, Number(count)), 5 * viewer);
