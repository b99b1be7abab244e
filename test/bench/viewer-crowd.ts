/**
 * A process that behaves like a number of open dashboards. Each viewer reads the stream of states, and requests the
 * weights as often as the newest state says. The answers are not used, because only the load on the coordinator is
 * measured.
 *
 *     node dist/test/bench/viewer-crowd.js http://127.0.0.1:8080 100
 */
import { Agent, get, type IncomingMessage } from 'node:http';

const [url, count] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: Number(count) });

/** The first state has the whole curve, so it comes in several pieces. The interval is near its end. */
function watch(viewer: number, viewers: number): void {
  let everyMs: number | null = null;
  get(`${url}/api/events`, { agent: false }, (stream: IncomingMessage) => {
    let text = '';
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      if (!text.endsWith('\n\n')) return;
      const isFirst = everyMs === null;
      everyMs = Number(/"weightsEveryMs":(\d+)/.exec(text)?.[1] ?? everyMs);
      text = '';
      if (!isFirst) return;
      if (viewer === viewers - 1) process.stdout.write(`watching, weights every ${everyMs} ms\n`);
      // The requests of the viewers are spread evenly, as those of dashboards that were opened at different times.
      setTimeout(() => look(() => everyMs ?? 0), (everyMs * viewer) / viewers);
    });
  });
}

function look(everyMs: () => number): void {
  get(`${url}/api/weights`, { agent }, (response) => {
    response.resume();
    response.on('end', () => setTimeout(() => look(everyMs), everyMs()));
  });
}

for (let viewer = 0; viewer < Number(count); viewer++) setTimeout(() => watch(viewer, Number(count)), 5 * viewer);
