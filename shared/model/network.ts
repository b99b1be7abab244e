/**
 * A model with its buffers, for one thread. It computes forward and backward passes over one micro-batch at a time, as a
 * fixed sequence of operations (E2).
 *
 * What this is not: a graph with automatic differentiation. A network is a chain of layers (layers/layer.ts), and it knows
 * no kind of layer. The two loops below are all of backpropagation (Rumelhart, Hinton and Williams 1986).
 */

import type { KernelMemory, KernelSizes } from '../arithmetic/backend.js';
import { carryBack } from '../arithmetic/carry-back.js';
import {
  Activation,
  type ActivationCode,
  type Kernels,
  Loss,
  type LossCode,
  type Pointer,
  Write,
  type WriteCode,
} from '../arithmetic/kernels.js';
import { assert } from '../assert.js';
import type { AugmentDescription } from '../data/augment.js';
import { scoreFloats } from '../work/kinds.js';
import { Augmenter } from './augmenter.js';
import { type Chain, chainOf, type Link } from './chain.js';
import { type Coding, quantise } from './coding.js';
import { type Pass, Place } from './layers/layer.js';
import type { Model } from './model.js';
import { inputWidth, outputsOf, parametersOf } from './parameters.js';
import { smoothTargets } from './smoothing.js';

/** The inputs of a pass: addresses in the memory, which several threads may share. */
export interface Operands {
  /** Addresses of the samples' records (`Kernels.keep`), uint32. */
  readonly records: Pointer;
  /** Labels of the samples, one byte each, below the model's number of outputs. */
  readonly labels: Pointer;
  /** `parameterCount` floats. */
  readonly weights: Pointer;
  /** `transposedFloats` floats, which `transposeWeights` has filled from these weights. Evaluation does not read them. */
  readonly transposed: Pointer;
}

/** What decides the buffers of a network. */
export interface NetworkLayout {
  /** It has passed `invalidModel`. */
  readonly model: Model;
  /** Those of the backend of the memory. */
  readonly sizes: KernelSizes;
  /** Samples of a micro-batch at most. */
  readonly rowsMax: number;
  /** The chain of the model, from a caller that has it. */
  readonly chain?: Chain;
  /** How training passes distort their samples. Undefined: they do not. */
  readonly augment?: AugmentDescription | undefined;
}

export interface NetworkParts extends NetworkLayout {
  readonly memory: KernelMemory;
  /** The start of a region of `bytesNeeded` bytes in the memory, a multiple of 16. */
  readonly base: Pointer;
  /** The label smoothing of the training; by default 0, which is none. Evaluations are not smoothed. */
  readonly smoothing?: number | undefined;
}

/** A layer of the chain with its addresses. */
interface PlacedLayer extends Link {
  readonly place: Place;
  readonly activation: ActivationCode;
}

/** Number of floats of the transposed weights. The first layer has none, because its input needs no gradient. */
export function transposedFloats(chain: Chain): number {
  const { layer, transposedAt } = chain[chain.length - 1];
  return chain.length === 1 ? 0 : transposedAt + layer.transposedFloats;
}

/** Fills `transposed` from `weights`. Call it once per machine whenever the weights have changed, before any gradient. */
export function transposeWeights(kernels: Kernels, chain: Chain, weights: Pointer, transposed: Pointer): void {
  for (let n = 1; n < chain.length; n++) {
    const { layer, offset, transposedAt } = chain[n];
    layer.transpose(kernels, weights + 4 * offset, transposed + 4 * transposedAt);
  }
}

/** One thread's network. It has no samples and no weights: each call passes their addresses. */
export class Network {
  readonly kernels: Kernels;
  /** Length of a partial gradient, which ends with a score. */
  readonly partialFloats: number;
  private readonly memory: KernelMemory;
  private readonly rowsMax: number;
  private readonly smoothing: number;
  private readonly loss: LossCode;
  private readonly layers: readonly PlacedLayer[];
  /** The micro-batch's samples, as `gather` packs them. */
  private readonly packed: Pointer;
  /** The samples as plain floats, if the first layer reads them so. */
  private readonly images: Pointer | null;
  private readonly rowLabels: Pointer;
  /** The gradients at a layer's outputs and at its inputs. The two buffers change roles from layer to layer. */
  private readonly deltas: readonly [Pointer, Pointer];
  private readonly scratch: Pointer;
  /** A micro-batch's score, before it is smoothed. */
  private readonly score: Pointer;
  private readonly pixels: number;
  private readonly classes: number;
  /** Distorts the samples of training passes. Null if the run distorts none. */
  private readonly augmenter: Augmenter | null;

  /** Size of the region for a network's own buffers. */
  static bytesNeeded({ model, sizes, rowsMax, chain = chainOf(model), augment }: NetworkLayout): number {
    const { end } = new Region(0, inputWidth(model), chain, rowsMax, sizes);
    return augment === undefined ? end : end + Augmenter.bytesNeeded(model.input, rowsMax, sizes);
  }

  constructor(parts: NetworkParts) {
    const { memory, model, sizes, rowsMax, base, chain = chainOf(model), augment, smoothing = 0 } = parts;
    assert(base % 16 === 0, 'a network starts at a multiple of 16 bytes');
    this.memory = memory;
    this.rowsMax = rowsMax;
    this.smoothing = smoothing;
    this.kernels = memory.kernels;
    this.partialFloats = parametersOf(chain) + scoreFloats;
    this.loss = Loss[model.loss];
    this.pixels = inputWidth(model);
    this.classes = outputsOf(chain);
    const region = new Region(base, this.pixels, chain, rowsMax, sizes);
    this.layers = region.place(memory);
    this.packed = region.packed;
    this.images = region.images;
    this.rowLabels = region.rowLabels;
    this.deltas = region.deltas;
    this.scratch = region.scratch;
    this.augmenter =
      augment === undefined ? null : new Augmenter(memory, sizes, augment, model.input, rowsMax, region.end);
    this.score = region.score;
  }

  /**
   * Computes the partial gradient of one micro-batch: the gradient of the loss, summed over the samples and not divided by
   * their number, and the score. It replaces the `partialFloats` floats at `partial` or is added to them, as `write` says.
   */
  gradient(from: Operands, pass: Pass, partial: Pointer, write: WriteCode): void {
    this.forward(from, pass);
    const score = partial + 4 * (this.partialFloats - scoreFloats);
    if (this.smoothing === 0) this.outputLoss(pass.rows, this.deltas[0], score, write);
    else this.smoothedLoss(pass.rows, this.deltas[0], score, write);
    this.backward(from, pass, partial, write);
  }

  /** Quantises a partial gradient. Its score stays as it is. */
  quantise(coding: Coding, partial: Pointer): void {
    quantise(this.memory, coding, partial, this.partialFloats - scoreFloats);
  }

  /**
   * Evaluates one micro-batch. `score` gets the sum of the losses and the number of correct answers, as `write` says.
   * `predictions` gets one byte per sample: the class with the largest output.
   */
  evaluate(from: Operands, pass: Pass, score: Pointer, write: WriteCode, predictions: Pointer): void {
    const y = this.forward(from, pass);
    this.outputLoss(pass.rows, this.deltas[0], score, write);
    this.kernels.argmax(y, predictions, pass.rows, this.classes);
  }

  /** The outputs of each layer after a pass: `width` floats per sample. */
  get outputs(): readonly { readonly at: Pointer; readonly width: number }[] {
    return this.layers.map(({ place, width }) => ({ at: place.y, width }));
  }

  /** Fills the outputs of every layer, and returns those of the last. */
  private forward(from: Operands, pass: Pass): Pointer {
    assert(pass.rows >= 1 && pass.rows <= this.rowsMax, pass.rows, 'rows in a network for', this.rowsMax);
    const { layers } = this;
    this.gather(from, pass);
    for (const { layer, place, offset } of layers) layer.forward(place, from.weights + 4 * offset, pass);
    return layers[layers.length - 1].place.y;
  }

  /** Fetches the samples. A training pass may distort them. */
  private gather(from: Operands, pass: Pass): void {
    const { kernels, augmenter, packed, images, rowLabels, pixels } = this;
    if (augmenter !== null && pass.moment !== null) augmenter.gather(from, pass, pass.moment, packed, rowLabels);
    else kernels.gather(from.records, from.labels, pixels, pass.ids, pass.rows, packed, rowLabels);
    if (images !== null) kernels.unpack(packed, pixels, pass.rows, images);
  }

  private outputLoss(rows: number, delta: Pointer, score: Pointer, write: WriteCode): void {
    const { activation, place } = this.layers[this.layers.length - 1];
    const { loss, rowLabels, classes, scratch } = this;
    this.kernels.outputLoss(loss, activation, place.y, rowLabels, delta, score, rows, classes, write, scratch);
  }

  /** The score of the micro-batch is added as a whole, as by the kernel. */
  private smoothedLoss(rows: number, delta: Pointer, score: Pointer, write: WriteCode): void {
    const { memory, classes, layers } = this;
    this.outputLoss(rows, delta, this.score, Write.store);
    const floats = (at: Pointer, count: number) => new Float32Array(memory.buffer, at, count);
    const labels = new Uint8Array(memory.buffer, this.rowLabels, rows);
    const y = floats(layers[layers.length - 1].place.y, rows * classes);
    const own = floats(this.score, scoreFloats);
    own[0] += smoothTargets(this.smoothing, y, labels, floats(delta, rows * classes));
    if (write === Write.store) floats(score, scoreFloats).set(own);
    else this.kernels.add(score, this.score, score, scoreFloats);
  }

  /** From the last layer to the first: the gradient of its parameters, then the delta of the layer before. */
  private backward(from: Operands, pass: Pass, partial: Pointer, write: WriteCode): void {
    let [delta, deltaIn] = this.deltas;
    for (let n = this.layers.length - 1; n >= 0; n--) {
      const { layer, place, offset, transposedAt } = this.layers[n];
      layer.parameterGradient(place, delta, partial + 4 * offset, pass, write);
      if (n === 0) break;
      const before = this.layers[n - 1];
      layer.inputGradient(place, delta, deltaIn, from.transposed + 4 * transposedAt, pass, before.activation);
      if (!layer.carriesBack) carryAllBack(before, pass.rows, deltaIn);
      [delta, deltaIn] = [deltaIn, delta];
    }
  }
}

/** Turns the gradient at a layer's outputs into the gradient before its activation. */
function carryAllBack({ activation, place, width }: PlacedLayer, rows: number, delta: Pointer): void {
  if (activation === Activation.linear) return;
  const [y, deltas] = [place.floats(place.y, rows * width), place.floats(delta, rows * width)];
  for (let i = 0; i < y.length; i++) deltas[i] = carryBack(activation, deltas[i], y[i]);
}

/** Lays out a network's own buffers from `base` on, each at a multiple of 16 bytes. */
class Region {
  readonly packed: Pointer;
  readonly images: Pointer | null;
  readonly rowLabels: Pointer;
  readonly deltas: readonly [Pointer, Pointer];
  readonly scratch: Pointer;
  readonly score: Pointer;
  /** First byte after the region. */
  end: Pointer;
  private readonly outputs: readonly Pointer[];
  private readonly kept: readonly Pointer[];

  constructor(
    base: Pointer,
    pixels: number,
    private readonly chain: Chain,
    rowsMax: number,
    sizes: KernelSizes,
  ) {
    this.end = base;
    this.packed = this.claim(4 * sizes.packedFloats(rowsMax, pixels));
    this.images = chain[0].layer.readsPacked ? null : this.claim(4 * rowsMax * pixels);
    this.rowLabels = this.claim(rowsMax);
    this.score = this.claim(4 * scoreFloats);
    this.outputs = chain.map(({ width }) => this.claim(4 * rowsMax * width));
    const widest = Math.max(...chain.map(({ width }) => width));
    this.deltas = [this.claim(4 * rowsMax * widest), this.claim(4 * rowsMax * widest)];
    this.kept = chain.map(({ layer }) => this.claim(4 * (layer.keptFloats?.(rowsMax) ?? 0)));
    this.scratch = this.claim(4 * Math.max(...chain.map(({ layer }) => layer.scratchFloats(rowsMax, sizes))));
  }

  place(memory: KernelMemory): PlacedLayer[] {
    return this.chain.map((link, n) => {
      const x = n === 0 ? (this.images ?? this.packed) : this.outputs[n - 1];
      const place = new Place(memory, n, x, this.outputs[n], this.scratch, this.kept[n]);
      return { ...link, place, activation: Activation[link.layer.activation] };
    });
  }

  private claim(bytes: number): Pointer {
    const at = this.end;
    this.end += Math.ceil(bytes / 16) * 16;
    return at;
  }
}
