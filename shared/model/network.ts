/**
 * A model laid out in memory for one thread: forward and backward passes over one micro-batch at a time, as a fixed
 * sequence of operations (E2).
 *
 * What this is not: a graph or an autograd, and it knows no kind of layer. A network is a chain of layers
 * (layers/layer.ts), and the loops below are the whole of backpropagation (Rumelhart, Hinton and Williams 1986).
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
  type WriteCode,
} from '../arithmetic/kernels.js';
import { assert } from '../assert.js';
import { scoreFloats } from '../work/kinds.js';
import { type Chain, chainOf, type Link } from './chain.js';
import { Place } from './layers/layer.js';
import type { Model } from './model.js';
import { inputWidth, outputsOf, parametersOf } from './parameters.js';

/** What a pass reads: regions of the kernels' memory that several threads may share. */
export interface Operands {
  /** Addresses of the samples' records (`Kernels.keep`), uint32. */
  readonly records: Pointer;
  /** Labels of the samples, one byte each, below the model's number of outputs. */
  readonly labels: Pointer;
  /** `parameterCount` floats. */
  readonly weights: Pointer;
  /** `transposedFloats` floats, filled by `transposeWeights` from these weights. Evaluation does not read them. */
  readonly transposed: Pointer;
}

/** A layer with the addresses that belong to it. */
interface PlacedLayer extends Link {
  readonly place: Place;
  readonly activation: ActivationCode;
}

/** Floats of the transposed weights of every layer but the first, whose input needs no gradient. */
export function transposedFloats(chain: Chain): number {
  const { layer, transposedAt } = chain[chain.length - 1];
  return chain.length === 1 ? 0 : transposedAt + layer.transposedFloats;
}

/** Fills `transposed` from `weights`: once per machine whenever the weights have changed, before any gradient. */
export function transposeWeights(kernels: Kernels, chain: Chain, weights: Pointer, transposed: Pointer): void {
  for (let n = 1; n < chain.length; n++) {
    const { layer, offset, transposedAt } = chain[n];
    layer.transpose(kernels, weights + 4 * offset, transposed + 4 * transposedAt);
  }
}

/** One thread's network. Holds no samples and no weights: each call says where they are. */
export class Network {
  readonly kernels: Kernels;
  /** Length of a partial gradient, with the score at its end. */
  readonly partialFloats: number;
  private readonly loss: LossCode;
  private readonly layers: readonly PlacedLayer[];
  /** The micro-batch's samples, as `gather` packs them. */
  private readonly packed: Pointer;
  private readonly rowLabels: Pointer;
  /** The gradient at a layer's outputs, and the one at its inputs: they change roles from layer to layer. */
  private readonly deltas: readonly [Pointer, Pointer];
  private readonly scratch: Pointer;
  private readonly pixels: number;
  private readonly classes: number;

  /** Bytes of the region that a network needs for itself, for micro-batches of at most `rowsMax` samples. */
  static bytesNeeded(model: Model, rowsMax: number, sizes: KernelSizes, chain = chainOf(model)): number {
    return new Region(0, inputWidth(model), chain, rowsMax, sizes).end;
  }

  /**
   * `base` is the start of a region of `bytesNeeded` bytes in `memory`, a multiple of 16. `sizes` are those of the
   * memory's backend. `model` has passed `invalidModel`; `chain` are its layers, where the caller has them already.
   */
  constructor(
    memory: KernelMemory,
    sizes: KernelSizes,
    model: Model,
    private readonly rowsMax: number,
    base: Pointer,
    chain = chainOf(model),
  ) {
    assert(base % 16 === 0, 'a network starts at a multiple of 16 bytes');
    this.kernels = memory.kernels;
    this.partialFloats = parametersOf(chain) + scoreFloats;
    this.loss = Loss[model.loss];
    this.pixels = inputWidth(model);
    this.classes = outputsOf(chain);
    const region = new Region(base, this.pixels, chain, rowsMax, sizes);
    this.layers = region.place(memory);
    this.packed = region.packed;
    this.rowLabels = region.rowLabels;
    this.deltas = region.deltas;
    this.scratch = region.scratch;
  }

  /**
   * Gradient of the loss over one micro-batch, summed over its samples (not divided by their number), written to
   * `partial` as `write` says: `partialFloats` floats. `ids` points at `rows` uint32, the places of the samples.
   */
  gradient(from: Operands, ids: Pointer, rows: number, partial: Pointer, write: WriteCode): void {
    this.forward(from, ids, rows);
    this.outputLoss(rows, this.deltas[0], partial + 4 * (this.partialFloats - scoreFloats), write);
    this.backward(from, rows, partial, write);
  }

  /**
   * Loss and accuracy of one micro-batch: `score` gets the sum of the losses and the number of correct answers (two
   * floats, as `write` says), `predictions` one byte per sample, the class with the largest output.
   */
  evaluate(from: Operands, ids: Pointer, rows: number, score: Pointer, write: WriteCode, predictions: Pointer): void {
    const y = this.forward(from, ids, rows);
    this.outputLoss(rows, this.deltas[0], score, write);
    this.kernels.argmax(y, predictions, rows, this.classes);
  }

  /** Where each layer's outputs lie after a pass: `width` floats for each of the rows. */
  get outputs(): readonly { readonly at: Pointer; readonly width: number }[] {
    return this.layers.map(({ place, width }) => ({ at: place.y, width }));
  }

  /** Fills every layer's outputs and returns the last. */
  private forward(from: Operands, ids: Pointer, rows: number): Pointer {
    assert(rows >= 1 && rows <= this.rowsMax, rows, 'rows in a network for', this.rowsMax);
    const { kernels, layers, packed } = this;
    kernels.gather(from.records, from.labels, this.pixels, ids, rows, packed, this.rowLabels);
    for (const { layer, place, offset } of layers) layer.forward(place, from.weights + 4 * offset, rows);
    return layers[layers.length - 1].place.y;
  }

  private outputLoss(rows: number, delta: Pointer, score: Pointer, write: WriteCode): void {
    const { activation, place } = this.layers[this.layers.length - 1];
    const { loss, rowLabels, classes, scratch } = this;
    this.kernels.outputLoss(loss, activation, place.y, rowLabels, delta, score, rows, classes, write, scratch);
  }

  /** From the last layer to the first: its parameters' gradient, then the gradient before the layer in front of it. */
  private backward(from: Operands, rows: number, partial: Pointer, write: WriteCode): void {
    let [delta, deltaIn] = this.deltas;
    for (let n = this.layers.length - 1; n >= 0; n--) {
      const { layer, place, offset, transposedAt } = this.layers[n];
      layer.parameterGradient(place, delta, partial + 4 * offset, rows, write);
      if (n === 0) break;
      const before = this.layers[n - 1];
      layer.inputGradient(place, delta, deltaIn, from.transposed + 4 * transposedAt, rows, before.activation);
      if (!layer.carriesBack) carryAllBack(before, rows, deltaIn);
      [delta, deltaIn] = [deltaIn, delta];
    }
  }
}

/** Carries a gradient back through the activation of the layer whose outputs it stands at. */
function carryAllBack({ activation, place, width }: PlacedLayer, rows: number, delta: Pointer): void {
  if (activation === Activation.linear) return;
  const [y, deltas] = [place.floats(place.y, rows * width), place.floats(delta, rows * width)];
  for (let i = 0; i < y.length; i++) deltas[i] = carryBack(activation, deltas[i], y[i]);
}

/** The addresses of a network's own buffers, one after the other from `base`, each at a multiple of 16 bytes. */
class Region {
  readonly packed: Pointer;
  readonly rowLabels: Pointer;
  readonly deltas: readonly [Pointer, Pointer];
  readonly scratch: Pointer;
  /** First byte after the region. */
  end: Pointer;
  private readonly outputs: readonly Pointer[];

  constructor(
    base: Pointer,
    pixels: number,
    private readonly chain: Chain,
    rowsMax: number,
    sizes: KernelSizes,
  ) {
    this.end = base;
    this.packed = this.claim(4 * sizes.packedFloats(rowsMax, pixels));
    this.rowLabels = this.claim(rowsMax);
    this.outputs = chain.map(({ width }) => this.claim(4 * rowsMax * width));
    const widest = Math.max(...chain.map(({ width }) => width));
    this.deltas = [this.claim(4 * rowsMax * widest), this.claim(4 * rowsMax * widest)];
    this.scratch = this.claim(4 * Math.max(...chain.map(({ layer }) => layer.scratchFloats(rowsMax, sizes))));
  }

  place(memory: KernelMemory): PlacedLayer[] {
    return this.chain.map((link, n) => {
      const x = n === 0 ? this.packed : this.outputs[n - 1];
      const place = new Place(memory, n === 0, x, this.outputs[n], this.scratch);
      return { ...link, place, activation: Activation[link.layer.activation] };
    });
  }

  private claim(bytes: number): Pointer {
    const at = this.end;
    this.end += Math.ceil(bytes / 16) * 16;
    return at;
  }
}
