/**
 * Sums a shard along the canonical tree (E3) with few buffers. The left half of a node is summed where the result goes.
 * The right half is summed in a temporary, one per level of the tree, and then added. A right half of one slot needs no
 * temporary: its kernels add to the result as they compute, and that gives the same bits.
 */

import { type Kernels, type Pointer, Write, type WriteCode } from '../arithmetic/kernels.js';
import { rowsOfSlot, slotsOf } from '../data/order.js';
import { type Shard, sizeAt, treeDepth } from '../pool/tree.js';
import { scoreFloats } from '../work/kinds.js';
import type { Moment, Pass } from './layers/layer.js';
import type { Network, Operands } from './network.js';

/** A shard of a step or of an evaluation, and its samples. */
export interface ShardWork {
  readonly shard: Shard;
  /** Samples of the whole step. The number of slots follows from them and from `microBatch`. */
  readonly samples: number;
  /** Samples per slot. The last slot of the step may have fewer. */
  readonly microBatch: number;
  /** The numbers of the shard's samples, one uint32 each, in slot order without gaps. */
  readonly ids: Pointer;
  /** What random choices depend on. An evaluation makes none. */
  readonly moment: Moment;
}

/** Temporaries that the sum of a shard of `size` slots needs: one per level whose right half has more than one slot. */
export function temporariesFor(size: number): number {
  return Math.max(0, treeDepth(size) - 1);
}

/**
 * Computes a shard's sum into `out`. `temporaries` points at `temporariesFor(size)` buffers that are as long as the sum,
 * one after the other. `predictions` points at a byte for each sample of the shard, for kinds of work that predict.
 */
export type ShardComputation = (
  network: Network,
  from: Operands,
  work: ShardWork,
  out: Pointer,
  temporaries: Pointer,
  predictions: Pointer,
) => void;

/** Computes the shard's partial gradient: `partialFloats` floats. It predicts nothing. */
export function shardGradient(
  network: Network,
  from: Operands,
  work: ShardWork,
  out: Pointer,
  temporaries: Pointer,
): void {
  const leaf = (slot: number, into: Pointer, write: WriteCode) => {
    network.gradient(from, { ...slotOf(work, slot), moment: work.moment }, into, write);
  };
  sumTree(network.kernels, work, leaf, out, temporaries, network.partialFloats);
}

/** Evaluates the shard: `out` gets its score, `predictions` a class for each of `ids`, in their order. */
export function shardEvaluation(
  network: Network,
  from: Operands,
  work: ShardWork,
  out: Pointer,
  temporaries: Pointer,
  predictions: Pointer,
): void {
  const leaf = (slot: number, into: Pointer, write: WriteCode) => {
    const predicted = predictions + (slot - work.shard.lo) * work.microBatch;
    network.evaluate(from, { ...slotOf(work, slot), moment: null }, into, write, predicted);
  };
  sumTree(network.kernels, work, leaf, out, temporaries, scoreFloats);
}

/** Computes one slot into `out`, as `write` says. */
type Leaf = (slot: number, out: Pointer, write: WriteCode) => void;

function sumTree(
  kernels: Kernels,
  { shard, samples, microBatch }: ShardWork,
  leaf: Leaf,
  out: Pointer,
  temporaries: Pointer,
  floats: number,
): void {
  const slots = slotsOf(samples, microBatch);
  const sumNode = (lo: number, size: number, into: Pointer, free: Pointer): void => {
    if (size === 1) {
      leaf(lo, into, Write.store);
      return;
    }
    const middle = lo + size / 2;
    const rightSize = sizeAt(middle, size / 2, slots);
    sumNode(lo, size / 2, into, free);
    if (rightSize === 1) {
      leaf(middle, into, Write.accumulate);
    } else {
      sumNode(middle, rightSize, free, free + 4 * floats);
      kernels.add(into, free, into, floats);
    }
  };
  sumNode(shard.lo, sizeAt(shard.lo, shard.size, slots), out, temporaries);
}

function slotOf({ shard, samples, microBatch, ids }: ShardWork, slot: number): Pick<Pass, 'rows' | 'ids'> {
  return { rows: rowsOfSlot(samples, microBatch, slot), ids: ids + 4 * microBatch * (slot - shard.lo) };
}
