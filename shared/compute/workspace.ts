/**
 * One machine's memory: the weights once, the samples once, and what each of its threads needs for itself, at fixed
 * places of one memory. Every thread of a machine computes in the same memory where the platform shares
 * memory between threads; the layout is a function of the description below, so each side works it out for itself.
 */

import { Arena } from '../arithmetic/arena.js';
import type { KernelSizes } from '../arithmetic/backend.js';
import type { Pointer } from '../arithmetic/kernels.js';
import type { SampleSet } from '../data/dataset.js';
import { type Chain, chainOf } from '../model/chain.js';
import type { Model } from '../model/model.js';
import { Network, transposedFloats } from '../model/network.js';
import { inputWidth, outputsOf, parametersOf } from '../model/parameters.js';
import { temporariesFor } from '../model/shard.js';
import { type OptimizerDescription, vectorsOf } from '../optimizer/optimizers.js';
import type { PayloadContext } from '../protocol/payload.js';
import { maskBytes } from '../protocol/tensor.js';
import { scoreFloats, sumFloats, workNames } from '../work/kinds.js';
import { type Orders, orderOf, ordersOf } from '../work/orders.js';
import { mailboxInts } from './mailbox.js';

/** All that a machine must know about a run to compute for it. Plain data: it travels to threads as it is. */
export interface RunDescription extends Readonly<Record<SampleSet, number>> {
  readonly model: Model;
  /** Samples per step, 0 for all; samples per slot; see `OrderConfig`. */
  readonly batch: number;
  readonly microBatch: number;
  readonly seed: number;
  /** How the weights are updated. Absent where they only come from elsewhere: on a worker. */
  readonly optimizer?: OptimizerDescription;
}

/** What one thread has for itself. */
export interface ThreadRegion {
  readonly network: Pointer;
  /** Sample numbers of one shard: uint32. */
  readonly ids: Pointer;
  /** Temporaries for the sum of one shard. */
  readonly temporaries: Pointer;
  /** The orders that it gets. */
  readonly mailbox: Pointer;
}

export interface SampleStore {
  /** The address of each sample's record (`Kernels.keep`), uint32; 0 for one that is not held. */
  readonly records: Pointer;
  /** One byte per sample. */
  readonly labels: Pointer;
  /** Where the records lie, in the order in which they came, and how many bytes of it are taken, uint32. */
  readonly heap: Pointer;
  readonly heapTaken: Pointer;
}

export interface Workspace {
  readonly run: RunDescription;
  readonly sizes: KernelSizes;
  /** The model's layers. */
  readonly chain: Chain;
  /** What the lengths of the run's messages follow from. */
  readonly context: PayloadContext;
  /** Floats of the weights, and of a partial gradient (two more). */
  readonly parameters: number;
  readonly partialFloats: number;
  /** Bytes per image. */
  readonly pixels: number;
  readonly weights: Pointer;
  readonly transposed: Pointer;
  /** The vectors that the optimizer remembers; none where the run has no optimizer. */
  readonly vectors: readonly Pointer[];
  /** The weights as they were broadcast last, and the time before; only the coordinator uses them. */
  readonly broadcast: readonly [Pointer, Pointer];
  /** An image on its way to or from its record. */
  readonly image: Pointer;
  /** Which blocks of a part of a tensor travel: `maskBytes`. */
  readonly mask: Pointer;
  readonly train: SampleStore;
  readonly test: SampleStore;
  /** Predicted class of each test sample: one byte. */
  readonly predictions: Pointer;
  readonly threads: readonly ThreadRegion[];
  /** First byte after all of it. */
  readonly end: Pointer;
}

/** The largest micro-batch of any kind of work. */
export function rowsMaxOf(orders: Orders): number {
  return Math.max(...workNames.map((work) => orderOf(orders, { work }).rows));
}

/** Lays out a workspace for `threads` threads at the start of a memory. `sizes` are those of the memory's backend. */
export function layOutWorkspace(run: RunDescription, threads: number, sizes: KernelSizes): Workspace {
  const arena = new Arena();
  const chain = chainOf(run.model);
  const parameters = parametersOf(chain);
  const pixels = inputWidth(run.model);
  const store = (samples: number): SampleStore => ({
    records: arena.uint32(samples),
    labels: arena.bytes(samples),
    heapTaken: arena.uint32(1),
    // Most of it is never touched when most pixels are zero, and then takes no memory.
    heap: arena.bytes(samples * sizes.recordBytesMax(pixels)),
  });
  const orders = ordersOf(run);
  const idsMax = Math.max(...workNames.map((work) => orderOf(orders, { work })).map(({ slots, rows }) => slots * rows));
  const temporaries = workNames.map(
    (work) => temporariesFor(orderOf(orders, { work }).slots) * sumFloats(work, parameters),
  );
  const thread = (): ThreadRegion => ({
    network: arena.bytes(Network.bytesNeeded(run.model, rowsMaxOf(orders), sizes, chain)),
    ids: arena.uint32(idsMax),
    temporaries: arena.floats(Math.max(...temporaries)),
    mailbox: arena.uint32(mailboxInts),
  });
  const { train, test } = run;
  const workspace = {
    run,
    sizes,
    chain,
    context: { parameters, pixels, classes: outputsOf(chain), train, test },
    parameters,
    partialFloats: parameters + scoreFloats,
    pixels,
    weights: arena.floats(parameters),
    transposed: arena.floats(transposedFloats(chain)),
    vectors: (run.optimizer === undefined ? [] : vectorsOf(run.optimizer)).map(() => arena.floats(parameters)),
    broadcast: [arena.floats(parameters), arena.floats(parameters)] as const,
    image: arena.bytes(pixels),
    mask: arena.bytes(maskBytes),
    train: store(run.train),
    test: store(run.test),
    predictions: arena.bytes(run.test),
    threads: Array.from({ length: threads }, thread),
  };
  return { ...workspace, end: arena.end };
}
