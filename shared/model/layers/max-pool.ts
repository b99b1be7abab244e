import { Activation, type ActivationCode, type Pointer } from '../../arithmetic/kernels.js';
import { object, oneOf, optional, wholeNumber } from '../../fields.js';
import { limits } from '../../limits.js';
import { elements, type Layer, type LayerKind, type Pass, type Place, type Shape } from './layer.js';
import { Parameterless } from './parameterless.js';
import { type Extents, extentsOf, Windows, windowMisfit } from './windows.js';

/** The largest value of each window, channel by channel. Windows that would reach over the edge are left out. */
export interface MaxPoolDescription {
  /** Height and width of a window. */
  readonly maxPool: number;
  /** Distance from a window to the next, in both directions. If absent, windows touch. */
  readonly stride?: number;
  readonly activation?: Layer['activation'];
}

export const maxPool: LayerKind<MaxPoolDescription> = {
  check: object<MaxPoolDescription>({
    maxPool: wholeNumber(1, limits.maxPoolMax),
    stride: optional(wholeNumber(1, limits.windowMax)),
    activation: optional(oneOf(...Object.keys(Activation))),
  }),
  misfit: ({ maxPool: size }, input) => windowMisfit(input, size),
  build: ({ maxPool: size, stride = size, activation = 'linear' }, input) =>
    new MaxPool(size, stride, activation, input),
};

class MaxPool extends Parameterless {
  readonly output: Shape;
  override readonly carriesBack = true;
  private readonly image: Extents;
  private readonly outputs: number;

  constructor(
    private readonly size: number,
    private readonly stride: number,
    override readonly activation: Layer['activation'],
    input: Shape,
  ) {
    super();
    this.image = extentsOf(input);
    this.output = new Windows(this.image, { height: size, width: size }, stride).output;
    this.outputs = elements(this.output);
  }

  /** For each output, a byte: the number of the input in its window that it comes from. */
  keptFloats(rows: number): number {
    return Math.ceil((rows * this.outputs) / 4);
  }

  forward({ kernels, x, y, kept }: Place, _parameters: Pointer, { rows }: Pass): void {
    const { size, stride, activation } = this;
    const { height, width, channels } = this.image;
    kernels.maxPoolForward(x, y, kept, rows, height, width, channels, size, stride, Activation[activation]);
  }

  inputGradient(
    { kernels, x, kept }: Place,
    delta: Pointer,
    deltaIn: Pointer,
    _transposed: Pointer,
    { rows }: Pass,
    through: ActivationCode,
  ): void {
    const { size, stride } = this;
    const { height, width, channels } = this.image;
    kernels.maxPoolInputGradient(delta, kept, x, deltaIn, rows, height, width, channels, size, stride, through);
  }
}
