/** A worker of the simulated cluster: the production driver, session and machine, on a slow simulated processor. */
import type { Platform } from '../../shared/compute/platform.js';
import { codingOf, type WireBits } from '../../shared/model/coding.js';
import { parameterCount } from '../../shared/model/parameters.js';
import { decodeFromCoordinator, decodeFromWorker } from '../../shared/protocol/codec.js';
import type { ShardLease } from '../../shared/protocol/messages.js';
import { routeOf } from '../../shared/protocol/route.js';
import { invalidPart, maskBytes, partAt, partsOf } from '../../shared/protocol/tensor.js';
import { Random } from '../../shared/random.js';
import { type Outcome, SessionDriver, type Socket, type SocketObserver } from '../../worker/session-driver.js';
import type { End, Line, Network } from './network.js';
import { backend, sha256 } from './problem.js';
import type { Process } from './process.js';

/** How a worker behaves. */
export type Manner = 'honest' | 'poison' | 'echo' | 'mute' | 'forgetful' | 'garbage';

export interface WorkerTraits {
  readonly seed: number;
  /** Faults change this during the course. */
  msPerSlot: number;
  readonly msPerShard: number;
  /** Time to build a machine. */
  readonly prepareMs: number;
  manner: Manner;
  readonly line: Line;
}

/** Longer than in production, so that there are fewer events. A session needs a tick at least once a second. */
const tickMs = 500;
/** Longer than a turn of the machine, so that each turn computes one shard. */
const turnMs = 2;

export class SimulatedWorker {
  outcome: Outcome | null = null;
  shards = 0;
  private readonly driver: SessionDriver;
  private readonly random: Random;
  private end: End | null = null;
  /** The unanswered shards of this connection, in the order of arrival: the slots that the machine computes at a time. */
  private readonly slots = new Map<number, number>();
  /** Those of the run's model. */
  private parameters = 0;
  private wireBits: WireBits = 32;

  constructor(
    readonly process: Process,
    private readonly network: Network,
    readonly traits: WorkerTraits,
    /** Whether the worker has ever behaved wrongly. Then the coordinator may evict it for good. */
    public hasMisbehaved: boolean,
    private readonly onExit: (outcome: Outcome) => void,
  ) {
    this.random = new Random(traits.seed, 1);
    this.driver = new SessionDriver({
      session: { version: '0.0.0', name: process.name, kind: 'node', threads: 1, kernels: backend.description },
      random: new Random(traits.seed, 2),
      platform: this.platform(),
      openSocket: (observer) => this.openSocket(observer),
      onStatus: () => {},
      onExit: (outcome) => {
        this.outcome = outcome;
        process.world.note(`${process.name} exits: ${outcome.message}`);
        this.onExit(outcome);
      },
    });
    process.post(() => this.driver.start());
    process.every(tickMs, () => this.driver.tick());
  }

  get isOver(): boolean {
    return this.outcome !== null || this.process.isDead;
  }

  /** Stops the worker like Ctrl-C. */
  leave(): void {
    this.process.post(() => this.driver.stop());
  }

  /** Kills the process. If `silently`, as in a power cut, the coordinator hears nothing of it. */
  kill(silently: boolean): void {
    this.process.die();
    if (silently) this.traits.line.isDown = true;
    this.end?.vanish();
  }

  /** Breaks the connection, perhaps in the middle of a frame. */
  cut(): void {
    this.end?.reset('connection reset');
  }

  private openSocket(observer: SocketObserver): Socket {
    this.slots.clear();
    const end = this.network.connect(this.process, this.traits.line, {
      opened: () => observer.opened(),
      received: (frame) => {
        this.noteShard(frame);
        observer.received(frame);
      },
      closed: (error) => observer.closed(error),
    });
    this.end = end;
    return { send: (frame, whenSent) => this.send(end, frame, whenSent), close: () => end.close() };
  }

  private noteShard(frame: Uint8Array): void {
    const decoded = decodeFromCoordinator(frame);
    if ('error' in decoded) return;
    const { message } = decoded;
    if ('lease' in message) this.note(`${message.type} ${message.lease}`);
    if (message.type === 'welcome') {
      this.parameters = parameterCount(message.model);
      this.wireBits = message.wireBits;
    }
    if (message.type === 'shard') this.slots.set(message.lease, this.slotsAtATime(message));
    if (message.type === 'cancel') this.slots.delete(message.lease);
  }

  /** The slots of a shard whose codes travel are computed one by one. */
  private slotsAtATime({ work, size }: ShardLease): number {
    const { coding } = routeOf(
      { work, slots: size },
      { parameters: this.parameters, coding: codingOf(this.wireBits, []) },
    );
    return coding === null ? size : 1;
  }

  private send(end: End, frame: Uint8Array, whenSent: () => void): void {
    const decoded = decodeFromWorker(frame);
    if ('error' in decoded) return end.send(frame, whenSent);
    const { message, payload } = decoded;
    const { manner } = this.traits;
    if (manner !== 'honest') this.hasMisbehaved = true;
    if (message.type === 'result') {
      this.note(`result ${message.lease}`);
      this.slots.delete(message.lease);
    }
    if (message.type === 'ready') this.process.spend(this.traits.prepareMs);
    if (message.type === 'gradient' || message.type === 'result') {
      if (manner === 'mute' || (manner === 'forgetful' && message.lease % 2 === 0)) return whenSent();
      if (manner === 'poison' && message.type === 'gradient') this.poison(payload, message.part);
    }
    end.send(frame, whenSent);
    if (manner === 'echo') end.send(frame.slice(), () => {});
    if (manner === 'garbage' && this.random.below(8) === 0) end.send(noise(this.random), () => {});
  }

  private poison(payload: Uint8Array, part: number): void {
    const { count } = partAt(part % partsOf(this.parameters), this.parameters);
    if (payload.length === maskBytes) return;
    if (invalidPart(payload, count) === null) poisonFloats(payload, this.random);
    else poisonCodes(payload);
  }

  private note(text: string): void {
    this.process.world.note(`${this.process.name}: ${text}`);
  }

  private platform(): Platform {
    const { process } = this;
    return {
      backend,
      cores: 1,
      sharesMemory: true,
      spawnThread: () => {
        throw new Error('a simulated worker has one thread, its own');
      },
      nowMs: process.nowMs,
      defer: (call) => process.after(this.nextShardMs(), call),
      sha256,
      // The machine computes shards until its turn is over. This makes the turn end after each shard.
      profile: { enter: () => {}, leave: () => process.spend(turnMs) },
    };
  }

  /**
   * The computing time of the oldest shard, or of one of its slots. Until it has passed, the event loop is free. Then it is
   * computed.
   */
  private nextShardMs(): number {
    const [slots = 0] = this.slots.values();
    const { msPerSlot, msPerShard } = this.traits;
    return msPerShard + slots * msPerSlot * (0.9 + 0.2 * this.random.uniform());
  }
}

/** Replaces one of the numbers by NaN. */
function poisonFloats(payload: Uint8Array, random: Random): void {
  const floats = (payload.length - maskBytes) / 4;
  const at = payload.byteOffset + maskBytes + 4 * random.below(floats);
  new DataView(payload.buffer).setFloat32(at, Number.NaN, true);
}

/** Says that the numbers of the first block are not finite. If there is no block, replaces the last statistic by NaN. */
function poisonCodes(payload: Uint8Array): void {
  if (payload.subarray(0, maskBytes).some((bits) => bits !== 0)) payload[maskBytes] = 255;
  else new DataView(payload.buffer).setFloat32(payload.byteOffset + payload.length - 4, Number.NaN, true);
}

function noise(random: Random): Uint8Array {
  return Uint8Array.from({ length: 1 + random.below(64) }, () => random.below(256));
}
