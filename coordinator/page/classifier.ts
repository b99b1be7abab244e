/** One image through the network, by the kernels that train it: what the fleet computes, here for a single sample. */

import { Arena } from '../../shared/arithmetic/arena.js';
import { type Pointer, recordBytesMax, Write } from '../../shared/arithmetic/kernels.js';
import { compileKernels, simdKernels } from '../../shared/arithmetic/webassembly/binary.js';
import type { Model } from '../../shared/model/model.js';
import { Network, type Operands } from '../../shared/model/network.js';
import { inputWidth, outputWidth, parameterCount } from '../../shared/model/parameters.js';

/** What became of an image. */
export interface Classified {
  /** Updates that the weights have seen. */
  readonly step: number;
  /** Each layer's activated outputs, the last one's as shares of certainty. */
  readonly layers: readonly Float32Array[];
  /** The class with the largest output. */
  readonly answer: number;
}

export class Classifier {
  private readonly network: Network;
  private readonly memory: WebAssembly.Memory;
  private readonly from: Operands;
  private readonly image: Pointer;
  private readonly record: Pointer;
  private readonly ids: Pointer;
  private readonly sums: Pointer;
  private readonly predictions: Pointer;
  private step = 0;

  constructor(
    binary: Uint8Array,
    readonly model: Model,
  ) {
    const arena = new Arena();
    const pixels = inputWidth(model);
    this.image = arena.bytes(pixels);
    this.record = arena.bytes(recordBytesMax(pixels));
    const records = arena.uint32(1);
    const labels = arena.bytes(1);
    const weights = arena.floats(parameterCount(model));
    // Read by the backward pass only, which never runs here.
    this.from = { records, labels, weights, transposed: 0 };
    this.ids = arena.uint32(1);
    this.sums = arena.floats(2);
    this.predictions = arena.bytes(1);
    const region = arena.bytes(Network.bytesNeeded(model, 1));
    this.memory = arena.createMemory(false);
    this.network = new Network(simdKernels(compileKernels(binary, false), this.memory), model, 1, region);
  }

  setWeights(step: number, floats: Float32Array): void {
    this.step = step;
    new Float32Array(this.memory.buffer, this.from.weights, floats.length).set(floats);
  }

  /** One byte per pixel. */
  classify(image: Uint8Array): Classified {
    const { network, memory, from, model } = this;
    new Uint8Array(memory.buffer, this.image, image.length).set(image);
    new Uint32Array(memory.buffer, from.records, 1)[0] = this.record;
    network.kernels.keep(this.image, image.length, this.record);
    network.evaluate(from, this.ids, 1, this.sums, Write.store, this.predictions);
    const layers = network.outputs.map(({ at, width }) => new Float32Array(memory.buffer, at, width).slice());
    layers[layers.length - 1] = certainties(layers[layers.length - 1], model.loss).slice(0, outputWidth(model));
    return { step: this.step, layers, answer: new Uint8Array(memory.buffer, this.predictions, 1)[0] };
  }
}

/** The last layer's outputs as people read them. For the eye only: nothing comes back from here to the weights. */
function certainties(y: Float32Array, loss: Model['loss']): Float32Array {
  if (loss === 'quadratic') return y;
  if (loss === 'sigmoidCrossEntropy') return y.map((score) => 1 / (1 + Math.exp(-score)));
  const most = y.reduce((a, b) => Math.max(a, b));
  const powers = y.map((score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}
