import type { KernelSizes } from '../../arithmetic/backend.js';
import { type ConvSizes, positionsAlong } from '../../arithmetic/conv-sizes.js';
import {
  Activation,
  type ActivationCode,
  type Kernels,
  type Pointer,
  type WriteCode,
} from '../../arithmetic/kernels.js';
import { object, oneOf, optional, wholeNumber } from '../../fields.js';
import { limits } from '../../limits.js';
import type { Random } from '../../random.js';
import { checkInitial, drawWeights, type Initial, initialOf } from './initial.js';
import { elements, type Layer, type LayerKind, type LayerTensor, type Pass, type Place, type Shape } from './layer.js';

/**
 * A convolution with a square kernel: at each position of the image, the same dense layer over the inputs that the kernel
 * covers. An input of shape [height, width] has one channel. The output has the shape [height, width, outputs].
 */
export interface Conv2dDescription {
  /** Number of outputs at each position. */
  readonly conv2d: number;
  /** Extent of the kernel along both axes. */
  readonly kernel: number;
  /** Distance of two positions; 1 if absent. */
  readonly stride?: number;
  /** Positions on each side of the image that count as 0; 0 if absent. */
  readonly padding?: number;
  readonly activation: keyof typeof Activation;
  /** How the first weights are drawn. By default, as suits the activation: "he" before a relu, else "glorot". */
  readonly initial?: Initial;
}

export const conv2d: LayerKind<Conv2dDescription> = {
  check: object<Conv2dDescription>({
    conv2d: wholeNumber(1, limits.layerWidthMax),
    kernel: wholeNumber(1, limits.windowMax),
    stride: optional(wholeNumber(1, limits.windowMax)),
    padding: optional(wholeNumber(0, limits.windowMax)),
    activation: oneOf(...Object.keys(Activation)),
    initial: checkInitial,
  }),
  misfit,
  build: (description, input) => new Conv2d(description, sizesOf(description, input)),
};

function sizesOf({ conv2d: outputs, kernel, stride = 1, padding = 0 }: Conv2dDescription, input: Shape): ConvSizes {
  const [height, width, channels = 1] = input;
  return { height, width, channels, kernel, stride, padding, outputs };
}

function misfit(description: Conv2dDescription, input: Shape): string | null {
  const shape = `[${input.join(', ')}]`;
  if (input.length !== 2 && input.length !== 3) {
    return `takes images of [height, width, channels], but its input is ${shape}`;
  }
  const { height, width, channels, kernel, padding, outputs } = sizesOf(description, input);
  const [tall, wide] = [height + 2 * padding, width + 2 * padding];
  if (kernel > Math.min(tall, wide)) {
    return `has a kernel of ${kernel} x ${kernel}, which is larger than its input of ${shape} with a padding of ${padding}`;
  }
  const backward = (height + kernel - 1) * (width + kernel - 1) * outputs;
  const padded = Math.max(tall * wide * channels, backward);
  if (padded <= limits.paddedWidthMax) return null;
  return `has an input of ${shape}, which becomes ${padded} numbers with padding, more than ${limits.paddedWidthMax}`;
}

class Conv2d implements Layer {
  readonly output: Shape;
  readonly tensors: readonly LayerTensor[];
  readonly activation: Conv2dDescription['activation'];
  readonly carriesBack = true;
  readonly transposedFloats: number;
  private readonly code: ActivationCode;
  private readonly initial: Initial;
  /** Number of weights: kernel x kernel x channels x outputs. The bias follows them. */
  private readonly weights: number;

  constructor(
    description: Conv2dDescription,
    private readonly sizes: ConvSizes,
  ) {
    const { height, width, channels, kernel, outputs } = sizes;
    const weight = [kernel, kernel, channels, outputs];
    this.activation = description.activation;
    this.code = Activation[description.activation];
    this.initial = initialOf(description);
    this.output = [positionsAlong(height, sizes), positionsAlong(width, sizes), outputs];
    this.weights = elements(weight);
    this.transposedFloats = this.weights;
    this.tensors = [
      { name: 'weight', shape: weight },
      { name: 'bias', shape: [outputs] },
    ];
  }

  /** The biases stay zero. */
  initialise(parameters: Float32Array, random: Random): void {
    const { kernel, channels, outputs } = this.sizes;
    const places = kernel * kernel;
    drawWeights(parameters.subarray(0, this.weights), this.initial, places * channels, places * outputs, random);
  }

  /** Each row of the kernel is a matrix of (kernel * channels) x outputs, which is transposed. */
  transpose(kernels: Kernels, parameters: Pointer, transposed: Pointer): void {
    const { kernel, channels, outputs } = this.sizes;
    const bytes = 4 * kernel * channels * outputs;
    for (let ky = 0; ky < kernel; ky++) {
      kernels.transpose(parameters + ky * bytes, kernel * channels, outputs, transposed + ky * bytes);
    }
  }

  scratchFloats(_rows: number, sizes: KernelSizes): number {
    return sizes.convScratchFloats(this.sizes);
  }

  forward({ kernels, x, y, scratch }: Place, w: Pointer, { rows }: Pass): void {
    const { height, width, channels, kernel, stride, padding, outputs } = this.sizes;
    const b = w + 4 * this.weights;
    kernels.convForward(
      x,
      w,
      b,
      y,
      rows,
      height,
      width,
      channels,
      kernel,
      stride,
      padding,
      outputs,
      this.code,
      scratch,
    );
  }

  parameterGradient(at: Place, delta: Pointer, gw: Pointer, { rows }: Pass, write: WriteCode): void {
    const { kernels, x, scratch } = at;
    const { height, width, channels, kernel, stride, padding, outputs } = this.sizes;
    const gb = gw + 4 * this.weights;
    kernels.convParameterGradient(
      x,
      delta,
      gw,
      gb,
      rows,
      height,
      width,
      channels,
      kernel,
      stride,
      padding,
      outputs,
      write,
      scratch,
    );
  }

  inputGradient(
    { kernels, x, scratch }: Place,
    delta: Pointer,
    deltaIn: Pointer,
    transposed: Pointer,
    { rows }: Pass,
    through: ActivationCode,
  ): void {
    const { height, width, channels, kernel, stride, padding, outputs } = this.sizes;
    kernels.convInputGradient(
      delta,
      transposed,
      x,
      deltaIn,
      rows,
      height,
      width,
      channels,
      kernel,
      stride,
      padding,
      outputs,
      through,
      scratch,
    );
  }
}
