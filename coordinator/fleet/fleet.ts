/**
 * What all remote members of a run have in common: the run's description, the samples, and the present weights, encoded
 * once for everybody; and the traffic that they cause.
 */
import type { Machine } from '../../shared/compute/machine.js';
import { packSamples } from '../../shared/compute/samples.js';
import { limits } from '../../shared/limits.js';
import { encodeFrame } from '../../shared/protocol/codec.js';
import type { DataDescription } from '../../shared/protocol/messages.js';
import { protocolVersion, type SampleSet, type Welcome } from '../../shared/protocol/messages.js';
import { samplesBytes } from '../../shared/protocol/payload.js';
import { type Audited, Audits } from './audits.js';
import { WeightsBroadcast } from './weights-broadcast.js';

export interface FleetConfig {
  readonly version: string;
  /** The run's name. */
  readonly run: string;
  readonly data: DataDescription;
  /** SHA-256, hex: of the kernel binary, and of what it makes of the known-answer test. */
  readonly kernels: string;
  readonly knownAnswer: string;
  readonly heartbeatMs: number;
}

/** Counts over the whole run, all members together. */
export interface Traffic {
  bytesSent: number;
  bytesReceived: number;
}

export class Fleet {
  readonly traffic: Traffic = { bytesSent: 0, bytesReceived: 0 };
  readonly weights: WeightsBroadcast;
  readonly audits: Audits;
  /** Above this, a member reads too slowly. */
  readonly queueBytesMax: number;
  /** By their number in the pool. */
  readonly members = new Map<number, Audited>();
  /** Slots of training that its members have summed. */
  slots = 0;
  /** Of the last evaluation. */
  testAccuracy: number | null = null;

  constructor(
    readonly config: FleetConfig,
    readonly machine: Machine,
    sha256: (bytes: Uint8Array) => string,
  ) {
    this.audits = new Audits(machine, sha256);
    this.weights = new WeightsBroadcast(machine);
    const { parameters, pixels, run } = machine.workspace;
    const stepBytes = 4 * parameters + samplesBytes(machine.order.samplesIn(0), pixels);
    this.queueBytesMax = limits.sendQueueBytesMax + 2 * stepBytes + samplesBytes(run.test, pixels);
  }

  welcome(member: number): Welcome {
    const { model, batch, microBatch, seed } = this.machine.workspace.run;
    const { version, run, data, heartbeatMs } = this.config;
    const order = { batch, microBatch, seed };
    return { type: 'welcome', protocol: protocolVersion, version, run, member, model, data, ...order, heartbeatMs };
  }

  /** Frames that carry these samples, each within the limit. */
  *samples(set: SampleSet, ids: readonly number[]): Iterable<Uint8Array> {
    const { pixels } = this.machine.workspace;
    const perFrame = Math.max(1, Math.floor(limits.samplesBytesMax / samplesBytes(1, pixels)));
    for (let at = 0; at < ids.length; at += perFrame) yield this.samplesFrame(set, ids.slice(at, at + perFrame));
  }

  private samplesFrame(set: SampleSet, ids: readonly number[]): Uint8Array {
    return encodeFrame({ type: 'samples', set, count: ids.length }, packSamples(this.machine, set, ids));
  }
}
