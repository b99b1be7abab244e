import { activateAll } from '../../arithmetic/activate.js';
import { Activation, type Pointer } from '../../arithmetic/kernels.js';
import { object, oneOf, optional, wholeNumber } from '../../fields.js';
import { limits } from '../../limits.js';
import { elements, type Layer, type LayerKind, type Pass, type Place, type Shape } from './layer.js';
import { Parameterless } from './parameterless.js';
import { extentsOf, Windows, windowMisfit } from './windows.js';

const f = Math.fround;

/** The mean of each window, channel by channel. Windows that would reach over the edge are left out. */
export interface AveragePoolDescription {
  /** Height and width of a window. */
  readonly averagePool: number;
  /** Distance from a window to the next, in both directions. If absent, windows touch. */
  readonly stride?: number;
  readonly activation?: Layer['activation'];
}

export const averagePool: LayerKind<AveragePoolDescription> = {
  check: object<AveragePoolDescription>({
    averagePool: wholeNumber(1, limits.windowMax),
    stride: optional(wholeNumber(1, limits.windowMax)),
    activation: optional(oneOf(...Object.keys(Activation))),
  }),
  misfit: ({ averagePool: size }, input) => windowMisfit(input, size),
  build({ averagePool: size, stride = size, activation = 'linear' }, input) {
    const windows = new Windows(extentsOf(input), { height: size, width: size }, stride);
    return new WindowMeans(windows, windows.output, activation);
  },
};

/** Means of windows. */
export class WindowMeans extends Parameterless {
  private readonly inputs: number;
  private readonly outputs: number;

  constructor(
    private readonly windows: Windows,
    readonly output: Shape,
    override readonly activation: Layer['activation'],
  ) {
    super();
    const { height, width, channels } = windows.image;
    this.inputs = height * width * channels;
    this.outputs = elements(output);
  }

  forward(at: Place, _parameters: Pointer, { rows }: Pass): void {
    const { inputs, outputs, windows } = this;
    const { starts, offsets } = windows.places;
    const { channels } = windows.image;
    const [xs, ys] = [at.floats(at.x, rows * inputs), at.floats(at.y, rows * outputs)];
    const count = f(offsets.length);
    let out = 0;
    for (let sample = 0; sample < xs.length; sample += inputs) {
      for (let w = 0; w < starts.length; w++) {
        const first = sample + starts[w];
        for (let i = first; i < first + channels; i++) {
          let sum = 0;
          for (let k = 0; k < offsets.length; k++) sum = f(sum + xs[i + offsets[k]]);
          ys[out++] = sum / count;
        }
      }
    }
    activateAll(Activation[this.activation], ys);
  }

  inputGradient(at: Place, delta: Pointer, deltaIn: Pointer, _transposed: Pointer, { rows }: Pass): void {
    const { inputs, outputs, windows } = this;
    const { starts, offsets } = windows.places;
    const { channels } = windows.image;
    const [deltas, sums] = [at.floats(delta, rows * outputs), at.floats(deltaIn, rows * inputs).fill(0)];
    const count = f(offsets.length);
    let out = 0;
    for (let sample = 0; sample < sums.length; sample += inputs) {
      for (let w = 0; w < starts.length; w++) {
        const first = sample + starts[w];
        for (let i = first; i < first + channels; i++) {
          const share = f(deltas[out++] / count);
          for (let k = 0; k < offsets.length; k++) sums[i + offsets[k]] += share;
        }
      }
    }
  }
}
