/**
 * Sums a shard along the canonical tree (E3) with few buffers. The left half of a node is summed where the result goes.
 * The right half is summed in a temporary, one per level of the tree, and then added. A right half of one slot needs no
 * temporary: its kernels add to the result as they compute, and that gives the same bits. A slot that is quantised is
 * complete before it is added, so it needs one.
 */

import { type Kernels, type Pointer, Write, type WriteCode } from '../arithmetic/kernels.js';
import { rowsOfSlot, slotsOf } from '../data/order.js';
import { type Shard, sizeAt, treeDepth } from '../pool/tree.js';
import { scoreFloats } from '../work/kinds.js';
import type { Coding } from './coding.js';
import type { Moment, Pass } from './layers/layer.js';
import type { LocalSteps } from './local-steps.js';
import type { Network, Operands } from './network.js';

/** A shard of a step or of an evaluation, and its samples. */
export interface ShardWork {
  readonly shard: Shard;
  /** Samples of the whole step. The number of slots follows from them and from `slotRows`. */
  readonly samples: number;
  /** Samples per slot. The last slot of the step may have fewer. */
  readonly slotRows: number;
  /** The numbers of the shard's samples, one uint32 each, in slot order without gaps. */
  readonly ids: Pointer;
  /** What random choices depend on. An evaluation makes none. */
  readonly moment: Moment;
  /** Number of updates before the step. The rate of local steps depends on it. */
  readonly step: number;
  /** How the results of slots are quantised. Null: they are not. */
  readonly coding: Coding | null;
}

/** What a thread computes slots with. */
export interface SlotParts {
  readonly network: Network;
  /** Null in a run of ordinary steps. */
  readonly local: LocalSteps | null;
}

/**
 * Temporaries that the sum of a shard of `size` slots needs: one per level of the tree. The level of the slots needs none if
 * their kernels add to the result.
 */
export function temporariesFor(size: number, slotsAreComplete: boolean): number {
  return Math.max(0, treeDepth(size) - (slotsAreComplete ? 0 : 1));
}

/**
 * Computes a shard's sum into `out`. `temporaries` points at `temporariesFor` buffers that are as long as the sum,
 * one after the other. `predictions` points at a byte for each sample of the shard, for kinds of work that predict.
 */
export type ShardComputation = (
  parts: SlotParts,
  from: Operands,
  work: ShardWork,
  out: Pointer,
  temporaries: Pointer,
  predictions: Pointer,
) => void;

/**
 * Computes what the step's update is made from: the shard's partial gradient or, in a round, the sum of its slots'
 * differences. Both have `partialFloats` floats. It predicts nothing.
 */
export function shardGradient(
  { network, local }: SlotParts,
  from: Operands,
  work: ShardWork,
  out: Pointer,
  temporaries: Pointer,
): void {
  const { coding, moment } = work;
  const leaf = (slot: number, into: Pointer, write: WriteCode) => {
    const pass = { ...slotOf(work, slot), moment };
    if (local === null) network.gradient(from, pass, into, write);
    else local.difference(from, pass, work.step, into);
    if (coding !== null) network.quantise(coding, into);
  };
  const slotsAreComplete = local !== null || coding !== null;
  sumTree(network.kernels, work, leaf, slotsAreComplete, out, temporaries, network.partialFloats);
}

/** Evaluates the shard: `out` gets its score, `predictions` a class for each of `ids`, in their order. */
export function shardEvaluation(
  { network }: SlotParts,
  from: Operands,
  work: ShardWork,
  out: Pointer,
  temporaries: Pointer,
  predictions: Pointer,
): void {
  const leaf = (slot: number, into: Pointer, write: WriteCode) => {
    const predicted = predictions + (slot - work.shard.lo) * work.slotRows;
    network.evaluate(from, { ...slotOf(work, slot), moment: null }, into, write, predicted);
  };
  sumTree(network.kernels, work, leaf, false, out, temporaries, scoreFloats);
}

/** Computes one slot into `out`, as `write` says. It only stores where slots must be complete before they are added. */
type Leaf = (slot: number, out: Pointer, write: WriteCode) => void;

function sumTree(
  kernels: Kernels,
  { shard, samples, slotRows }: ShardWork,
  leaf: Leaf,
  slotsAreComplete: boolean,
  out: Pointer,
  temporaries: Pointer,
  floats: number,
): void {
  const slots = slotsOf(samples, slotRows);
  const sumNode = (lo: number, size: number, into: Pointer, free: Pointer): void => {
    if (size === 1) {
      leaf(lo, into, Write.store);
      return;
    }
    const middle = lo + size / 2;
    const rightSize = sizeAt(middle, size / 2, slots);
    sumNode(lo, size / 2, into, free);
    if (rightSize === 1 && !slotsAreComplete) {
      leaf(middle, into, Write.accumulate);
    } else {
      sumNode(middle, rightSize, free, free + 4 * floats);
      kernels.add(into, free, into, floats);
    }
  };
  sumNode(shard.lo, sizeAt(shard.lo, shard.size, slots), out, temporaries);
}

function slotOf({ shard, samples, slotRows, ids }: ShardWork, slot: number): Pick<Pass, 'rows' | 'ids'> {
  return { rows: rowsOfSlot(samples, slotRows, slot), ids: ids + 4 * slotRows * (slot - shard.lo) };
}
