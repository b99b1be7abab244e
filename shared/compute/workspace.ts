/**
 * The layout of a machine's memory: the weights once, the samples once, and a region for each thread. Where the platform
 * shares memory between threads, all threads of a machine compute in one memory. The layout follows from the description
 * of the run alone, so that machine and threads work it out on their own and need not exchange it.
 */

import { Arena } from '../arithmetic/arena.js';
import type { KernelSizes } from '../arithmetic/backend.js';
import type { Pointer } from '../arithmetic/kernels.js';
import type { AugmentDescription } from '../data/augment.js';
import { type SampleSet, type SetSizes, sizeOf } from '../data/dataset.js';
import { type Chain, chainOf, type Span, statisticsOf } from '../model/chain.js';
import { type Coding, codingOf, type WireBits } from '../model/coding.js';
import type { LocalPlace } from '../model/local-steps.js';
import type { Model } from '../model/model.js';
import { Network, transposedFloats } from '../model/network.js';
import { inputWidth, outputsOf, parametersOf } from '../model/parameters.js';
import { temporariesFor } from '../model/shard.js';
import type { CodedPlace } from '../optimizer/optimizer.js';
import { type OptimizerDescription, rememberedBy, vectorsOf } from '../optimizer/optimizers.js';
import type { PlannedSchedule } from '../optimizer/schedule.js';
import type { SlotRules } from '../optimizer/update.js';
import type { PayloadContext } from '../protocol/payload.js';
import { codedPartBytesMax, maskBytes } from '../protocol/tensor.js';
import { scoreFloats, sumFloats, workNames } from '../work/kinds.js';
import { type Orders, orderOf, ordersOf, predictedMax } from '../work/orders.js';
import { mailboxInts } from './mailbox.js';

/** What a machine must know about a run to compute for it. Plain data, which is sent to threads as it is. */
export interface RunDescription extends SetSizes {
  readonly model: Model;
  /** Samples per step, 0 for all; samples per gradient; see `OrderConfig`. */
  readonly batch: number;
  readonly microBatch: number;
  readonly seed: number;
  /** How training distorts its samples. Absent if it distorts none. */
  readonly augment?: AugmentDescription | undefined;
  /** Label smoothing: the part of each target that all classes share. Undefined: none. */
  readonly smoothing?: number | undefined;
  /** In a run of rounds, how a slot makes its local steps. Undefined: a slot computes a gradient. */
  readonly rounds?: SlotRules | undefined;
  /** Bits of a number on the wire, for which results and updates are quantised. Undefined: 32, and nothing is. */
  readonly wireBits?: WireBits | undefined;
  /** How the weights are updated. A worker has none of these, because its weights come from the coordinator. */
  readonly optimizer?: OptimizerDescription;
  readonly schedule?: PlannedSchedule | undefined;
  readonly clip?: number | undefined;
}

/** One thread's own region. */
export interface ThreadRegion {
  readonly network: Pointer;
  /** Sample numbers of one shard: uint32. */
  readonly ids: Pointer;
  /** Temporaries for the sum of one shard. */
  readonly temporaries: Pointer;
  /** The orders for the thread (mailbox.ts). */
  readonly mailbox: Pointer;
  /** What a slot of a round changes on its way. Null in a run of ordinary steps. */
  readonly local: LocalPlace | null;
}

export interface SampleStore {
  /** The address of each sample's record (`Kernels.keep`), uint32; 0 if the sample is not held. */
  readonly records: Pointer;
  /** One byte per sample. */
  readonly labels: Pointer;
  /** Where the records lie, in the order in which they came, and how many bytes they take so far, uint32. */
  readonly heap: Pointer;
  readonly heapUsed: Pointer;
}

export interface Workspace extends Readonly<Record<SampleSet, SampleStore>> {
  readonly run: RunDescription;
  readonly sizes: KernelSizes;
  /** The model's layers. */
  readonly chain: Chain;
  /** Where the flat vector has statistics instead of weights. */
  readonly statistics: readonly Span[];
  /** How results and updates are quantised. Null: they are not. */
  readonly coding: Coding | null;
  /** The sizes that determine the lengths of the run's messages. */
  readonly context: PayloadContext;
  /** Floats of the weights, and of a partial gradient, which has two more. */
  readonly parameters: number;
  readonly partialFloats: number;
  /** Bytes per image. */
  readonly pixels: number;
  readonly weights: Pointer;
  readonly transposed: Pointer;
  /** The vectors that updates remember. Empty if the run has no optimizer. */
  readonly vectors: readonly Pointer[];
  /** Where an update is quantised. Undefined if it is not, or if the run has no optimizer. */
  readonly coded: CodedPlace | undefined;
  /** The weights of the last broadcast, and those of the one before it or their coded change. For the coordinator alone. */
  readonly broadcast: readonly [Pointer, Pointer];
  /** An image on its way to or from its record. */
  readonly image: Pointer;
  /** Which blocks of a part of a tensor travel: `maskBytes`, and room for the codes of these blocks. */
  readonly mask: Pointer;
  /** Predicted class of each sample of the set that was evaluated last: one byte. */
  readonly predictions: Pointer;
  readonly threads: readonly ThreadRegion[];
  /** First byte after all of it. */
  readonly end: Pointer;
}

/** The largest number of samples that pass through a network together, in any kind of work. */
export function rowsMaxOf(orders: Orders): number {
  return Math.max(...workNames.map((work) => orderOf(orders, { work }).passRows));
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
    heapUsed: arena.uint32(1),
    // Where most pixels are zero, most of this is never written, and pages that are never written take no memory.
    heap: arena.bytes(samples * sizes.recordBytesMax(pixels)),
  });
  const orders = ordersOf(run);
  const idsMax = Math.max(...workNames.map((work) => orderOf(orders, { work })).map(({ slots, rows }) => slots * rows));
  const statistics = statisticsOf(chain);
  const coding = codingOf(run.wireBits, statistics);
  const slotsAreComplete = run.rounds !== undefined || coding !== null;
  const temporaries = workNames.map(
    (work) => temporariesFor(orderOf(orders, { work }).slots, slotsAreComplete) * sumFloats(work, parameters),
  );
  const thread = (): ThreadRegion => ({
    network: arena.bytes(Network.bytesNeeded({ ...run, sizes, rowsMax: rowsMaxOf(orders), chain })),
    ids: arena.uint32(idsMax),
    temporaries: arena.floats(Math.max(...temporaries)),
    mailbox: arena.uint32(mailboxInts),
    local: run.rounds === undefined ? null : layOutLocal(arena, run.rounds, chain),
  });
  const { train, test } = run;
  const validation = sizeOf(run, 'validation');
  const workspace = {
    run,
    sizes,
    chain,
    statistics,
    coding,
    context: { parameters, pixels, classes: outputsOf(chain), train, validation, test, coding },
    parameters,
    partialFloats: parameters + scoreFloats,
    pixels,
    weights: arena.floats(parameters),
    transposed: arena.floats(transposedFloats(chain)),
    ...updateVectors(run, coding, () => arena.floats(parameters)),
    broadcast: [arena.floats(parameters), arena.floats(parameters)] as const,
    image: arena.bytes(pixels),
    mask: arena.bytes(coding === null ? maskBytes : codedPartBytesMax),
    train: store(train),
    validation: store(validation),
    test: store(test),
    predictions: arena.bytes(predictedMax(orders)),
    threads: Array.from({ length: threads }, thread),
  };
  return { ...workspace, end: arena.end };
}

function layOutLocal(arena: Arena, { optimizer }: SlotRules, chain: Chain): LocalPlace {
  const parameters = parametersOf(chain);
  return {
    weights: arena.floats(parameters),
    transposed: arena.floats(transposedFloats(chain)),
    vectors: vectorsOf(optimizer).map(() => arena.floats(parameters)),
    gradient: arena.floats(parameters + scoreFloats),
  };
}

/** The vectors of the updates. `vector` makes room for one. */
function updateVectors(
  { optimizer, wireBits }: RunDescription,
  coding: Coding | null,
  vector: () => Pointer,
): Pick<Workspace, 'vectors' | 'coded'> {
  if (optimizer === undefined) return { vectors: [], coded: undefined };
  const vectors = rememberedBy({ optimizer, wireBits }).map(vector);
  if (coding === null) return { vectors, coded: undefined };
  return { vectors, coded: { coding, change: vector(), residual: vectors[vectors.length - 1] } };
}
