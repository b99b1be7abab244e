/** Shared by the tests of the model: a memory with kernels, a bump allocator, and random samples. */

import type { KernelMemory } from '../../../shared/arithmetic/backend.js';
import type { Kernels, Pointer } from '../../../shared/arithmetic/kernels.js';
import type { AugmentDescription } from '../../../shared/data/augment.js';
import type { Samples } from '../../../shared/data/dataset.js';
import { chainOf } from '../../../shared/model/chain.js';
import { initialWeights } from '../../../shared/model/initialise.js';
import { elements, type Pass } from '../../../shared/model/layers/layer.js';
import type { Model } from '../../../shared/model/model.js';
import { Network, type Operands, transposedFloats, transposeWeights } from '../../../shared/model/network.js';
import { inputWidth, outputWidth, partialFloats, tensorSpans } from '../../../shared/model/parameters.js';
import { Random } from '../../../shared/random.js';
import { scalar } from '../arithmetic/backends.js';

/** Random images and labels. About a third of the pixels are zero. */
export function randomSamples(model: Model, count: number, seed: number): Samples {
  const random = new Random(seed, 100);
  const byte = () => (random.below(3) === 0 ? 0 : random.below(256));
  return {
    count,
    shape: model.input,
    images: Uint8Array.from({ length: count * inputWidth(model) }, byte),
    labels: Uint8Array.from({ length: count }, () => random.below(outputWidth(model))),
  };
}

/** The initial weights, but with random changes to whatever starts equal, such as biases. So no gradient is trivial. */
export function randomWeights(model: Model, seed: number): Float32Array {
  const weights = initialWeights(model, seed);
  const random = new Random(seed, 101);
  for (const { name, shape, offset } of tensorSpans(model)) {
    if (name.endsWith('.weight')) continue;
    for (let i = offset; i < offset + elements(shape); i++) weights[i] += 0.4 * random.uniform() - 0.2;
  }
  return weights;
}

/** A training pass over `rows` samples, whose numbers are at `ids`. */
export function training(ids: Pointer, rows: number): Pass {
  return { ids, rows, moment: { seed: 1, epoch: 0 } };
}

/** An evaluation of them. */
export function evaluating(ids: Pointer, rows: number): Pass {
  return { ids, rows, moment: null };
}

/** A network with its own memory, which contains samples and weights. */
export class Bench {
  readonly memory: KernelMemory;
  readonly kernels: Kernels;
  readonly network: Network;
  readonly from: Operands;
  readonly partialFloats: number;
  private readonly chain;
  private end = 16;

  constructor(
    model: Model,
    samples: Samples,
    weights: Float32Array,
    rowsMax: number,
    chain = chainOf(model),
    private readonly backend = scalar,
    augment?: AugmentDescription,
    smoothing = 0,
  ) {
    this.partialFloats = partialFloats(model);
    const { sizes } = backend;
    this.memory = backend.createMemory(2 ** 22, false);
    this.kernels = this.memory.kernels;
    const layout = { model, sizes, rowsMax, chain, augment };
    const base = this.take(Network.bytesNeeded(layout));
    this.network = new Network({ ...layout, memory: this.memory, base, smoothing });
    this.from = {
      records: this.keep(samples),
      labels: this.put(samples.labels),
      weights: this.put(weights),
      transposed: this.take(4 * transposedFloats(chain)),
    };
    this.chain = chain;
    this.transpose();
  }

  /** To be called when the weights have changed. */
  transpose(): void {
    transposeWeights(this.kernels, this.chain, this.from.weights, this.from.transposed);
  }

  take(bytes: number): Pointer {
    const at = this.end;
    this.end += Math.ceil(bytes / 16) * 16;
    if (this.end > this.memory.buffer.byteLength) throw new Error('the memory of the test is too small');
    return at;
  }

  put(data: Uint8Array | Uint32Array | Float32Array): Pointer {
    const at = this.take(data.byteLength);
    new Uint8Array(this.memory.buffer).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    return at;
  }

  private keep({ count, images }: Samples): Pointer {
    const pixels = images.length / count;
    const records = Array.from({ length: count }, (_, id) => {
      const image = this.put(images.subarray(id * pixels, (id + 1) * pixels));
      const record = this.take(this.backend.sizes.recordBytesMax(pixels));
      this.kernels.keep(image, pixels, record);
      return record;
    });
    return this.put(Uint32Array.from(records));
  }

  floats(at: Pointer, count: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, count).slice();
  }
}

/** The bits of floats. They differ for +0 and -0, so equal bits mean equal bytes. */
export function bits(floats: Float32Array): Uint32Array {
  return new Uint32Array(floats.slice().buffer);
}
