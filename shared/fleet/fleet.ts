/**
 * What all remote members of a run share: the run's description, samples and weights that are encoded once for all of
 * them, the audits, the bans, and the count of their traffic.
 */
import type { Arithmetic } from '../arithmetic/identity.js';
import type { Machine } from '../compute/machine.js';
import type { Platform } from '../compute/platform.js';
import { packSamples } from '../compute/samples.js';
import { welcomeRunOf } from '../compute/welcome-run.js';
import { type SampleSet, sizeOf } from '../data/dataset.js';
import { limits } from '../limits.js';
import type { LeaseOrder } from '../pool/pool-driver.js';
import { shardEnd } from '../pool/tree.js';
import { encodeFrameFrom } from '../protocol/codec.js';
import { FrameBuffers } from '../protocol/frame-buffers.js';
import type { DataDescription } from '../protocol/messages.js';
import { protocolVersion, type Welcome } from '../protocol/messages.js';
import { samplesBytesMax } from '../protocol/payload.js';
import { kinds } from '../work/kinds.js';
import { orderOf } from '../work/orders.js';
import type { AdmissionTerms } from './admission.js';
import { type Audited, Audits } from './audits.js';
import { Bans } from './bans.js';
import { Outbox } from './outbox.js';
import { type BufferedFrame, SharedFrame } from './shared-frame.js';
import { ShownNames } from './shown-names.js';
import { WeightsBroadcast } from './weights-broadcast.js';

export interface FleetConfig {
  readonly version: string;
  /** The run's name. */
  readonly run: string;
  readonly data: DataDescription;
  /** What every member must compute by. */
  readonly arithmetic: Arithmetic;
  readonly heartbeatMs: number;
}

const samplesWeighed = 256;

/** Counts of one member, or of all members together over the whole run. */
export interface Traffic {
  bytesSent: number;
  bytesReceived: number;
}

export class Fleet {
  readonly traffic: Traffic = { bytesSent: 0, bytesReceived: 0 };
  readonly weights: WeightsBroadcast;
  readonly audits: Audits;
  readonly outbox: Outbox;
  readonly bans = new Bans();
  readonly shownNames = new ShownNames();
  /** A member with more waiting bytes than this reads too slowly. */
  readonly queueBytesMax: number;
  /** By their numbers in the pool. */
  readonly members = new Map<number, Audited>();
  /** Slots of training that have been summed, by its members and by the coordinator's own threads. */
  slots = 0;
  /** The result of the last evaluation of the test set. */
  testAccuracy: number | null = null;
  /** For frames of samples. */
  private readonly buffers = new FrameBuffers();

  constructor(
    readonly config: FleetConfig,
    readonly machine: Machine,
    platform: Pick<Platform, 'nowMs' | 'defer'>,
  ) {
    this.audits = new Audits(machine);
    this.outbox = new Outbox(platform);
    this.weights = new WeightsBroadcast(machine);
    machine.buffers.prepare();
    const { parameters, pixels, run } = machine.workspace;
    const stepBytes = 4 * parameters + samplesBytesMax(machine.orders.train.samplesIn(0), pixels);
    const evaluated = sizeOf(run, 'validation') + run.test;
    this.queueBytesMax = limits.sendQueueBytesMax + 2 * stepBytes + samplesBytesMax(evaluated, pixels);
  }

  /** The result of a shard is used. Returns how many slots of training it has, which is 0 for an evaluation. */
  counted({ task, shard }: LeaseOrder): number {
    if (!kinds[task.work].trains) return 0;
    const slots = shardEnd(shard, orderOf(this.machine.orders, task).slotsIn(task.stepInEpoch)) - shard.lo;
    this.slots += slots;
    return slots;
  }

  /** What a worker that connects from this address must show. */
  termsFor(address: string): AdmissionTerms {
    return { arithmetic: this.config.arithmetic, bannedFor: (worker) => this.bans.reasonFor(address, worker) };
  }

  welcome(member: number): Welcome {
    const { version, run, data, heartbeatMs } = this.config;
    const described = welcomeRunOf(this.machine.workspace.run);
    return { type: 'welcome', protocol: protocolVersion, version, run, member, data, ...described, heartbeatMs };
  }

  /** Mean of a training sample on its way to a worker, from some of them that are spread over the set. */
  sampleBytes(): number {
    const { pixels, run } = this.machine.workspace;
    const count = Math.min(run.train, samplesWeighed);
    const ids = Array.from({ length: count }, (_, i) => Math.floor((i * run.train) / count));
    return packSamples(this.machine, 'train', ids, new Uint8Array(samplesBytesMax(count, pixels))) / count;
  }

  /** Frames that carry these samples, each within the limit. Each must be sent or let go of. */
  *samples(set: SampleSet, ids: readonly number[]): Iterable<SharedFrame> {
    const { pixels } = this.machine.workspace;
    const perFrame = Math.max(1, Math.floor(limits.samplesBytesMax / samplesBytesMax(1, pixels)));
    for (let at = 0; at < ids.length; at += perFrame) {
      const some = ids.slice(at, at + perFrame);
      yield new SharedFrame(this.buffers, () => this.samplesFrame(set, some));
    }
  }

  private samplesFrame(set: SampleSet, ids: readonly number[]): BufferedFrame {
    const { workspace, profile } = this.machine;
    profile.enter('encode');
    const message = { type: 'samples', set, count: ids.length } as const;
    const encoded = encodeFrameFrom(this.buffers, message, samplesBytesMax(ids.length, workspace.pixels), (payload) =>
      packSamples(this.machine, set, ids, payload),
    );
    profile.leave();
    return encoded;
  }
}
