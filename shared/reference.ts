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
import { codingOf, type WireBits } from './model/coding.js';
import { initialWeights } from './model/initialise.js';
import type { Model } from './model/model.js';
import { Network, transposedFloats, transposeWeights } from './model/network.js';
import { inputWidth, partialFloats } from './model/parameters.js';
import { rememberedBy, vectorsOf } from './optimizer/optimizers.js';
import { rateOf, type SlotRules, type UpdateRules, updateAll } from './optimizer/update.js';
import { rootShard, treeDepth } from './pool/tree.js';
import { scoreFloats } from './work/kinds.js';

export interface ReferenceRun extends UpdateRules {
  readonly model: Model;
  readonly train: Samples;
  /** Samples per step, or per round. 0 means all samples. */
  readonly batch: number;
  readonly microBatch: number;
  readonly seed: number;
  /** Label smoothing. Undefined: none. */
  readonly smoothing?: number | undefined;
  /** Absent: none. */
  readonly augment?: AugmentDescription | undefined;
  /** Absent: 32, and nothing is quantised. */
  readonly wireBits?: WireBits | undefined;
}

/** The state after one step, or after one round. */
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
  const { model, train, microBatch, rounds } = run;
  const at = layOut(run, sizes);
  const memory = createMemory(at.end, false);
  const { kernels } = memory;
  const chain = chainOf(model);
  const statistics = statisticsOf(chain);
  const coding = codingOf(run.wireBits, statistics);
  const place = { ...at, coded: coding === null ? undefined : { coding, ...at.coded } };
  const floats = partialFloats(model);
  const parameters = floats - scoreFloats;
  const network = new Network({ ...run, memory, sizes, rowsMax: microBatch, chain, base: at.network });
  const order = new SampleOrder({ ...run, samples: train.count });
  const view = (pointer: Pointer, length: number) => new Float32Array(memory.buffer, pointer, length);
  const weights = view(at.weights, parameters);
  const sums = view(at.partials + 4 * parameters, scoreFloats);
  const ids = new Uint32Array(memory.buffer, at.ids, microBatch);
  keepAll(train, memory, at);
  new Uint8Array(memory.buffer, at.labels, train.labels.length).set(train.labels);
  weights.set(initialWeights(model, run.seed));

  for (let step = 0; ; step++) {
    const [epoch, stepInEpoch] = [Math.floor(step / order.stepsPerEpoch), step % order.stepsPerEpoch];
    const [samples, slots] = [order.samplesIn(stepInEpoch), order.slotsIn(stepInEpoch)];

    /** Computes the gradient of some samples (E1 and E2). */
    const gradient = (samplesOfPass: Uint32Array, from: Weights, into: Pointer): void => {
      ids.set(samplesOfPass);
      const pass = { rows: samplesOfPass.length, ids: at.ids, moment: { seed: run.seed, epoch } };
      network.gradient({ ...at, ...from }, pass, into, Write.store);
    };
    /** In a round: steps from copies of the weights, by an optimizer that begins anew, and then what they have changed. */
    const difference = (samplesOfSlot: Uint32Array, rules: SlotRules, into: Pointer): void => {
      const { clip } = rules;
      const optimizer = { ...rules.optimizer, rate: rateOf(rules, step) };
      const own = view(at.local.weights, parameters);
      own.set(weights);
      for (const vector of at.local.vectors) view(vector, parameters).fill(0);
      const score = new Float32Array(scoreFloats);
      for (let localStep = 0; localStep * microBatch < samplesOfSlot.length; localStep++) {
        const some = samplesOfSlot.subarray(localStep * microBatch, (localStep + 1) * microBatch);
        transposeWeights(kernels, chain, at.local.weights, at.local.transposed);
        gradient(some, at.local, into);
        for (const [i, term] of view(into + 4 * parameters, scoreFloats).entries()) score[i] += term;
        const whole = { floats: parameters, sum: into, terms: some.length, step: localStep };
        updateAll({ optimizer, clip }, memory, at.local, whole, statistics);
      }
      view(into, floats).set([...weights.map((weight, i) => weight - own[i]), ...score]);
    };
    const computeSlot = (slot: number, into: Pointer): void => {
      const samplesOfSlot = order.slotIds(epoch, stepInEpoch, slot);
      if (rounds === undefined) gradient(samplesOfSlot, at, into);
      else difference(samplesOfSlot, rounds, into);
      if (coding !== null) network.quantise(coding, into);
    };
    /** Computes the sum of node(lo, size) of the tree (E3) into one buffer. The buffers after it are scratch space. */
    const sumNode = (lo: number, size: number, into: Pointer): void => {
      if (size === 1) {
        computeSlot(lo, into);
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
    const terms = order.termsIn(stepInEpoch);
    updateAll(run, memory, place, { floats: parameters, sum: at.partials, terms, step }, statistics);
    yield { step: step + 1, loss: sums[0] / samples, accuracy: sums[1] / samples, weights };
  }
}

/** Weights, and the same transposed. */
interface Weights {
  readonly weights: Pointer;
  readonly transposed: Pointer;
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

function layOut({ model, train, microBatch, augment, rounds, ...run }: ReferenceRun, sizes: KernelSizes) {
  let end: Pointer = memoryStart;
  const reserve = (bytes: number): Pointer => {
    const at = end;
    end += Math.ceil(bytes / 16) * 16;
    return at;
  };
  const floats = partialFloats(model);
  const { slots } = new SampleOrder({ ...run, microBatch, rounds, samples: train.count });
  const state = (vectors: readonly string[]) => ({
    weights: reserve(4 * floats),
    transposed: reserve(4 * transposedFloats(chainOf(model))),
    vectors: vectors.map(() => reserve(4 * floats)),
  });
  const regions = {
    network: reserve(Network.bytesNeeded({ model, sizes, rowsMax: microBatch, augment })),
    records: reserve(4 * train.count),
    image: reserve(inputWidth(model)),
    heap: reserve(train.count * sizes.recordBytesMax(inputWidth(model))),
    labels: reserve(train.labels.length),
    ids: reserve(4 * microBatch),
    ...state(rememberedBy(run)),
    change: reserve(4 * floats),
    /** What the local steps of a slot change. An ordinary step does not use it. */
    local: state(vectorsOf(rounds?.optimizer ?? run.optimizer)),
    /** One buffer for a partial gradient per level of the tree, beginning with the root's level. */
    partials: reserve(4 * floats * (1 + treeDepth(slots))),
  };
  const { change, vectors } = regions;
  return { ...regions, coded: { change, residual: vectors[vectors.length - 1] }, end };
}
