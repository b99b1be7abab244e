/**
 * What a worker may compute on one connection: the weights that its machine holds, and the shards that it was leased.
 * A part of the session's state machine: it decides what fits, and the session says what follows from that.
 */
import { limits } from '../shared/limits.js';
import type { ShardLease, WeightsMessage } from '../shared/protocol/messages.js';

export class HeldWork {
  /** Parts of the weights of the run's model. */
  private weightsParts = 0;
  /** Updates that the held weights have seen; null while the machine does not hold all of them. */
  private weightsStep: number | null = null;
  /** The part of the weights that must come next, while some are coming. */
  private nextWeights: WeightsMessage | null = null;
  /** Leases that were not answered or cancelled yet, in the order in which they came. */
  private readonly leases = new Set<number>();
  /** A lease that was cancelled while its shard was computed: it may be answered until other weights come. */
  private recalled: number | null = null;

  /** A run with a model of so many parts begins. */
  begin(weightsParts: number): void {
    this.weightsParts = weightsParts;
  }

  /** The connection is gone, and with it all that was held. */
  clear(): void {
    this.leases.clear();
    this.weightsStep = null;
    this.nextWeights = null;
  }

  /** Nothing is answered any more. */
  endLeases(): void {
    this.leases.clear();
  }

  /** True for the next part of the weights that are coming, and for the first part of others that build on ours. */
  continues({ step, base, part }: WeightsMessage): boolean {
    const next = this.nextWeights;
    if (next !== null) return step === next.step && base === next.base && part === next.part;
    return part === 0 && (base === null || base === this.weightsStep);
  }

  /** A part that continues has come. */
  store(weights: WeightsMessage): void {
    const { step, part } = weights;
    const isLast = part + 1 === this.weightsParts;
    this.weightsStep = isLast ? step : null;
    this.nextWeights = isLast ? null : { ...weights, part: part + 1 };
  }

  /** False if the shard cannot be leased: its weights are not here, its lease is, or there are too many. */
  lease({ lease, step }: ShardLease): boolean {
    const recalled = this.recalled !== null && this.leases.has(this.recalled) ? 1 : 0;
    const isFull = this.leases.size - recalled >= limits.leasesPerMemberMax;
    if (step !== this.weightsStep || this.leases.has(lease) || isFull) return false;
    this.leases.add(lease);
    return true;
  }

  /** True if the lease is still wanted. It is not any more after that. */
  end(lease: number): boolean {
    return this.leases.delete(lease);
  }

  /**
   * True if the lease is dropped now. Shards are computed in order: the first one is under way, and its result is worth
   * something to the coordinator if it comes soon.
   */
  cancel(lease: number): boolean {
    const [underWay] = this.leases;
    if (lease !== underWay) return this.end(lease);
    this.recalled = lease;
    return false;
  }

  /** The lease that was recalled, if it is dropped now that other weights come; else null. */
  endRecalled(): number | null {
    return this.recalled !== null && this.end(this.recalled) ? this.recalled : null;
  }
}
