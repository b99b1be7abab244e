/**
 * The network between a coordinator and its workers: connections that keep the order of what is sent, over lines with
 * delay, jitter and a rate, that can be cut at any byte, slowed down, or made to swallow everything.
 *
 * A frame is delivered when its last byte has come, and from a buffer that is scribbled over afterwards: whoever keeps
 * a view of it, or changes a frame before it was sent, changes the outcome.
 */
import type { Random } from '../../shared/random.js';
import type { Process } from './process.js';
import { check, type World } from './world.js';

/** A worker's way to the coordinator. */
export interface Line {
  delayMs: number;
  /** At most so much more, for each frame anew. */
  jitterMs: number;
  bytesPerMs: number;
  /** Nothing gets through, and nobody is told. */
  isDown: boolean;
}

/** What an end of a connection hears. */
export interface EndObserver {
  received(frame: Uint8Array): void;
  closed(error: string | null): void;
}

interface Sent {
  /** Null for the close. */
  readonly frame: Uint8Array | null;
  readonly whenSent: () => void;
}

/** How often a line that is down is looked at. */
const retryMs = 200;

export class End {
  /** What has not left, in order. */
  private readonly queue: Sent[] = [];
  private queued = 0;
  private isSending = false;
  private isClosing = false;
  private lastArrivalMs = 0;
  isClosed = false;
  peer: End | null = null;

  constructor(
    private readonly network: Network,
    private readonly line: Line,
    private readonly process: Process,
    private readonly observer: EndObserver,
    /** Time that the other end has to answer a close. */
    private readonly closeMs: number,
  ) {}

  /** A process stands for the machine that it runs on. */
  get peerAddress(): string {
    return this.peer?.process.name ?? 'unknown';
  }

  get queuedBytes(): number {
    return this.queued;
  }

  send(frame: Uint8Array, whenSent: () => void): void {
    if (this.isClosed || this.isClosing) return whenSent();
    this.queued += frame.length;
    this.process.emit(() => this.enqueue({ frame, whenSent }));
  }

  close(): void {
    if (this.isClosed || this.isClosing) return;
    this.isClosing = true;
    this.process.emit(() => {
      this.enqueue({ frame: null, whenSent: () => {} });
      this.network.world.at(this.network.world.nowMs + this.closeMs, () => this.reset('no answer to the close'));
    });
  }

  /** The connection is gone: at this end now, at the other one as soon as word can reach it. */
  reset(error: string): void {
    if (this.isClosed) return;
    this.end(error);
    this.tellPeer(() => this.peer?.end('reset by the other end'));
  }

  /** This end is gone with its process. */
  vanish(): void {
    this.isClosed = true;
    this.queue.length = 0;
    this.tellPeer(() => this.peer?.end('reset by the other end'));
  }

  /** Nothing comes or goes any more. */
  end(error: string | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const unsent = this.queue.splice(0);
    this.queued = 0;
    this.process.post(() => {
      for (const { whenSent } of unsent) whenSent();
      this.observer.closed(error);
    });
  }

  private tellPeer(tell: () => void): void {
    const { world } = this.network;
    const look = () => (this.line.isDown ? world.at(world.nowMs + retryMs, look) : tell());
    world.at(world.nowMs + this.line.delayMs, look);
  }

  private enqueue(sent: Sent): void {
    if (this.isClosed) return sent.whenSent();
    this.queue.push(sent);
    if (!this.isSending) this.sendNext();
  }

  private sendNext(): void {
    const { world } = this.network;
    const next = this.queue[0];
    this.isSending = next !== undefined && !this.isClosed;
    if (!this.isSending) return;
    if (this.line.isDown) {
      world.at(world.nowMs + retryMs, () => this.sendNext());
      return;
    }
    world.at(world.nowMs + (next.frame?.length ?? 0) / this.line.bytesPerMs, () => this.leave(next));
  }

  private leave(sent: Sent): void {
    if (this.isClosed) return;
    this.queue.shift();
    this.queued -= sent.frame?.length ?? 0;
    const { world, random } = this.network;
    const { delayMs, jitterMs } = this.line;
    const arrivalMs = Math.max(this.lastArrivalMs, world.nowMs + delayMs + jitterMs * random.uniform());
    this.lastArrivalMs = arrivalMs;
    const frame = sent.frame?.slice() ?? null;
    world.at(arrivalMs, () => this.peer?.arrive(frame));
    sent.whenSent();
    this.sendNext();
  }

  private arrive(frame: Uint8Array | null): void {
    if (this.isClosed) return;
    if (frame === null) return this.closedByPeer();
    this.process.post(() => {
      if (this.isClosed) return;
      this.observer.received(frame);
      frame.fill(0xa5);
    });
  }

  /** In the order of what came before it; then the other end has its answer. */
  private closedByPeer(): void {
    this.process.post(() => {
      this.end(null);
      this.tellPeer(() => this.peer?.end(null));
    });
  }
}

/** A process that listens: what it makes of the other end of a new connection. */
export interface Listener {
  readonly process: Process;
  accept(end: (observer: EndObserver) => End): void;
}

/** How long either end waits for the answer to a close, as in production. */
const workerCloseMs = 1_000;
const coordinatorCloseMs = 10_000;

export class Network {
  listener: Listener | null = null;

  constructor(
    readonly world: World,
    readonly random: Random,
  ) {}

  /** `opened` is called when the other end has accepted. */
  connect(process: Process, line: Line, observer: EndObserver & { opened(): void }): End {
    const end = new End(this, line, process, observer, workerCloseMs);
    this.whenUp(line, () => this.knock(end, process, line, () => observer.opened()));
    return end;
  }

  private whenUp(line: Line, then: () => void): void {
    const { world } = this;
    const look = () => (line.isDown ? world.at(world.nowMs + retryMs, look) : then());
    world.at(world.nowMs + line.delayMs, look);
  }

  private knock(end: End, process: Process, line: Line, opened: () => void): void {
    if (end.isClosed || process.isDead) return;
    const { listener } = this;
    if (listener === null || listener.process.isDead) {
      this.whenUp(line, () => end.end('connection refused'));
      return;
    }
    listener.process.post(() => {
      if (end.isClosed) return;
      listener.accept((observer) => {
        check(end.peer === null, 'a connection is accepted twice');
        const other = new End(this, line, listener.process, observer, coordinatorCloseMs);
        [end.peer, other.peer] = [other, end];
        this.whenUp(line, () => process.post(() => end.isClosed || opened()));
        return other;
      });
    });
  }
}
