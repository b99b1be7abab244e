/** Whatever a peer sends, the answer is a named error, and the others are served on. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { decodeFromCoordinator, decodeFromWorker, encodeFrame } from '../../shared/protocol/codec.js';
import { protocolErrors } from '../../shared/protocol/errors.js';
import { offer, subprotocol } from '../../shared/protocol/handshake.js';
import type { Hello } from '../../shared/protocol/messages.js';
import { Random } from '../../shared/random.js';
import { lockstep, scratch, smallDataset, startCoordinator, summaryOf } from './fixture.js';

const safety = { timeout: 120_000 };

const hello: Hello = {
  type: 'hello',
  protocol: 1,
  version: '0',
  name: 'mallory',
  kind: 'node',
  threads: 1,
  kernels: '0'.repeat(64),
};

function randomBytes(length: number): Uint8Array {
  const random = new Random(5);
  return Uint8Array.from({ length }, () => random.below(256));
}

const frames: Record<string, { frame: Uint8Array | string; code: keyof typeof protocolErrors }> = {
  'a text frame': { frame: 'hello', code: 'bad-frame' },
  'an empty frame': { frame: new Uint8Array(0), code: 'bad-frame' },
  'a header longer than the limit': { frame: Uint8Array.of(255, 255, 1, 2), code: 'header-too-large' },
  'a header longer than the frame': { frame: Uint8Array.of(200, 0, 1, 2), code: 'bad-frame' },
  'random bytes': { frame: Uint8Array.of(100, 0, ...randomBytes(400)), code: 'header-invalid' },
  'a map that declares 2^32 entries': { frame: Uint8Array.of(5, 0, 0xdf, 255, 255, 255, 255), code: 'header-invalid' },
  'a truncated message': { frame: encodeFrame(hello).subarray(0, 40), code: 'bad-frame' },
  'another version': { frame: encodeFrame({ ...hello, protocol: 99 as 1 }), code: 'version-mismatch' },
  'other kernels': { frame: encodeFrame(hello), code: 'kernel-mismatch' },
  'a message out of turn': {
    frame: encodeFrame({ type: 'ready', knownAnswer: '0'.repeat(64) }),
    code: 'unexpected-message',
  },
  'a frame above the size limit': { frame: new Uint8Array(3_000_000), code: 'frame-too-large' },
};

/** Sends one frame to a coordinator; resolves with the code of its last words, if any, and the close code. */
async function answerTo(url: string, frame: Uint8Array | string): Promise<{ code: string | null; closeCode: number }> {
  const socket = new WebSocket(url, offer(null));
  let code: string | null = null;
  socket.on('message', (data: Buffer) => {
    const decoded = decodeFromCoordinator(data);
    if ('message' in decoded && decoded.message.type === 'failure') code = decoded.message.code;
  });
  socket.on('error', () => {});
  await once(socket, 'open');
  socket.send(frame);
  const [closeCode] = await once(socket, 'close');
  return { code, closeCode };
}

test('a coordinator names what is wrong with each kind of garbage, and trains on with the others', safety, async () => {
  const out = join(scratch(), 'run');
  const run = ['--data', smallDataset(), '--max-steps', 20, '--out', out, '--log-format', 'json'];
  const { coordinator, url } = await startCoordinator('--min-workers', 2, ...run);
  const good = [lockstep('worker', url, '--threads', 1)];
  await coordinator.prints(/joined \(1 at work\)/);
  for (const [name, { frame, code }] of Object.entries(frames)) {
    const answer = await answerTo(url, frame);
    expect.soft(answer.closeCode, name).toBe(protocolErrors[code].closeCode);
    // The library refuses a frame that is too large before anyone could say a word.
    if (code !== 'frame-too-large') expect.soft(answer.code, name).toBe(code);
  }
  good.push(lockstep('worker', url, '--threads', 1));
  expect(await coordinator.ended).toMatchObject({ code: 0, stderr: '' });
  for (const worker of good) expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });
  expect(summaryOf(out).steps).toBe(20);
});

test('a worker names what is wrong with garbage, comes back, and ends when it is told to', safety, async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => subprotocol });
  await once(server, 'listening');
  const worker = lockstep('worker', `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, '--threads', 1);
  const shard = {
    type: 'shard',
    lease: 1,
    work: 'gradient',
    step: 0,
    epoch: 0,
    stepInEpoch: 0,
    lo: 0,
    size: 1,
  } as const;
  const garbage: [Uint8Array | string, string][] = [
    ['text', 'bad-frame'],
    [Uint8Array.of(100, 0, ...randomBytes(400)), 'header-invalid'],
    [encodeFrame(shard), 'unexpected-message'],
    [Uint8Array.of(255, 255), 'header-too-large'],
  ];
  for (const [frame, code] of garbage) {
    const [socket] = (await once(server, 'connection')) as [WebSocket];
    socket.on('error', () => {});
    const words: string[] = [];
    socket.on('message', (data: Buffer) => {
      const decoded = decodeFromWorker(data);
      if (!('message' in decoded)) return;
      words.push(decoded.message.type === 'failure' ? decoded.message.code : decoded.message.type);
      if (decoded.message.type === 'hello') socket.send(frame);
    });
    await once(socket, 'close');
    expect(words).toEqual(['hello', code]);
  }
  const [last] = (await once(server, 'connection')) as [WebSocket];
  last.on('message', () => last.send(encodeFrame({ type: 'end', reason: 'finished', again: false, message: 'over' })));
  expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });
  server.close();
});
