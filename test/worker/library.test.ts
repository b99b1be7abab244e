/** Tests how a signal ends the library's worker. There is no coordinator. test/package tests a worker that computes. */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { joinRun } from '../../worker/library.js';

/** An address at which no process listens. */
async function silentAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return `ws://127.0.0.1:${port}`;
}

test('a signal from before the beginning is not forgotten', async () => {
  const states: string[] = [];
  const onStatus = ({ state }: { state: string }) => states.push(state);
  const outcome = await joinRun(await silentAddress(), { threads: 1, signal: AbortSignal.abort(), onStatus });
  expect(outcome).toMatchObject({ ok: true, shards: 0, bytesSent: 0 });
  expect(states).toEqual([]);
});

test('a worker that looks for its coordinator stops when it is told to', async () => {
  const leaving = new AbortController();
  const onStatus = ({ state }: { state: string }) => state === 'waiting' && leaving.abort();
  const outcome = await joinRun(await silentAddress(), { threads: 1, signal: leaving.signal, onStatus });
  expect(outcome).toMatchObject({ ok: true, shards: 0 });
});

test('what is no address is refused before anything is begun', async () => {
  await expect(joinRun('ftp://host')).rejects.toMatchObject({ code: 'usage' });
});
