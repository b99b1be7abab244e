/**
 * Every message of the wire, one interface each, documented in its sender's voice. A message is the header of one
 * frame. Its payload is the raw little-endian bytes that follow the header. PROTOCOL.md has the grammar and the
 * sequences; validate.ts checks every field of a message that arrives.
 */
import type { AugmentDescription } from '../data/augment.js';
import type { SampleSet } from '../data/dataset.js';
import type { WireBits } from '../model/coding.js';
import type { Model } from '../model/model.js';
import type { OptimizerDescription } from '../optimizer/optimizers.js';
import type { ScheduleDescription } from '../optimizer/schedule.js';
import type { WorkName } from '../work/kinds.js';
import type { ProtocolErrorCode } from './errors.js';

/** Raised with every change of a message, a field or a payload. Two versions never talk to each other. */
export const protocolVersion = 5;

export type EndReason = 'finished' | 'interrupted' | 'diverged' | 'dropped';

// ---- worker to coordinator ----

/** I offer to work: this is who I am, how many threads I lend, and which arithmetic I compute by. */
export interface Hello {
  readonly type: 'hello';
  readonly protocol: typeof protocolVersion;
  /** The version of my program, for people. Only `protocol` and `arithmetic` decide whether I fit. */
  readonly version: string;
  readonly name: string;
  /**
   * A random text that my machine keeps, if I have one. Other machines may have my name and my address, such as the phones of
   * a class: a ban is then for one of them.
   */
  readonly device?: string | undefined;
  /** The kind of my program, for people: "node", "browser", "python". */
  readonly kind: string;
  readonly threads: number;
  /** The name of the specification that I follow (arithmetic/identity.ts). */
  readonly arithmetic: string;
  /** My implementation of it, for people: "webassembly 1f3a5c7d9e2b". */
  readonly kernels: string;
}

/** I have built the model of your welcome. This is the hash of my result of the known-answer test. */
export interface Ready {
  readonly type: 'ready';
  /** SHA-256, lowercase hex. */
  readonly knownAnswer: string;
}

/**
 * Here is a part of the summed gradient of this lease's shard, or of the gradient of one of its slots (route.ts); the
 * others follow, and then a `result`. Payload: a part (tensor.ts); the blocks that it leaves out are zero.
 */
export interface Gradient {
  readonly type: 'gradient';
  readonly lease: number;
  /** From 0, each once, in order. */
  readonly part: number;
}

/**
 * I have computed the shard of this lease. Payload: the loss sum and the count of correct predictions as float32; after
 * an evaluation, then one uint8 per sample, the class that I predict, in ascending sample order.
 */
export interface ResultMessage {
  readonly type: 'result';
  readonly lease: number;
  /**
   * How long I worked on it, on my own clock, since it came or since the shard before was done. You divide the work by
   * it, and decide nothing about correctness.
   */
  readonly computeMs: number;
}

/** I am alive. This answers your ping of the same id. With id 0, I have heard nothing from you for a while. */
export interface Pong {
  readonly type: 'pong';
  readonly id: number;
}

/** I finish: hand my shards to others. I compute nothing more and close when you do. */
export interface Leave {
  readonly type: 'leave';
}

// ---- coordinator to worker ----

/** I admit you: this is the run, your number in it, and everything that you need to compute what others would. */
export interface Welcome {
  readonly type: 'welcome';
  readonly protocol: typeof protocolVersion;
  readonly version: string;
  /** The run's name: samples and weights that you hold from another run are worthless. */
  readonly run: string;
  readonly member: number;
  readonly model: Model;
  readonly data: DataDescription;
  /** Samples of one step. 0 means the whole training set. */
  readonly batch: number;
  /** Samples of one gradient. Without rounds, a slot is one. */
  readonly microBatch: number;
  readonly seed: number;
  /** How training distorts its samples. Null if it distorts none. */
  readonly augment: AugmentDescription | null;
  /** Label smoothing in training: the part of each target that all classes share. 0 for none. */
  readonly smoothing: number;
  /** How your slots make local steps. Null if a slot computes a gradient. */
  readonly rounds: Rounds | null;
  /** Bits of a number in gradients and in changes of the weights. With fewer than 32, each slot is quantised. */
  readonly wireBits: WireBits;
  /** I ping you at this interval, and drop you when you are silent for several. */
  readonly heartbeatMs: number;
}

/** The local steps of a slot: what it must know beside its samples and the weights of the round. */
export interface Rounds {
  /** Micro-batches of a slot. It makes a step for each. */
  readonly steps: number;
  /** What makes the steps. It begins anew in every round. */
  readonly optimizer: OptimizerDescription;
  /** The rate of a round is a function of this, of the round's number and of the run's epochs. Null if it is constant. */
  readonly schedule: ScheduleDescription | null;
  readonly epochs: number;
  /** The largest norm of a step's mean gradient. Null: no limit. */
  readonly clip: number | null;
}

/** The data set of a run: its samples arrive as `samples`, its hash tells two sets apart. */
export interface DataDescription {
  readonly name: string;
  /** The shape of one sample, such as [28, 28]. */
  readonly shape: readonly number[];
  readonly classes: number;
  /** Samples of the training set. */
  readonly train: number;
  /** Samples of the validation set. Absent if the run has none. */
  readonly validation?: number | undefined;
  /** Samples of the test set. */
  readonly test: number;
  /** SHA-256 of the data set, lowercase hex. */
  readonly sha256: string;
}

/**
 * Here is a part of the weights after `step` updates; the others follow, and then shards of that step, which use them.
 * Payload: a part (tensor.ts).
 */
export interface WeightsMessage {
  readonly type: 'weights';
  readonly step: number;
  /**
   * Blocks that are left out are those of the weights after `base` updates, which you hold; null if all are there. In a
   * coded run, the other blocks are what the update has subtracted from those weights.
   */
  readonly base: number | null;
  /** From 0, each once, in order. */
  readonly part: number;
}

/**
 * I send you samples that you do not hold yet; keep them. Payload: `count` uint32 sample ids, `count` uint8 labels,
 * then `count` images (images.ts).
 */
export interface SamplesMessage {
  readonly type: 'samples';
  readonly set: SampleSet;
  readonly count: number;
}

/**
 * I lease you this run of slots: compute it with the weights after `step` updates, and answer with a `result` of the
 * same lease.
 */
export interface ShardLease {
  readonly type: 'shard';
  readonly lease: number;
  readonly work: WorkName;
  readonly step: number;
  /** Which epoch's order the slots follow; 0 for an evaluation, whose order is fixed. */
  readonly epoch: number;
  readonly stepInEpoch: number;
  /** First slot. */
  readonly lo: number;
  /** Slots: a power of two that divides `lo`. */
  readonly size: number;
}

/** I no longer need this lease's result. One that is already under way does no harm: I compare it with the first. */
export interface Cancel {
  readonly type: 'cancel';
  readonly lease: number;
}

/** Are you there? I expect a `pong` of the same id. */
export interface Ping {
  readonly type: 'ping';
  readonly id: number;
}

/** This is the progress of the run, for people who watch at your end. I send it now and then. */
export interface Progress {
  readonly type: 'progress';
  /** Your fraction of the slots that were summed since you joined. 0 if there were no slots. */
  readonly share: number;
  /** Whether you are a spare: the last steps were made without you. I need you when another worker is late or leaves. */
  readonly spare: boolean;
  /** The accuracy of the last evaluation of the test set, as a fraction. Null before the first one. */
  readonly testAccuracy: number | null;
}

/** I need you no longer, and close. */
export interface End {
  readonly type: 'end';
  readonly reason: EndReason;
  /** True if you may come back later, because the run will go on. */
  readonly again: boolean;
  /** For people. */
  readonly message: string;
}

// ---- both ways ----

/** I cannot go on with you, for this reason: my last words before I close with the error's close code. */
export interface Failure {
  readonly type: 'failure';
  readonly code: ProtocolErrorCode;
  /** For people. */
  readonly message: string;
}

export type FromWorker = Hello | Ready | Gradient | ResultMessage | Pong | Leave | Failure;
export type FromCoordinator =
  | Welcome
  | WeightsMessage
  | SamplesMessage
  | ShardLease
  | Cancel
  | Ping
  | Progress
  | End
  | Failure;
export type Message = FromWorker | FromCoordinator;
