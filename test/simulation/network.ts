/**
 * The network between a coordinator and its workers. A connection keeps the order of the frames. Its line has a delay,
 * jitter and a rate. A connection can break within a frame, and a line can become slow or stop delivering. All lines may
 * end at one that they share, the coordinator's own.
 *
 * A frame is copied when it leaves, and its receiver's buffer is overwritten after the delivery. So if code changes a
 * frame before it has left, or keeps a view of a received one, the outcome changes and the simulation finds it.
 */
import type { Random } from '../../shared/random.js';
import type { Process } from './process.js';
import { check, type World } from './world.js';

/** The line between a worker and the coordinator. */
export interface Line {
  delayMs: number;
  /** The largest additional delay. Each frame gets a random part of it. */
  jitterMs: number;
  bytesPerMs: number;
  /** While the line is down, nothing gets through, and neither end is told. */
  isDown: boolean;
}

/** One direction of the line that all connections share. It carries the frames in the order in which they come to it. */
export class SharedLine {
  private freeMs = 0;

  constructor(
    private readonly world: World,
    private readonly bytesPerMs: number,
  ) {}

  /** When a frame that comes now has passed. */
  passedMs(bytes: number): number {
    this.freeMs = Math.max(this.freeMs, this.world.nowMs) + bytes / this.bytesPerMs;
    return this.freeMs;
  }
}

/** Receives the events of one end of a connection. */
export interface EndObserver {
  received(frame: Uint8Array): void;
  closed(error: string | null): void;
}

interface Sent {
  /** The frame, or null for the end of the connection. */
  readonly frame: Uint8Array | null;
  readonly whenSent: () => void;
}

/** Time between two checks whether a line works again. */
const retryMs = 200;

export class End {
  /** Frames that have not left yet, in order. */
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
    /** The other end must answer a close within this time. */
    private readonly closeMs: number,
    /** What all frames of this direction pass before their own line; null if it takes no time. */
    private readonly shared: SharedLine | null,
  ) {}

  /** Every process has its own machine, so its name is also its address. */
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

  /** Breaks the connection: at this end now, at the other end when the line has delivered the news. */
  reset(error: string): void {
    if (this.isClosed) return;
    this.end(error);
    this.tellPeer(() => this.peer?.end('reset by the other end'));
  }

  /** Ends this end because its process has died. The other end hears of it when the line delivers the news. */
  vanish(): void {
    this.isClosed = true;
    this.queue.length = 0;
    this.tellPeer(() => this.peer?.end('reset by the other end'));
  }

  /** Ends this end: it sends and receives nothing more. */
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
    const bytes = next.frame?.length ?? 0;
    const ownMs = bytes / this.line.bytesPerMs;
    if (this.shared === null) return world.at(world.nowMs + ownMs, () => this.leave(next));
    world.at(this.shared.passedMs(bytes), () => world.at(world.nowMs + ownMs, () => this.leave(next)));
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

  /** Closes this end after the frames that came before the close, and then answers the other end. */
  private closedByPeer(): void {
    this.process.post(() => {
      this.end(null);
      this.tellPeer(() => this.peer?.end(null));
    });
  }
}

/** A process that accepts connections. `end` makes its end of a new connection. */
export interface Listener {
  readonly process: Process;
  accept(end: (observer: EndObserver) => End): void;
}

/** Each end waits this long for the answer to its close, as in production. */
const workerCloseMs = 1_000;
const coordinatorCloseMs = 10_000;

export class Network {
  listener: Listener | null = null;
  private readonly toWorkers: SharedLine | null;
  private readonly toCoordinator: SharedLine | null;

  /** `sharedBytesPerMs` is the rate of the coordinator's own line in each direction; null if it takes no time. */
  constructor(
    readonly world: World,
    readonly random: Random,
    sharedBytesPerMs: number | null = null,
  ) {
    const shared = () => (sharedBytesPerMs === null ? null : new SharedLine(world, sharedBytesPerMs));
    this.toWorkers = shared();
    this.toCoordinator = shared();
  }

  /** Opens a connection. Calls `opened` when the other end has accepted it. */
  connect(process: Process, line: Line, observer: EndObserver & { opened(): void }): End {
    const end = new End(this, line, process, observer, workerCloseMs, this.toCoordinator);
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
        const other = new End(this, line, listener.process, observer, coordinatorCloseMs, this.toWorkers);
        [end.peer, other.peer] = [other, end];
        this.whenUp(line, () => process.post(() => end.isClosed || opened()));
        return other;
      });
    });
  }
}
