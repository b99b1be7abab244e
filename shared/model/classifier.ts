/**
 * Classifies single images with the kernels that train the network. The answers equal those of an evaluation bit for bit,
 * because the outputs of a sample do not depend on the other samples of its micro-batch (E2).
 */

import { Arena } from '../arithmetic/arena.js';
import type { KernelBackend, KernelMemory } from '../arithmetic/backend.js';
import { type Pointer, Write } from '../arithmetic/kernels.js';
import type { Model } from './model.js';
import { Network, type Operands } from './network.js';
import { inputWidth, parameterCount } from './parameters.js';

/** The network's outputs for an image. */
export interface Classified {
  /** Number of updates that made the weights. */
  readonly step: number;
  /** Each layer's activated outputs. */
  readonly layers: readonly Float32Array[];
  /** The class with the largest output. */
  readonly answer: number;
}

export class Classifier {
  private readonly network: Network;
  private readonly memory: KernelMemory;
  private readonly from: Operands;
  private readonly image: Pointer;
  private readonly record: Pointer;
  private readonly ids: Pointer;
  private readonly sums: Pointer;
  private readonly predictions: Pointer;
  private step = 0;

  constructor(
    { sizes, createMemory }: KernelBackend,
    readonly model: Model,
  ) {
    const arena = new Arena();
    const pixels = inputWidth(model);
    this.image = arena.bytes(pixels);
    this.record = arena.bytes(sizes.recordBytesMax(pixels));
    const records = arena.uint32(1);
    const labels = arena.bytes(1);
    const weights = arena.floats(parameterCount(model));
    // Read by the backward pass only, which never runs here.
    this.from = { records, labels, weights, transposed: 0 };
    this.ids = arena.uint32(1);
    this.sums = arena.floats(2);
    this.predictions = arena.bytes(1);
    const layout = { model, sizes, rowsMax: 1 };
    const base = arena.bytes(Network.bytesNeeded(layout));
    this.memory = createMemory(arena.end, false);
    this.network = new Network({ ...layout, memory: this.memory, base });
  }

  setWeights(step: number, floats: Float32Array): void {
    this.step = step;
    new Float32Array(this.memory.buffer, this.from.weights, floats.length).set(floats);
  }

  /** Computes all outputs for an image, which has one byte per pixel. */
  classify(image: Uint8Array): Classified {
    const { network, memory } = this;
    this.evaluate(image);
    const layers = network.outputs.map(({ at, width }) => new Float32Array(memory.buffer, at, width).slice());
    return { step: this.step, layers, answer: this.answer };
  }

  /** The class alone. */
  answerTo(image: Uint8Array): number {
    this.evaluate(image);
    return this.answer;
  }

  private evaluate(image: Uint8Array): void {
    const { network, memory, from } = this;
    new Uint8Array(memory.buffer, this.image, image.length).set(image);
    new Uint32Array(memory.buffer, from.records, 1)[0] = this.record;
    network.kernels.keep(this.image, image.length, this.record);
    network.evaluate(from, { ids: this.ids, rows: 1, moment: null }, this.sums, Write.store, this.predictions);
  }

  private get answer(): number {
    return new Uint8Array(this.memory.buffer, this.predictions, 1)[0];
  }
}
