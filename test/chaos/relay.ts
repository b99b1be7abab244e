/**
 * A relay between workers and their coordinator. It passes all messages on, and notes the time of each. At the exact
 * moment of a message it can fail like a network.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { limits } from '../../shared/limits.js';
import { type Decoded, decodeFromCoordinator, decodeFromWorker } from '../../shared/protocol/codec.js';
import type { FromCoordinator, FromWorker } from '../../shared/protocol/messages.js';

export interface Seen {
  readonly atMs: number;
  /** The worker's name from its hello. Empty before the hello. */
  readonly worker: string;
  readonly message: FromCoordinator | FromWorker;
}

/** The connection of one worker to the relay, and the relay's connection to the coordinator for that worker. */
interface Pair {
  readonly worker: WebSocket;
  readonly coordinator: WebSocket;
  name: string;
  silent: boolean;
}

const options = { perMessageDeflate: false, maxPayload: limits.frameBytesMax };

export class Relay {
  private readonly pairs = new Set<Pair>();
  private readonly watchers = new Set<(seen: Seen) => void>();

  /** Resolves when workers can connect. */
  static async open(coordinatorPort: number): Promise<Relay> {
    const server = new WebSocketServer({ ...options, host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    return new Relay(server, coordinatorPort);
  }

  private constructor(
    private readonly server: WebSocketServer,
    private readonly coordinatorPort: number,
  ) {
    server.on('connection', (worker) => this.connect(worker));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  watch(watcher: (seen: Seen) => void): void {
    this.watchers.add(watcher);
  }

  unwatch(watcher: (seen: Seen) => void): void {
    this.watchers.delete(watcher);
  }

  /** Behaves like a broken link: drops all messages in both directions, and tells neither end. */
  silence(name: string): void {
    for (const pair of this.pairs) if (pair.name === name) pair.silent = true;
  }

  close(): void {
    for (const { worker, coordinator } of this.pairs) for (const socket of [worker, coordinator]) socket.terminate();
    this.server.close();
  }

  private connect(worker: WebSocket): void {
    const coordinator = new WebSocket(`ws://127.0.0.1:${this.coordinatorPort}`, worker.protocol, options);
    const pair: Pair = { worker, coordinator, name: '', silent: false };
    this.pairs.add(pair);
    worker.pause();
    coordinator.once('open', () => worker.resume());
    worker.on('message', (data) => {
      if (pair.silent) return;
      const decoded = decodeFromWorker(data as Buffer);
      if ('message' in decoded && decoded.message.type === 'hello') pair.name = decoded.message.name;
      this.pass(pair, decoded, () => coordinator.send(data));
    });
    coordinator.on('message', (data) => {
      if (!pair.silent) this.pass(pair, decodeFromCoordinator(data as Buffer), () => worker.send(data));
    });
    for (const [one, other] of [
      [worker, coordinator],
      [coordinator, worker],
    ]) {
      one.on('error', () => one.terminate());
      one.on('close', () => {
        this.pairs.delete(pair);
        other.terminate();
      });
    }
  }

  private pass({ name }: Pair, decoded: Decoded<FromCoordinator | FromWorker>, send: () => void): void {
    if ('message' in decoded) {
      const seen = { atMs: performance.now(), worker: name, message: decoded.message };
      for (const watcher of [...this.watchers]) watcher(seen);
    }
    send();
  }
}
