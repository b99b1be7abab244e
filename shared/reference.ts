/**
 * The whole training in one loop, on one thread. This is the definition: a run on any fleet must get the same weights,
 * bit for bit. It runs on any kernel backend. With the scalar backend, which defines the kernels, it uses no optimized
 * code. Tests compare runs with it.
 *
 * What this is not: the trainer. It has no pool, no shards, no threads and no checkpoints.
 */

import { type KernelBackend, type KernelMemory, type KernelSizes, memoryStart } from './arithmetic/backend.js';
import { type Pointer, Write } from './arithmetic/kernels.js';
import type { AugmentDescription } from './data/augment.js';
import type { Samples } from './data/dataset.js';
import { SampleOrder } from './data/order.js';
import { chainOf, statisticsOf } from './model/chain.js';
import { initialWeights } from './model/initialise.js';
import type { Model } from './model/model.js';
import { Network, transposedFloats, transposeWeights } from './model/network.js';
import { inputWidth, partialFloats } from './model/parameters.js';
import { vectorsOf } from './optimizer/optimizers.js';
import { type UpdateRules, updateAll } from './optimizer/update.js';
import { rootShard, treeDepth } from './pool/tree.js';
import { scoreFloats } from './work/kinds.js';

export interface ReferenceRun extends UpdateRules {
  readonly model: Model;
  readonly train: Samples;
  /** Samples per step. 0 means all samples. */
  readonly batch: number;
  readonly microBatch: number;
  readonly seed: number;
  /** Label smoothing. Undefined: none. */
  readonly smoothing?: number | undefined;
  /** Absent: none. */
  readonly augment?: AugmentDescription | undefined;
}

/** The state after one step. */
export interface ReferenceStep {
  /** Number of steps done, so the first state has step 1. */
  readonly step: number;
  /** Mean loss and fraction of correct answers of the step's samples, both before the step's update. */
  readonly loss: number;
  readonly accuracy: number;
  /** The new weights, as a view. The next step changes them. */
  readonly weights: Float32Array;
}

/** Trains without end: the caller decides how many steps it asks for. The generator has its own memory. */
export function* referenceTrain(
  run: ReferenceRun,
  { sizes, createMemory }: KernelBackend,
): Generator<ReferenceStep, never> {
  const { model, train, microBatch } = run;
  const at = layOut(run, sizes);
  const memory = createMemory(at.end, false);
  const { kernels } = memory;
  const chain = chainOf(model);
  const statistics = statisticsOf(chain);
  const floats = partialFloats(model);
  const network = new Network({ ...run, memory, sizes, rowsMax: microBatch, chain, base: at.network });
  const order = new SampleOrder({ ...run, samples: train.count });
  const weights = new Float32Array(memory.buffer, at.weights, floats - scoreFloats);
  const sums = new Float32Array(memory.buffer, at.partials + 4 * (floats - scoreFloats), scoreFloats);
  const ids = new Uint32Array(memory.buffer, at.ids, microBatch);
  keepAll(train, memory, at);
  new Uint8Array(memory.buffer, at.labels, train.labels.length).set(train.labels);
  weights.set(initialWeights(model, run.seed));

  for (let step = 0; ; step++) {
    const [epoch, stepInEpoch] = [Math.floor(step / order.stepsPerEpoch), step % order.stepsPerEpoch];
    const [samples, slots] = [order.samplesIn(stepInEpoch), order.slotsIn(stepInEpoch)];

    /** Computes the gradient of the slot's samples (E1 and E2). */
    const slotGradient = (slot: number, into: Pointer): void => {
      ids.set(order.microBatch(epoch, stepInEpoch, slot));
      const rows = order.rowsIn(stepInEpoch, slot);
      network.gradient(at, { rows, ids: at.ids, moment: { seed: run.seed, epoch } }, into, Write.store);
    };
    /** Computes the sum of node(lo, size) of the tree (E3) into one buffer. The buffers after it are scratch space. */
    const sumNode = (lo: number, size: number, into: Pointer): void => {
      if (size === 1) {
        slotGradient(lo, into);
        return;
      }
      const [middle, right] = [lo + size / 2, into + 4 * floats];
      sumNode(lo, size / 2, into);
      if (middle >= slots) return;
      sumNode(middle, size / 2, right);
      kernels.add(into, right, into, floats);
    };

    transposeWeights(kernels, chain, at.weights, at.transposed);
    sumNode(0, rootShard(slots).size, at.partials);
    // The update (E4) uses the sum at the root of the tree.
    updateAll(run, memory, at, { floats: floats - scoreFloats, sum: at.partials, samples, step }, statistics);
    yield { step: step + 1, loss: sums[0] / samples, accuracy: sums[1] / samples, weights };
  }
}

function keepAll({ count, images }: Samples, memory: KernelMemory, at: ReturnType<typeof layOut>): void {
  const pixels = images.length / count;
  const records = new Uint32Array(memory.buffer, at.records, count);
  for (let [id, record] = [0, at.heap]; id < count; id++) {
    new Uint8Array(memory.buffer, at.image, pixels).set(images.subarray(id * pixels, (id + 1) * pixels));
    records[id] = record;
    record += memory.kernels.keep(at.image, pixels, record);
  }
}

function layOut({ model, train, microBatch, augment, optimizer, ...order }: ReferenceRun, sizes: KernelSizes) {
  let end: Pointer = memoryStart;
  const reserve = (bytes: number): Pointer => {
    const at = end;
    end += Math.ceil(bytes / 16) * 16;
    return at;
  };
  const floats = partialFloats(model);
  const { slots } = new SampleOrder({ ...order, microBatch, samples: train.count });
  const regions = {
    network: reserve(Network.bytesNeeded({ model, sizes, rowsMax: microBatch, augment })),
    records: reserve(4 * train.count),
    image: reserve(inputWidth(model)),
    heap: reserve(train.count * sizes.recordBytesMax(inputWidth(model))),
    labels: reserve(train.labels.length),
    ids: reserve(4 * microBatch),
    weights: reserve(4 * floats),
    transposed: reserve(4 * transposedFloats(chainOf(model))),
    vectors: vectorsOf(optimizer).map(() => reserve(4 * floats)),
    /** One buffer for a partial gradient per level of the tree, beginning with the root's level. */
    partials: reserve(4 * floats * (1 + treeDepth(slots))),
  };
  return { ...regions, end };
}
