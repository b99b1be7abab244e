/** What a pool is told, and what it has its driver do. */
import type { WorkName } from '../work/kinds.js';
import type { Shard } from './tree.js';

/** A shard that upstream wants summed, of a step that has `slots` slots. */
export interface Job {
  readonly id: number;
  readonly work: WorkName;
  readonly shard: Shard;
  readonly slots: number;
  /** Size above which no member is given a shard of it; undefined: no such bound. */
  readonly sizeMax?: number | undefined;
}

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
      /** How long a local member worked on it; a result may lie for a while before it is gathered. */
      readonly tookMs?: number | undefined;
    }
  /** Any sign of life. */
  | { readonly type: 'heard'; readonly member: number; readonly nowMs: number }
  | { readonly type: 'tick'; readonly nowMs: number };

export type PoolEffect =
  /** Send the shard to the member. */
  | {
      readonly type: 'lease';
      readonly member: number;
      readonly lease: number;
      readonly job: Job;
      readonly shard: Shard;
    }
  /** The member need not finish it; a result that comes all the same will be discarded. */
  | { readonly type: 'revoke'; readonly member: number; readonly lease: number }
  /**
   * A member was slower than `by`, whose result for the same shard was just kept: it need not finish. If it has, its
   * copy can be compared with what was kept.
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
  /** The bytes of this result are of no use: the lease had ended. */
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
  /** The member is out: close it, it has left already as far as the pool is concerned. */
  | { readonly type: 'drop'; readonly member: number; readonly reason: 'silent' | 'no-progress' }
  /** There is work and nobody to do it; said once. `manned` says that somebody came. */
  | { readonly type: 'stranded' }
  | { readonly type: 'manned' };
