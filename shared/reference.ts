/**
 * The whole training in one loop, on one thread: the definition that a run on any fleet must equal bit for bit.
 *
 * What this is not: the trainer. It has no pool, shards or threads, keeps no checkpoints and runs on any backend: with
 * the scalar one it is specification all the way down. Tests and `verify` use it as the oracle.
 */

import { type KernelBackend, type KernelMemory, type KernelSizes, memoryStart } from './arithmetic/backend.js';
import { type Pointer, Write } from './arithmetic/kernels.js';
import type { Samples } from './data/dataset.js';
import { SampleOrder } from './data/order.js';
import { chainOf } from './model/chain.js';
import { initialWeights } from './model/initialise.js';
import type { Model } from './model/model.js';
import { Network, transposedFloats, transposeWeights } from './model/network.js';
import { inputWidth, partialFloats } from './model/parameters.js';
import { rootShard, treeDepth } from './pool/tree.js';

export interface ReferenceRun {
  readonly model: Model;
  readonly train: Samples;
  /** Samples per step; 0 for all. */
  readonly batch: number;
  readonly microBatch: number;
  readonly seed: number;
  /** Learning rate and momentum, rounded to float32 by the kernels. */
  readonly rate: number;
  readonly momentum: number;
}

/** The state after one step. */
export interface ReferenceStep {
  /** Steps done: 1 after the first. */
  readonly step: number;
  /** Mean loss, and share of correct answers, over the step's samples before its update. */
  readonly loss: number;
  readonly accuracy: number;
  /** The new weights: a view that the next step changes. */
  readonly weights: Float32Array;
}

/** Trains without end: the caller takes as many steps as it wants. The memory is the reference's own. */
export function* referenceTrain(
  run: ReferenceRun,
  { sizes, createMemory }: KernelBackend,
): Generator<ReferenceStep, never> {
  const { model, train, microBatch } = run;
  const at = layOut(run, sizes);
  const memory = createMemory(at.end, false);
  const { kernels } = memory;
  const chain = chainOf(model);
  const floats = partialFloats(model);
  const network = new Network(memory, sizes, model, microBatch, at.network);
  const order = new SampleOrder({ ...run, samples: train.count });
  const weights = new Float32Array(memory.buffer, at.weights, floats - 2);
  const sums = new Float32Array(memory.buffer, at.partials + 4 * (floats - 2), 2);
  const ids = new Uint32Array(memory.buffer, at.ids, microBatch);
  keepAll(train, memory, at);
  new Uint8Array(memory.buffer, at.labels, train.labels.length).set(train.labels);
  new Float32Array(memory.buffer, at.velocity, floats - 2).fill(0);
  weights.set(initialWeights(model, run.seed));

  for (let step = 0; ; step++) {
    const [epoch, stepInEpoch] = [Math.floor(step / order.stepsPerEpoch), step % order.stepsPerEpoch];
    const [samples, slots] = [order.samplesIn(stepInEpoch), order.slotsIn(stepInEpoch)];

    /** E1 and E2: the gradient of the slot's samples. */
    const slotGradient = (slot: number, into: Pointer): void => {
      ids.set(order.microBatch(epoch, stepInEpoch, slot));
      network.gradient(at, at.ids, order.rowsIn(stepInEpoch, slot), into, Write.store);
    };
    /** E3: the sum of node(lo, size) into one buffer; the buffers after it are free. */
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
    // E4: the update, from the root of the tree.
    kernels.sgd(at.weights, at.velocity, at.partials, floats - 2, samples, run.rate, run.momentum);
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

function layOut({ model, train, microBatch, ...order }: ReferenceRun, sizes: KernelSizes) {
  let end: Pointer = memoryStart;
  const take = (bytes: number): Pointer => {
    const at = end;
    end += Math.ceil(bytes / 16) * 16;
    return at;
  };
  const floats = partialFloats(model);
  const { slots } = new SampleOrder({ ...order, microBatch, samples: train.count });
  const regions = {
    network: take(Network.bytesNeeded(model, microBatch, sizes)),
    records: take(4 * train.count),
    image: take(inputWidth(model)),
    heap: take(train.count * sizes.recordBytesMax(inputWidth(model))),
    labels: take(train.labels.length),
    ids: take(4 * microBatch),
    weights: take(4 * floats),
    transposed: take(4 * transposedFloats(chainOf(model))),
    velocity: take(4 * floats),
    /** One partial gradient per level of the tree, the root's first. */
    partials: take(4 * floats * (1 + treeDepth(slots))),
  };
  return { ...regions, end };
}
