/**
 * A model laid out in memory for one thread: forward and backward passes over one micro-batch at a time, as a fixed
 * sequence of kernel calls (E2).
 *
 * What this is not: a graph or an autograd. A network is a chain of dense layers, and the loops below are the whole of
 * backpropagation (Rumelhart, Hinton and Williams 1986).
 */

import type { KernelSizes } from '../arithmetic/backend.js';
import { type Kernels, Loss, type LossCode, type Pointer, type WriteCode } from '../arithmetic/kernels.js';
import { assert } from '../assert.js';
import type { Model } from './model.js';
import { type DenseSpan, denseSpans, inputWidth, outputWidth, partialFloats } from './parameters.js';

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
interface PlacedLayer extends DenseSpan {
  /** Activated outputs: rows x outputs floats. */
  readonly y: Pointer;
  /** First float of the transposed weights; the first layer has none. */
  readonly transposedAt: number;
}

/** Floats of the transposed weights: every layer but the first, whose input needs no gradient. */
export function transposedFloats(model: Model): number {
  return denseSpans(model)
    .slice(1)
    .reduce((floats, { inputs, outputs }) => floats + inputs * outputs, 0);
}

/** Fills `transposed` from `weights`: once per machine whenever the weights have changed, before any gradient. */
export function transposeWeights(kernels: Kernels, model: Model, weights: Pointer, transposed: Pointer): void {
  let to = transposed;
  for (const { inputs, outputs, weightAt } of denseSpans(model).slice(1)) {
    kernels.transpose(weights + 4 * weightAt, inputs, outputs, to);
    to += 4 * inputs * outputs;
  }
}

/** One thread's network. Holds no samples and no weights: each call says where they are. */
export class Network {
  /** Length of a partial gradient; its last two floats are the loss sum and the correct count. */
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
  static bytesNeeded(model: Model, rowsMax: number, sizes: KernelSizes): number {
    return new Region(0, model, rowsMax, sizes).end;
  }

  /**
   * `base` is the start of a region of `bytesNeeded` bytes, a multiple of 16. `sizes` are those of the kernels' backend.
   * `model` has passed `invalidModel`.
   */
  constructor(
    readonly kernels: Kernels,
    sizes: KernelSizes,
    model: Model,
    private readonly rowsMax: number,
    base: Pointer,
  ) {
    assert(base % 16 === 0, 'a network starts at a multiple of 16 bytes');
    const region = new Region(base, model, rowsMax, sizes);
    this.partialFloats = partialFloats(model);
    this.loss = Loss[model.loss];
    this.pixels = inputWidth(model);
    this.classes = outputWidth(model);
    this.layers = region.layers;
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
    this.outputLoss(rows, this.deltas[0], partial + 4 * (this.partialFloats - 2), write);
    this.backward(from, rows, partial, write);
  }

  /**
   * Loss and accuracy of one micro-batch: `sums` gets the sum of the losses and the number of correct answers (two
   * floats, as `write` says), `predictions` one byte per sample, the class with the largest output.
   */
  evaluate(from: Operands, ids: Pointer, rows: number, sums: Pointer, write: WriteCode, predictions: Pointer): void {
    const y = this.forward(from, ids, rows);
    this.outputLoss(rows, this.deltas[0], sums, write);
    this.kernels.argmax(y, predictions, rows, this.classes);
  }

  /** Where each layer's outputs lie after a pass: `rows` times as many floats as the layer has neurons. */
  get outputs(): readonly { readonly at: Pointer; readonly width: number }[] {
    return this.layers.map(({ y, outputs }) => ({ at: y, width: outputs }));
  }

  /** Fills every layer's outputs and returns the last. */
  private forward(from: Operands, ids: Pointer, rows: number): Pointer {
    assert(rows >= 1 && rows <= this.rowsMax, rows, 'rows in a network for', this.rowsMax);
    const { kernels, scratch } = this;
    kernels.gather(from.records, from.labels, this.pixels, ids, rows, this.packed, this.rowLabels);
    let x = this.packed;
    for (const [n, { inputs, outputs, activation, weightAt, biasAt, y }] of this.layers.entries()) {
      const w = from.weights + 4 * weightAt;
      const b = from.weights + 4 * biasAt;
      if (n === 0) kernels.inputForward(x, w, b, y, rows, inputs, outputs, activation, scratch);
      else kernels.denseForward(x, w, b, y, rows, inputs, outputs, activation, scratch);
      x = y;
    }
    return x;
  }

  private outputLoss(rows: number, delta: Pointer, sums: Pointer, write: WriteCode): void {
    const { activation, y } = this.layers[this.layers.length - 1];
    const { loss, rowLabels, classes, scratch } = this;
    this.kernels.outputLoss(loss, activation, y, rowLabels, delta, sums, rows, classes, write, scratch);
  }

  /** From the last layer to the first: parameters' gradient, then the gradient at the layer before. */
  private backward(from: Operands, rows: number, partial: Pointer, write: WriteCode): void {
    const { kernels, scratch } = this;
    let [delta, deltaIn] = this.deltas;
    for (let n = this.layers.length - 1; n >= 0; n--) {
      const { inputs, outputs, weightAt, biasAt, transposedAt } = this.layers[n];
      const gw = partial + 4 * weightAt;
      const gb = partial + 4 * biasAt;
      if (n === 0) {
        kernels.inputParameterGradient(this.packed, delta, gw, gb, rows, inputs, outputs, write, scratch);
        break;
      }
      const x = this.layers[n - 1].y;
      kernels.denseParameterGradient(x, delta, gw, gb, rows, inputs, outputs, write, scratch);
      const wT = from.transposed + 4 * transposedAt;
      const { activation } = this.layers[n - 1];
      kernels.denseInputGradient(delta, wT, x, deltaIn, rows, inputs, outputs, activation, scratch);
      [delta, deltaIn] = [deltaIn, delta];
    }
  }
}

/** The addresses of a network's own buffers, one after the other from `base`, each at a multiple of 16 bytes. */
class Region {
  readonly layers: readonly PlacedLayer[];
  readonly packed: Pointer;
  readonly rowLabels: Pointer;
  readonly deltas: readonly [Pointer, Pointer];
  readonly scratch: Pointer;
  /** First byte after the region. */
  end: Pointer;

  constructor(base: Pointer, model: Model, rowsMax: number, sizes: KernelSizes) {
    const spans = denseSpans(model);
    const widest = Math.max(...spans.map(({ outputs }) => outputs));
    this.end = base;
    this.packed = this.take(4 * sizes.packedFloats(rowsMax, inputWidth(model)));
    this.rowLabels = this.take(rowsMax);
    let transposedAt = -spans[0].inputs * spans[0].outputs;
    this.layers = spans.map((span) => {
      const layer = { ...span, y: this.take(4 * rowsMax * span.outputs), transposedAt };
      transposedAt += span.inputs * span.outputs;
      return layer;
    });
    this.deltas = [this.take(4 * rowsMax * widest), this.take(4 * rowsMax * widest)];
    const scratch = spans.map(({ inputs, outputs }) => sizes.scratchFloats(rowsMax, inputs, outputs));
    this.scratch = this.take(4 * Math.max(...scratch));
  }

  private take(bytes: number): Pointer {
    const at = this.end;
    this.end += Math.ceil(bytes / 16) * 16;
    return at;
  }
}
