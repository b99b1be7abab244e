/**
 * Where workers come in: an HTTP server whose upgrades become connections of the fleet. All WebSockets of the
 * coordinator are here. The messages are in shared/fleet/remote-member.ts.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, Socket, type SocketConstructorOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { LockstepError } from '../../shared/errors.js';
import type { MemberConnection } from '../../shared/fleet/member-connection.js';
import { limits } from '../../shared/limits.js';
import { encodeFrame } from '../../shared/protocol/codec.js';
import { type ProtocolErrorCode, protocolError } from '../../shared/protocol/errors.js';
import { offeredToken, subprotocol } from '../../shared/protocol/handshake.js';
import type { End } from '../../shared/protocol/messages.js';
import { deliver, readingInto, WholeFrames } from '../../shared/sockets/whole-frames.js';
import { WriteBurst } from '../../shared/sockets/write-burst.js';
import type { Access } from '../web/access.js';
import type { Entrance, Entrant } from './entrance.js';

/** A worker's socket that does not answer the close is cut after this long. */
const closingMs = 10_000;

/**
 * Listens. This comes before everything else of a run: a worker that connects too early tries again. Rejects with
 * `listen-failed`.
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

export class Gateway implements Entrance {
  /** Null until it is open. Until then a worker's request gets no answer that it could use, and it tries again. */
  private sockets: WebSocketServer | null = null;
  private admitted = 0;
  private farewell: End | null = null;

  /** `server` listens already. */
  constructor(
    private readonly server: Server,
    private readonly access: Access,
  ) {}

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  open(frameBytesMax: number, admit: (connection: MemberConnection) => Entrant): void {
    const sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: frameBytesMax,
      maxFragments: limits.fragmentsMax,
      handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
    });
    this.sockets = sockets;
    this.server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      if (!this.mayConnect(request)) return refuse(socket, '403 Forbidden');
      // Read now: the request's socket forgets its address when another socket takes its handle.
      const address = request.socket.remoteAddress ?? 'unknown';
      const frames = new WholeFrames();
      const stream = socket instanceof Socket ? acceptReading(socket, frames) : socket;
      sockets.handleUpgrade(request, stream, head, (accepted) => {
        accepted.on('error', () => accepted.terminate());
        deliver(frames, stream, frameBytesMax, asBuffer);
        this.receive(accepted, connectionOf(accepted, stream, address), this.refusal(request), admit);
      });
    });
  }

  /** Resolves when all sockets are gone, also those that come while it waits. */
  async close(end: End, graceMs: number): Promise<void> {
    this.farewell = end;
    const clients = this.sockets?.clients ?? new Set<WebSocket>();
    const timer = setTimeout(() => {
      for (const socket of clients) socket.terminate();
    }, graceMs);
    for (const socket of clients) await new Promise((resolve) => socket.once('close', resolve));
    clearTimeout(timer);
  }

  private receive(
    socket: WebSocket,
    connection: MemberConnection,
    refused: ProtocolErrorCode | null,
    admit: (connection: MemberConnection) => Entrant,
  ): void {
    if (refused !== null) return dismiss(connection, refused);
    if (this.farewell !== null) return bid(connection, this.farewell);
    this.admitted += 1;
    const entrant = admit(connection);
    socket.on('message', (data, isBinary) => entrant.receive(isBinary ? (data as Buffer) : new Uint8Array(0)));
    socket.on('close', () => {
      this.admitted -= 1;
      entrant.disconnected();
    });
  }

  /** A browser cannot read a refused upgrade. So a refusal is sent over the socket, before anything is read from it. */
  private refusal(request: IncomingMessage): ProtocolErrorCode | null {
    if (!this.tokenFits(request)) return 'token-wrong';
    return this.admitted >= limits.membersMax ? 'too-many-members' : null;
  }

  private tokenFits({ headers }: IncomingMessage): boolean {
    const entries = (headers['sec-websocket-protocol'] ?? '').split(',').map((entry) => entry.trim());
    return this.access.roleOf(offeredToken(entries)) !== 'nobody';
  }

  /**
   * False for a page of another site, and for a page whose host name was made to point here: it must not reach a
   * coordinator on its visitor's machine (cross-site WebSocket hijacking). Programs send no origin; only the token
   * counts.
   */
  private mayConnect({ headers }: IncomingMessage): boolean {
    const { access } = this;
    return headers.origin === undefined || (access.knowsHost(headers) && access.knowsOrigin(headers));
  }
}

function connectionOf(socket: WebSocket, stream: Duplex, address: string): MemberConnection {
  const burst = new WriteBurst(stream, process.nextTick);
  return {
    address,
    send: (frame, whenSent) => {
      burst.add(frame.length);
      socket.send(frame, whenSent);
    },
    close: (closeCode, reason) => {
      socket.close(closeCode, reason);
      // Cuts a peer that does not answer the close.
      setTimeout(() => socket.terminate(), closingMs).unref();
    },
    get queuedBytes() {
      return socket.bufferedAmount;
    },
  };
}

/**
 * Makes an accepted socket read into `frames`. Node has an option for this only for sockets that connect. So this makes
 * a new socket over the accepted one's handle. The handle is not part of Node's public interface: without it, the
 * accepted socket stays.
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
  // The server counts the accepted socket among its connections until then.
  socket.once('close', () => accepted.destroy());
  return socket;
}

/** A view of the bytes in the type that ws takes. */
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
