/**
 * The work of a worker on one connection: the weights that its machine holds, and the leased shards. This is a part of
 * the session's state machine. It decides which messages fit, and the session decides what follows.
 */
import { limits } from '../shared/limits.js';
import type { ShardLease, WeightsMessage } from '../shared/protocol/messages.js';

export class HeldWork {
  /** Parts of the weights of the run's model. */
  private weightsParts = 0;
  /** Number of updates that made the held weights. Null while the machine does not hold all weights. */
  private weightsStep: number | null = null;
  /** The part of the weights that must come next, while some are coming. */
  private nextWeights: WeightsMessage | null = null;
  /** Leases that were not answered or cancelled yet, in the order in which they came. */
  private readonly leases = new Set<number>();
  /** A lease that was cancelled while its shard was computed: it may be answered until other weights come. */
  private recalled: number | null = null;

  /** A run begins. Its model has this many parts. */
  begin(weightsParts: number): void {
    this.weightsParts = weightsParts;
  }

  /** The connection is gone. Forgets all weights and leases. */
  clear(): void {
    this.leases.clear();
    this.weightsStep = null;
    this.nextWeights = null;
  }

  /** Drops all leases, so that no shard is answered any more. */
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

  /** Whether a lease is still wanted. */
  has(lease: number): boolean {
    return this.leases.has(lease);
  }

  /** Ends a lease. Returns whether it was still wanted. */
  end(lease: number): boolean {
    return this.leases.delete(lease);
  }

  /**
   * Returns whether the lease is dropped now. Shards are computed in order, so the first one is under way. It is not
   * dropped, because the coordinator can use its result if it comes before other weights.
   */
  cancel(lease: number): boolean {
    const [underWay] = this.leases;
    if (lease !== underWay) return this.end(lease);
    this.recalled = lease;
    return false;
  }

  /** The recalled lease if it is dropped because other weights come, otherwise null. */
  endRecalled(): number | null {
    return this.recalled !== null && this.end(this.recalled) ? this.recalled : null;
  }
}
