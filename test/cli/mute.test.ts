/** Workers that answer every ping and return nothing do not hold a run up, over real sockets. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { arithmetic } from '../../shared/arithmetic/identity.js';
import { decodeFromCoordinator, encodeFrame } from '../../shared/protocol/codec.js';
import { offer } from '../../shared/protocol/handshake.js';
import { type FromWorker, protocolVersion } from '../../shared/protocol/messages.js';
import { lockstep, scratch, smallDataset, startCoordinator, summaryOf } from './fixture.js';

const safety = { timeout: 120_000 };
const mutes = 20;
const steps = 200;

/** Joins, answers every ping, and returns nothing. */
function joinMute(url: string, name: string): void {
  const socket = new WebSocket(url, offer(null));
  const send = (message: FromWorker) => socket.send(encodeFrame(message));
  const { specification, knownAnswer } = arithmetic;
  const about = { version: '0', name, kind: 'node', threads: 1, arithmetic: specification, kernels: 'none' };
  socket.on('open', () => send({ type: 'hello', protocol: protocolVersion, ...about }));
  socket.on('error', () => {});
  socket.on('message', (data: Buffer) => {
    const decoded = decodeFromCoordinator(data);
    if ('error' in decoded) return;
    const { message } = decoded;
    if (message.type === 'welcome') send({ type: 'ready', knownAnswer });
    if (message.type === 'ping') send({ type: 'pong', id: message.id });
  });
}

test('one honest worker makes all steps beside twenty that return nothing', safety, async () => {
  const out = join(scratch(), 'run');
  const run = ['--data', smallDataset(), '--epochs', 1000, '--max-steps', steps, '--out', out, '--log-format', 'json'];
  const { coordinator, url } = await startCoordinator('--min-workers', mutes + 1, ...run);
  for (let i = 0; i < mutes; i++) joinMute(url, `mute-${i}`);
  await coordinator.prints(new RegExp(`joined \\(${mutes} at work`));
  const honest = lockstep('worker', url, '--threads', 1);
  expect(await coordinator.ended).toMatchObject({ code: 0, stderr: '' });
  expect(await honest.ended).toMatchObject({ code: 0 });
  expect(summaryOf(out).steps).toBe(steps);
});
