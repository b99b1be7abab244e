/**
 * Where workers come in: an HTTP server whose upgrades become members of the fleet. All sockets of the coordinator are
 * here; what is said over them is in fleet/remote-member.ts.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, Socket, type SocketConstructorOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { LockstepError } from '../../shared/errors.js';
import type { Fleet } from '../../shared/fleet/fleet.js';
import type { MemberConnection } from '../../shared/fleet/member-connection.js';
import { type MemberObserver, RemoteMember } from '../../shared/fleet/remote-member.js';
import { limits } from '../../shared/limits.js';
import { encodeFrame } from '../../shared/protocol/codec.js';
import { type ProtocolErrorCode, protocolError } from '../../shared/protocol/errors.js';
import { offeredToken, subprotocol } from '../../shared/protocol/handshake.js';
import type { End, EndReason } from '../../shared/protocol/messages.js';
import { deliver, readingInto, WholeFrames } from '../../shared/sockets/whole-frames.js';
import type { Access } from '../web/access.js';

/** A worker's socket that does not answer the close is cut after this long. */
const closingMs = 10_000;

/**
 * Listens, before anything else of a run is begun; workers that knock now will try again. Rejects with `listen-failed`.
 */
export function listen(host: string, port: number, answer: RequestListener): Promise<Server> {
  const { requestHeaderBytesMax: maxHeaderSize, requestMsMax: requestTimeout, connectionIdleMsMax } = limits;
  const checks = { requestTimeout, headersTimeout: requestTimeout, connectionsCheckingInterval: requestTimeout / 4 };
  const server = createServer({ maxHeaderSize, ...checks }, answer);
  server.maxConnections = limits.connectionsMax;
  server.setTimeout(connectionIdleMsMax);
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenFailure(error, host, port)));
    server.listen(port, host, () => resolve(server));
  });
}

/** Stops listening, and resolves when all answers are sent or after `graceMs`. */
export async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  server.closeIdleConnections();
  await closed;
  clearTimeout(timer);
}

export interface GatewayConfig {
  readonly access: Access;
  /** Longest frame that a worker may send: a part of a gradient, or the result of an evaluation. */
  readonly frameBytesMax: number;
  readonly nowMs: () => number;
}

export class Gateway {
  private readonly sockets: WebSocketServer;
  private readonly connections = new Set<RemoteMember>();
  private farewell: End | null = null;
  /** Called whenever the last socket is gone. */
  private whenEmpty: () => void = () => {};

  /** From now on, connections to `server`, which listens already, are admitted. */
  constructor(
    private readonly server: Server,
    private readonly config: GatewayConfig,
    private readonly fleet: Fleet,
    private readonly observer: MemberObserver,
  ) {
    this.sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: config.frameBytesMax,
      maxFragments: limits.fragmentsMax,
      handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
    });
    server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** To be called about once a second. */
  tick(): void {
    for (const member of this.connections) member.tick(this.config.nowMs());
  }

  /** Everyone who is connected, admitted or not. */
  get members(): Iterable<RemoteMember> {
    return this.connections;
  }

  /**
   * Tells every worker that the run is over, as it tells those who come from now on; resolves when all have gone, who
   * have so long for it.
   */
  async end(reason: EndReason, again: boolean, message: string, graceMs: number): Promise<void> {
    this.farewell = { type: 'end', reason, again, message };
    for (const member of [...this.connections]) member.end(reason, again, message);
    if (this.sockets.clients.size === 0) return;
    const timer = setTimeout(() => {
      for (const socket of this.sockets.clients) socket.terminate();
    }, graceMs);
    await new Promise<void>((resolve) => {
      this.whenEmpty = resolve;
    });
    clearTimeout(timer);
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    if (!this.mayConnect(request)) return refuse(socket, '403 Forbidden');
    // The request's socket does not know it any more once another one reads from its handle.
    const address = request.socket.remoteAddress ?? 'unknown';
    const frames = new WholeFrames();
    const stream = socket instanceof Socket ? acceptReading(socket, frames) : socket;
    this.sockets.handleUpgrade(request, stream, head, (accepted) => {
      accepted.on('error', () => accepted.terminate());
      accepted.on('close', () => this.sockets.clients.size === 0 && this.whenEmpty());
      const code = this.refusal(request);
      deliver(frames, stream, this.config.frameBytesMax, asBuffer);
      const connection = connectionOf(accepted, address);
      if (code !== null) dismiss(connection, code);
      else if (this.farewell !== null) bid(connection, this.farewell);
      else this.admit(accepted, connection);
    });
  }

  /** A browser cannot read a refused upgrade, so refusals are said over the socket, before anything is read from it. */
  private refusal(request: IncomingMessage): ProtocolErrorCode | null {
    if (!this.tokenFits(request)) return 'token-wrong';
    return this.connections.size >= limits.membersMax ? 'too-many-members' : null;
  }

  private tokenFits({ headers }: IncomingMessage): boolean {
    const entries = (headers['sec-websocket-protocol'] ?? '').split(',').map((entry) => entry.trim());
    return this.config.access.roleOf(offeredToken(entries)) !== 'nobody';
  }

  /**
   * A page of another site must not reach a coordinator on its visitor's machine (cross-site WebSocket hijacking), nor
   * must one whose name was made to point here. Programs send no origin, and are asked for the token alone.
   */
  private mayConnect({ headers }: IncomingMessage): boolean {
    const { access } = this.config;
    return headers.origin === undefined || (access.knowsHost(headers) && access.knowsOrigin(headers));
  }

  private admit(socket: WebSocket, connection: MemberConnection): void {
    const member = new RemoteMember(this.fleet, connection, this.observer, this.config.nowMs());
    this.connections.add(member);
    socket.on('message', (data, isBinary) => member.receive(isBinary ? (data as Buffer) : new Uint8Array(0)));
    socket.on('close', () => {
      this.connections.delete(member);
      member.disconnected();
    });
  }
}

function connectionOf(socket: WebSocket, address: string): MemberConnection {
  return {
    address,
    send: (frame, whenSent) => socket.send(frame, whenSent),
    close: (closeCode, reason) => {
      socket.close(closeCode, reason);
      // A peer that never answers the close, or never reads it, does not keep its socket.
      setTimeout(() => socket.terminate(), closingMs).unref();
    },
    get queuedBytes() {
      return socket.bufferedAmount;
    },
  };
}

/**
 * Node lets sockets that connect read into a buffer of ours, not those that a server has accepted. So this one is
 * replaced by another one over its handle, which is not part of Node's interface: where there is none, it stays.
 */
function acceptReading(accepted: Socket, frames: WholeFrames): Socket {
  const owner = accepted as { _handle?: { reading: boolean; readStop(): number } | null };
  const handle = owner._handle;
  if (typeof handle?.readStop !== 'function') return accepted;
  handle.readStop();
  handle.reading = false;
  owner._handle = null;
  accepted.setTimeout(0);
  const socket = readingInto(frames, setImmediate, (onread) => new Socket({ handle, onread } as SocketConstructorOpts));
  // Until then the server counts it among its connections.
  socket.once('close', () => accepted.destroy());
  return socket;
}

/** What ws takes; a view. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function dismiss(connection: MemberConnection, code: ProtocolErrorCode): void {
  const { message, closeCode } = protocolError(code);
  connection.send(encodeFrame({ type: 'failure', code, message }));
  connection.close(closeCode, code);
}

function bid(connection: MemberConnection, end: End): void {
  connection.send(encodeFrame(end));
  connection.close(1000, end.reason);
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function listenFailure(error: NodeJS.ErrnoException, host: string, port: number): LockstepError {
  const where = `${host}:${port}`;
  const why: Record<string, string> = {
    EADDRINUSE: `${where} is in use: stop the program that listens there, or choose another --port`,
    EACCES: `listening on ${where} is not allowed: choose a --port above 1023`,
    EADDRNOTAVAIL: `this machine has no address ${host}: use one of its own for --host, or 0.0.0.0 for all of them`,
    ENOTFOUND: `${host} is not known: use an address of this machine for --host, or 0.0.0.0 for all of them`,
  };
  return new LockstepError('listen-failed', why[error.code ?? ''] ?? `cannot listen on ${where}: ${error.message}`);
}
