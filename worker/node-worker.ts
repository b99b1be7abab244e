/** A worker in Node: the session driver with WebSockets of ws and a timer. */
import { connect, type NetConnectOpts, type Socket as NetSocket } from 'node:net';
import { WebSocket } from 'ws';
import { Deferred } from '../shared/deferred.js';
import { limits } from '../shared/limits.js';
import { offer } from '../shared/protocol/handshake.js';
import { deliver, readingInto, WholeFrames } from '../shared/sockets/whole-frames.js';
import { WriteBurst } from '../shared/sockets/write-burst.js';
import {
  type DriverOptions,
  type Outcome,
  SessionDriver,
  type Socket,
  type SocketObserver,
  tickMs,
  type WorkDone,
} from './session-driver.js';

/** A peer that does not answer a close within this time is cut off. */
const closeMs = 1_000;

export interface NodeWorkerOptions extends Omit<DriverOptions, 'openSocket' | 'onExit'> {
  /** ws:// or wss://, without the token. */
  readonly url: string;
  readonly token: string | null;
}

export class NodeWorker {
  private readonly driver: SessionDriver;
  private readonly ended = new Deferred<Outcome>();

  constructor(options: NodeWorkerOptions) {
    const { url, token } = options;
    this.driver = new SessionDriver({
      ...options,
      openSocket: (observer) => openSocket(url, token, observer),
      onExit: (outcome) => this.ended.resolve(outcome),
    });
  }

  get done(): Readonly<WorkDone> {
    return this.driver.done;
  }

  /** Works until the run is over, the coordinator refuses the worker, or `stop` is called. Resolves with the outcome. */
  run(): Promise<Outcome> {
    const timer = setInterval(() => this.driver.tick(), tickMs);
    this.driver.start();
    return this.ended.promise.finally(() => clearInterval(timer));
  }

  /** Hands back its shards, and ends. */
  stop(): void {
    this.driver.stop();
  }
}

function openSocket(url: string, token: string | null, observer: SocketObserver): Socket {
  const frames = new WholeFrames();
  let burst: WriteBurst | null = null;
  const socket = new WebSocket(url, offer(token), {
    perMessageDeflate: false,
    maxPayload: limits.frameBytesMax,
    maxFragments: limits.fragmentsMax,
    generateMask: noMask,
    // With TLS, ws has to open the socket.
    ...(url.startsWith('ws:') && {
      createConnection: ((options: NetConnectOpts) => connectReading(options, frames)) as typeof connect,
    }),
  });
  socket.once('upgrade', ({ socket: stream }) => {
    burst = new WriteBurst(stream, process.nextTick);
    socket.once('open', () => deliver(frames, stream, limits.frameBytesMax, asBuffer));
  });
  let lastError: string | null = null;
  socket.on('error', (error) => {
    lastError = error.message;
  });
  socket.on('open', () => observer.opened());
  socket.on('message', (data, isBinary) => observer.received(isBinary ? (data as Buffer) : new Uint8Array(0)));
  socket.on('close', () => observer.closed(lastError));
  return {
    send: (frame, whenSent) => {
      if (socket.readyState !== WebSocket.OPEN) return whenSent();
      burst?.add(frame.length);
      socket.send(frame, whenSent);
    },
    close: (closeCode) => {
      socket.close(closeCode);
      setTimeout(() => socket.terminate(), closeMs).unref();
    },
  };
}

/**
 * Masking protects proxies from bytes that a script in a browser chooses (RFC 6455, section 10.3). There is no such
 * script here, and with a key of zeros neither end has to change every byte of a gradient.
 */
function noMask(key: Buffer): void {
  key.fill(0);
}

/** Connects as ws would. `path` in its options is the path of the URL; for `connect` it would name a local socket. */
function connectReading(options: NetConnectOpts, frames: WholeFrames): NetSocket {
  return readingInto(frames, setImmediate, (onread) =>
    connect({ ...options, path: undefined, onread } as NetConnectOpts),
  );
}

/** A view of the bytes in the type that ws takes. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
