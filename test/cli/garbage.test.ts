/** Whatever a peer sends, the answer is an error with a name, and the other workers are not disturbed. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { arithmetic } from '../../shared/arithmetic/identity.js';
import { parameterCount } from '../../shared/model/parameters.js';
import { presetDefault, presetModel } from '../../shared/model/presets.js';
import { decodeFromCoordinator, decodeFromWorker, encodeFrame } from '../../shared/protocol/codec.js';
import { protocolErrors } from '../../shared/protocol/errors.js';
import { offer, subprotocol } from '../../shared/protocol/handshake.js';
import { type FromWorker, type Hello, protocolVersion } from '../../shared/protocol/messages.js';
import { maskBytes, partsOf } from '../../shared/protocol/tensor.js';
import { Random } from '../../shared/random.js';
import { lockstep, scratch, smallDataset, startCoordinator, summaryOf } from './fixture.js';

const safety = { timeout: 120_000 };

const hello: Hello = {
  type: 'hello',
  protocol: protocolVersion,
  version: '0',
  name: 'mallory',
  kind: 'node',
  threads: 1,
  arithmetic: 'another-arithmetic-1',
  kernels: 'none',
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
  'another version': {
    frame: encodeFrame({ ...hello, protocol: 99 as typeof protocolVersion }),
    code: 'version-mismatch',
  },
  'another arithmetic': { frame: encodeFrame(hello), code: 'arithmetic-mismatch' },
  'a message out of turn': {
    frame: encodeFrame({ type: 'ready', knownAnswer: '0'.repeat(64) }),
    code: 'unexpected-message',
  },
  'a frame above the size limit': { frame: new Uint8Array(3_000_000), code: 'frame-too-large' },
};

/** Sends one frame to a coordinator. Resolves with the code of its `failure` message, if any, and the close code. */
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
    // The WebSocket library itself refuses a frame that is too large, so no `failure` message is sent.
    if (code !== 'frame-too-large') expect.soft(answer.code, name).toBe(code);
  }
  good.push(lockstep('worker', url, '--threads', 1));
  expect(await coordinator.ended).toMatchObject({ code: 0, stderr: '' });
  for (const worker of good) expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });
  expect(summaryOf(out).steps).toBe(20);
});

const { specification, knownAnswer: answer } = arithmetic;

/** Number of parts of the default model's gradient. */
const parts = partsOf(parameterCount(presetModel(presetDefault, [28, 28], 10)));

/** A part without any block. It is valid, and stands for zeros. */
const zeros = new Uint8Array(maskBytes);
const withBlock = (block: number, ...bytes: number[]) => {
  const part = new Uint8Array(maskBytes + bytes.length);
  part[block >> 3] |= 1 << (block & 7);
  part.set(bytes, maskBytes);
  return part;
};
const score = new Uint8Array(8);

type Sent = [part: number | 'result', payload: Uint8Array];
const allZero = Array.from({ length: parts }, (_, part): Sent => [part, zeros]);

/** What an admitted worker sends for its first shard, and the error code that it gets. With null, it may stay. */
const hostile: Record<string, { sent: Sent[]; code: keyof typeof protocolErrors | null; lease?: number }> = {
  'a part twice': { sent: [allZero[0], allZero[0]], code: 'unexpected-message' },
  'parts out of order': { sent: [allZero[1]], code: 'unexpected-message' },
  'a part more than there are': { sent: [...allZero, [parts, zeros]], code: 'unexpected-message' },
  'a part of a number that no model has': { sent: [[2 ** 31, zeros]], code: 'field-invalid' },
  'a part shorter than its mask': { sent: [[0, zeros.subarray(1)]], code: 'payload-length' },
  'a part without payload': { sent: [[0, new Uint8Array(0)]], code: 'payload-length' },
  'a block without its floats': { sent: [[0, withBlock(0)]], code: 'payload-length' },
  'floats without their block': { sent: [[0, new Uint8Array(maskBytes + 256)]], code: 'payload-length' },
  'a block beyond the last': {
    sent: [...allZero.slice(0, -1), [parts - 1, withBlock(8 * maskBytes - 1, ...new Array<number>(256).fill(0))]],
    code: 'payload-length',
  },
  'a result before the gradient': { sent: [['result', score]], code: 'unexpected-message' },
  'a result after some of the gradient': {
    sent: [...allZero.slice(0, -1), ['result', score]],
    code: 'unexpected-message',
  },
  'a result with predictions': { sent: [...allZero, ['result', new Uint8Array(20)]], code: 'payload-length' },
  'a gradient that is no number': {
    sent: [[0, withBlock(9, ...new Array<number>(256).fill(0xff))], ...allZero.slice(1), ['result', score]],
    code: 'bad-result',
  },
  'a part of a lease that it does not have': { sent: [[0, withBlock(0)]], code: null, lease: 0x7fffffff },
};

interface Told {
  readonly sent: readonly Sent[];
  readonly lease?: number;
}

/**
 * Joins under a name, and sends `sent` for the first shard. Resolves with the error code of the answer, or with null if
 * the worker may stay.
 */
async function tellOfShard(url: string, name: string, { sent, lease }: Told): Promise<string | null> {
  const socket = new WebSocket(url, offer(null));
  let code: string | null = null;
  let isTold = false;
  const say = (message: FromWorker, payload?: Uint8Array) =>
    socket.send(encodeFrame(message, ...(payload ? [payload] : [])));
  socket.on('message', (data: Buffer) => {
    const decoded = decodeFromCoordinator(data);
    if (!('message' in decoded)) return;
    const { message } = decoded;
    if (message.type === 'failure') code = message.code;
    if (message.type === 'welcome') say({ type: 'ready', knownAnswer: answer });
    if (message.type !== 'shard' || message.work !== 'gradient' || isTold) return;
    isTold = true;
    const of = lease ?? message.lease;
    for (const [part, payload] of sent) {
      if (part === 'result') say({ type: 'result', lease: of, computeMs: 1 }, payload);
      else say({ type: 'gradient', lease: of, part }, payload);
    }
    say({ type: 'leave' });
  });
  socket.on('error', () => {});
  await once(socket, 'open');
  say({ ...hello, name, arithmetic: specification });
  await once(socket, 'close');
  return code;
}

test('a member that sends a gradient which is none is out, and counts for nothing', safety, async () => {
  const out = join(scratch(), 'hostile');
  const run = ['--data', smallDataset(), '--epochs', 1_000_000, '--out', out, '--log-format', 'json'];
  const { coordinator, url } = await startCoordinator(...run);
  const good = lockstep('worker', url, '--threads', 1);
  await coordinator.prints(/"epoch":1,/);
  for (const [name, { code, ...told }] of Object.entries(hostile)) {
    expect.soft(await tellOfShard(url, name, told), name).toBe(code);
  }
  const liar = 'a gradient that is no number';
  const innocent = { sent: [] };
  expect.soft(await tellOfShard(url, liar, innocent), 'the liar, on a new socket').toBe('banned');
  expect.soft(await tellOfShard(url, 'another', innocent), 'another worker of that address').toBeNull();
  coordinator.process.kill('SIGINT');
  expect(await coordinator.ended).toMatchObject({ code: 130, stderr: '' });
  // This worker would wait until a coordinator resumes the run.
  good.process.kill('SIGKILL');
  const { steps, weightsSha256 } = summaryOf(out);
  const quiet = join(scratch(), 'hostile-quiet');
  const words = ['--workers', 1, '--max-steps', steps, '--data', smallDataset(), '--epochs', 1_000_000, '--out', quiet];
  expect(await lockstep('train', ...words).ended).toMatchObject({ code: 0, stderr: '' });
  expect(summaryOf(quiet).weightsSha256).toBe(weightsSha256);
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
