/** The events of a pool, and the effects that its driver performs. */
import type { WorkName } from '../work/kinds.js';
import type { Shard } from './tree.js';

/** A shard that upstream wants summed. Its step has `slots` slots. */
export interface Job {
  readonly id: number;
  readonly work: WorkName;
  readonly shard: Shard;
  readonly slots: number;
  /** The largest size of a shard that a member gets; undefined if there is no limit. */
  readonly sizeMax?: number | undefined;
  /** Steps of training that are planned after this one; undefined if nobody knows. */
  readonly stepsLeft?: number | undefined;
}

/** `no-progress`: its leases ran out. `mute`: it did not return a single slot. */
export type DropReason = 'silent' | 'no-progress' | 'mute';

export type PoolEvent =
  | { readonly type: 'joined'; readonly member: number; readonly remote: boolean; readonly nowMs: number }
  | { readonly type: 'left'; readonly member: number; readonly nowMs: number }
  | { readonly type: 'job'; readonly job: Job; readonly nowMs: number }
  | { readonly type: 'cancel'; readonly job: number; readonly nowMs: number }
  | {
      readonly type: 'result';
      readonly member: number;
      readonly lease: number;
      readonly nowMs: number;
      /** How long the member computed, as it says. The rest of the time was the way to it and back. */
      readonly tookMs?: number | undefined;
    }
  /** Any sign of life. */
  | { readonly type: 'heard'; readonly member: number; readonly nowMs: number }
  | { readonly type: 'tick'; readonly nowMs: number };

export type PoolEffect =
  /** Send the shard to the member. The result of a probe is discarded, and may come when the job is done. */
  | {
      readonly type: 'lease';
      readonly member: number;
      readonly lease: number;
      readonly job: Job;
      readonly shard: Shard;
      readonly isProbe: boolean;
    }
  /** The member need not finish it. If its result still comes, it is discarded. */
  | { readonly type: 'revoke'; readonly member: number; readonly lease: number }
  /**
   * The result of member `by` for the same shard was just kept. This member need not finish; if its copy still comes,
   * it can be compared with that result.
   */
  | {
      readonly type: 'overtaken';
      readonly member: number;
      readonly lease: number;
      readonly by: number;
      readonly job: number;
      readonly shard: Shard;
    }
  /** The bytes of this result are the sum of that node. */
  | { readonly type: 'keep'; readonly lease: number; readonly job: number; readonly shard: Shard }
  /** The bytes of this result have no use: its lease had ended, or was a probe. */
  | { readonly type: 'discard'; readonly lease: number }
  /** node = left + right; left and right are not needed any more. */
  | {
      readonly type: 'combine';
      readonly job: number;
      readonly node: Shard;
      readonly left: Shard;
      readonly right: Shard;
    }
  /** The sum of the job's own shard is there. */
  | { readonly type: 'complete'; readonly job: number }
  /** Forget what was kept for the job. */
  | { readonly type: 'forget'; readonly job: number }
  /** Ask the member for a sign of life. */
  | { readonly type: 'ping'; readonly member: number }
  /** The member is out: close its connection. The pool has removed it already. */
  | { readonly type: 'drop'; readonly member: number; readonly reason: DropReason }
  /** There is work and no member; said once. `manned` says that a member came. */
  | { readonly type: 'stranded' }
  | { readonly type: 'manned' };
