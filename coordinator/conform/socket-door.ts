/** A door for real sockets. It admits one worker at a time, in the order in which they connect. */
import type { IncomingMessage, Server } from 'node:http';
import { type RawData, WebSocketServer } from 'ws';
import { limits } from '../../shared/limits.js';
import { encodeFrame } from '../../shared/protocol/codec.js';
import { protocolError } from '../../shared/protocol/errors.js';
import { offeredToken, subprotocol } from '../../shared/protocol/handshake.js';
import { partBytesMax } from '../../shared/protocol/tensor.js';
import type { Door } from './conform.js';
import { Interruption, Peer, type Timer } from './peer.js';

export const realTimer: Timer = (ms, call) => {
  const handle = setTimeout(call, ms);
  return () => clearTimeout(handle);
};

export class SocketDoor implements Door {
  private readonly sockets: WebSocketServer;
  private readonly waiting: Peer[] = [];
  private arrived: () => void = () => {};

  /** `server` already listens. If `token` is not null, only workers with this token are admitted. */
  constructor(
    server: Server,
    private readonly token: string | null,
  ) {
    this.sockets = new WebSocketServer({
      server,
      perMessageDeflate: false,
      maxPayload: limits.headerBytesMax + partBytesMax,
      maxFragments: limits.fragmentsMax,
      handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
    });
    server.on('upgrade', (request) => request.socket.setTimeout(0));
    this.sockets.on('connection', (socket, request) => {
      socket.on('error', () => socket.terminate());
      const peer = new Peer({ send: (frame) => socket.send(frame), close: (code) => socket.close(code) }, realTimer);
      socket.on('message', (data, isBinary) => peer.received(isBinary ? bytesOf(data) : new Uint8Array(0)));
      socket.on('close', (code) => peer.closed(code));
      if (this.tokenFits(request)) this.admit(peer);
      else refuse(peer);
    });
  }

  async next(waitMs: number): Promise<Peer> {
    if (this.waiting.length === 0) await this.arrival(waitMs);
    const peer = this.waiting.shift();
    if (peer === undefined) throw new Interruption(`waited ${waitMs / 1000} s for a worker to connect, and none came`);
    return peer;
  }

  stop(): void {
    for (const socket of this.sockets.clients) socket.terminate();
    this.sockets.close();
  }

  private admit(peer: Peer): void {
    this.waiting.push(peer);
    this.arrived();
  }

  private arrival(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = realTimer(waitMs, resolve);
      this.arrived = () => {
        cancel();
        resolve();
      };
    });
  }

  private tokenFits({ headers }: IncomingMessage): boolean {
    const entries = (headers['sec-websocket-protocol'] ?? '').split(',').map((entry) => entry.trim());
    return this.token === null || offeredToken(entries) === this.token;
  }
}

function refuse(peer: Peer): void {
  const { code, message, closeCode } = protocolError('token-wrong');
  peer.sendRaw(encodeFrame({ type: 'failure', code, message }));
  peer.close(closeCode);
}

/** Copies the bytes of a message, because ws may use its buffer again. */
function bytesOf(data: RawData): Uint8Array {
  return Uint8Array.from(data as Buffer);
}
