/** Opens a page in Firefox over WebDriver BiDi. This needs only four commands, so it needs no library. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

/** Opens `url` in a new Firefox with a profile in `directory`. Returns a function that closes Firefox. */
export async function openFirefox(path: string, url: string, directory: string): Promise<() => Promise<void>> {
  const profile = mkdtempSync(join(directory, 'firefox-'));
  const words = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0'];
  const firefox = spawn(path, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const kill = () => void firefox.kill('SIGKILL');
  process.once('exit', kill);
  const ended = once(firefox, 'exit');
  const socket = new WebSocket(`${await addressIn(firefox.stderr)}/session`, { perMessageDeflate: false });
  await once(socket, 'open');
  const send = commands(socket);
  await send('session.new', { capabilities: {} });
  const { contexts } = (await send('browsingContext.getTree', {})) as { contexts: { context: string }[] };
  await send('browsingContext.navigate', { context: contexts[0].context, url, wait: 'complete' });
  return async () => {
    await send('browser.close', {});
    await ended;
    process.off('exit', kill);
    rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
  };
}

async function addressIn(stderr: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stderr })) {
    const address = line.match(/WebDriver BiDi listening on (ws:\S+)/)?.[1];
    if (address === undefined) continue;
    stderr.resume();
    return address;
  }
  throw new Error('Firefox did not start');
}

interface Answer {
  readonly id?: number;
  readonly type: 'success' | 'error' | 'event';
  readonly result?: unknown;
  readonly message?: string;
}

/** Returns a function that sends a command and resolves with its result. */
function commands(socket: WebSocket): (method: string, params: object) => Promise<unknown> {
  const waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  let last = 0;
  socket.on('message', (data) => {
    const { id, type, result, message } = JSON.parse(String(data)) as Answer;
    const command = waiting.get(id ?? 0);
    waiting.delete(id ?? 0);
    if (type === 'error') command?.reject(new Error(message));
    else command?.resolve(result);
  });
  return (method, params) => {
    const id = ++last;
    socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  };
}
