/**
 * A worker in Node: drives the session, owns its socket and its machine. What is decided is decided in session.ts; what
 * is computed is computed in the machine's threads.
 */
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Platform } from '../shared/compute/machine.js';
import { limits } from '../shared/limits.js';
import { decodeFromCoordinator, encodeFrame, encodeFrameFrom } from '../shared/protocol/codec.js';
import { protocolErrors } from '../shared/protocol/errors.js';
import { FrameBuffers } from '../shared/protocol/frame-buffers.js';
import { offer } from '../shared/protocol/handshake.js';
import type { ShardLease, Welcome } from '../shared/protocol/messages.js';
import { packGradientPart, partAt, partBytesMax, partsOf } from '../shared/protocol/tensor.js';
import { deliverWholeFrames, reusing } from '../shared/protocol/whole-frames.js';
import type { Random } from '../shared/random.js';
import { Assignment } from './assignment.js';
import { Session, type SessionConfig, type SessionEffect, type SessionEvent, type SessionStatus } from './session.js';

const tickMs = 100;

export interface NodeWorkerOptions {
  /** ws:// or wss://, without the token. */
  readonly url: string;
  readonly token: string | null;
  readonly session: SessionConfig;
  readonly random: Random;
  readonly platform: Platform;
  readonly onStatus: (status: SessionStatus, lastError: string | null) => void;
}

/** What a worker has done so far. */
export interface WorkDone {
  shards: number;
  bytesSent: number;
  bytesReceived: number;
}

/**
 * Masking protects proxies from the bytes that a stranger's script chooses in a browser (RFC 6455, section 10.3). Here
 * nobody chooses them, and a key of zeros spares both ends a pass over every gradient.
 */
function noMask(key: Buffer): void {
  key.fill(0);
}

/** As ws connects: its `path` is that of the address, not that of a local socket. */
function connectReusing(options: NetConnectOpts): Socket {
  return reusing((onread) => connect({ ...options, path: undefined, onread } as NetConnectOpts));
}

/** What ws takes; a view. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

type Untimed<Event> = Event extends unknown ? Omit<Event, 'nowMs'> : never;

export class NodeWorker {
  readonly done: WorkDone = { shards: 0, bytesSent: 0, bytesReceived: 0 };
  private readonly session: Session;
  private readonly buffers = new FrameBuffers();
  private socket: WebSocket | null = null;
  private assignment: Assignment | null = null;
  /** The last of the assignments to be prepared; never rejects. */
  private preparation: Promise<void> = Promise.resolve();
  private ended = false;
  private payload: Uint8Array = new Uint8Array(0);
  private lastError: string | null = null;
  private timer: NodeJS.Timeout | null = null;
  private finish: (outcome: { ok: boolean; message: string }) => void = () => {};

  constructor(private readonly options: NodeWorkerOptions) {
    this.session = new Session(options.session, options.random);
  }

  /** Works until the run is over, the coordinator refuses, or `stop`; resolves with how it ended. */
  run(): Promise<{ ok: boolean; message: string }> {
    this.timer = setInterval(() => this.send({ type: 'tick' }), tickMs);
    return new Promise((resolve) => {
      this.finish = resolve;
      this.send({ type: 'start' });
    });
  }

  /** Hands back what it holds, and ends. */
  stop(): void {
    this.send({ type: 'stop' });
  }

  private send(event: Untimed<SessionEvent>): void {
    const timed = { ...event, nowMs: this.options.platform.nowMs() } as SessionEvent;
    for (const effect of this.session.step(timed)) this.carryOut(effect);
  }

  private carryOut(effect: SessionEffect): void {
    switch (effect.type) {
      case 'connect':
        return this.connect();
      case 'send':
        return this.transmit(encodeFrame(effect.message));
      case 'close':
        return this.close(effect.code === null ? 1000 : protocolErrors[effect.code].closeCode);
      case 'prepare':
        return this.prepare(effect.welcome);
      case 'store-weights':
        return this.check(this.assignment?.storeWeights(effect.weights, this.payload));
      case 'store-samples':
        return this.check(this.assignment?.storeSamples(effect.samples, this.payload));
      case 'compute':
        return this.compute(effect.shard);
      case 'cancel':
        return this.assignment?.cancel(effect.lease);
      case 'drop-work':
        return this.assignment?.cancelAll();
      case 'status':
        return this.options.onStatus(effect.status, this.lastError);
      case 'exit':
        return this.exit(effect.ok, effect.message);
      default:
        effect satisfies never;
    }
  }

  private connect(): void {
    const { url, token } = this.options;
    const socket = new WebSocket(url, offer(token), {
      perMessageDeflate: false,
      maxPayload: limits.frameBytesMax,
      generateMask: noMask,
      // Over TLS, the socket is not ours to open.
      ...(url.startsWith('ws:') && { createConnection: connectReusing as typeof connect }),
    });
    this.socket = socket;
    this.lastError = null;
    const current = (act: () => void) => () => {
      if (this.socket === socket) act();
    };
    socket.once('upgrade', ({ socket: stream }) => {
      socket.once('open', () => deliverWholeFrames(stream, limits.frameBytesMax, asBuffer));
    });
    socket.on(
      'open',
      current(() => this.send({ type: 'opened' })),
    );
    socket.on('error', (error) => {
      this.lastError = error.message;
    });
    socket.on('message', (data, isBinary) => {
      if (this.socket === socket) this.receive(isBinary ? (data as Buffer) : new Uint8Array(0));
    });
    socket.on(
      'close',
      current(() => {
        this.socket = null;
        this.send({ type: 'closed' });
      }),
    );
  }

  private receive(frame: Uint8Array): void {
    this.done.bytesReceived += frame.length;
    const decoded = decodeFromCoordinator(frame);
    if ('error' in decoded) {
      this.send({ type: 'garbage', code: decoded.error.code, detail: decoded.error.message });
      return;
    }
    this.payload = decoded.payload;
    this.send({ type: 'message', message: decoded.message });
  }

  /** `fault` is what is wrong with a payload, if anything is. */
  private check(fault: string | null | undefined): void {
    if (fault) this.send({ type: 'garbage', code: 'field-invalid', detail: fault });
  }

  /** One after the other: a reconnect must not build a second machine while the first one is being built. */
  private prepare(welcome: Welcome): void {
    const { socket } = this;
    this.preparation = this.preparation
      .then(() => this.assign(welcome))
      .then(
        ({ knownAnswer }) => {
          if (this.ended) this.assignment?.stop();
          else if (this.socket === socket) this.send({ type: 'prepared', knownAnswer });
        },
        (error: Error) => this.exit(false, error.message),
      );
  }

  /** A machine that was built for the same run is used again: its threads are warm. */
  private async assign(welcome: Welcome): Promise<Assignment> {
    if (this.assignment?.fits(welcome)) return this.assignment;
    this.assignment?.stop();
    this.assignment = null;
    const { platform, session } = this.options;
    const whenFailed = (error: Error) => this.exit(false, error.message);
    this.assignment = await Assignment.start(platform, welcome, session.threads, whenFailed);
    return this.assignment;
  }

  private compute(shard: ShardLease): void {
    const { assignment, options } = this;
    if (assignment === null) return;
    const begunMs = options.platform.nowMs();
    const fault = assignment.compute(shard, ({ gradient, result }) => {
      if (!this.session.answers(shard.lease)) return;
      this.done.shards += 1;
      const computeMs = options.platform.nowMs() - begunMs;
      if (gradient !== null) this.transmitGradient(shard.lease, gradient);
      this.transmit(encodeFrame({ type: 'result', lease: shard.lease, computeMs }, ...result));
    });
    this.check(fault);
  }

  private transmitGradient(lease: number, gradient: Int32Array): void {
    for (let part = 0; part < partsOf(gradient.length); part++) {
      const { first, count } = partAt(part, gradient.length);
      const words = gradient.subarray(first, first + count);
      const message = { type: 'gradient', lease, part } as const;
      const { frame, buffer } = encodeFrameFrom(this.buffers, message, partBytesMax, (payload) =>
        packGradientPart(words, payload),
      );
      this.transmit(frame, () => this.buffers.giveBack(buffer));
    }
  }

  private transmit(frame: Uint8Array, whenSent: () => void = () => {}): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return whenSent();
    this.socket.send(frame, whenSent);
    this.done.bytesSent += frame.length;
  }

  /** A peer that does not answer the close is cut off, so that `closed` follows soon in any case. */
  private close(closeCode: number): void {
    const socket = this.socket;
    if (socket === null) return;
    socket.close(closeCode);
    setTimeout(() => socket.terminate(), 1_000).unref();
  }

  private exit(ok: boolean, message: string): void {
    this.ended = true;
    if (this.timer !== null) clearInterval(this.timer);
    this.assignment?.stop();
    this.close(1000);
    this.finish({ ok, message });
  }
}
