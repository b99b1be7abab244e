import type { KernelSizes } from '../../arithmetic/backend.js';
import {
  Activation,
  type ActivationCode,
  type Kernels,
  type Pointer,
  type WriteCode,
} from '../../arithmetic/kernels.js';
import { object, oneOf, wholeNumber } from '../../fields.js';
import { limits } from '../../limits.js';
import type { Random } from '../../random.js';
import { elements, type Layer, type LayerKind, type LayerTensor, type Pass, type Place, type Shape } from './layer.js';

/** A fully connected layer: y = activation(x W + b). An input of several axes is read as one row. */
export interface DenseDescription {
  /** Number of outputs. */
  readonly dense: number;
  readonly activation: keyof typeof Activation;
}

export const dense: LayerKind<DenseDescription> = {
  check: object<DenseDescription>({
    dense: wholeNumber(1, limits.layerWidthMax),
    activation: oneOf(...Object.keys(Activation)),
  }),
  build: (description, input) => new Dense(description, elements(input)),
};

class Dense implements Layer {
  readonly output: Shape;
  readonly tensors: readonly LayerTensor[];
  readonly activation: DenseDescription['activation'];
  readonly readsPacked = true;
  readonly carriesBack = true;
  readonly transposedFloats: number;
  private readonly outputs: number;
  private readonly code: ActivationCode;
  /** Number of weights: a matrix of inputs x outputs with one row per input. The bias follows it. */
  private readonly biasAt: number;

  constructor(
    { dense: outputs, activation }: DenseDescription,
    private readonly inputs: number,
  ) {
    this.outputs = outputs;
    this.output = [outputs];
    this.activation = activation;
    this.code = Activation[activation];
    this.biasAt = inputs * outputs;
    this.transposedFloats = inputs * outputs;
    this.tensors = [
      { name: 'weight', shape: [inputs, outputs] },
      { name: 'bias', shape: [outputs] },
    ];
  }

  /**
   * Weights uniform in [-bound, bound), biases zero. The bound keeps the variance of the signals about the same from
   * layer to layer: sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010), or sqrt(6 / inputs) before a relu, which
   * halves it (He et al. 2015).
   */
  initialise(parameters: Float32Array, random: Random): void {
    const { inputs, outputs } = this;
    // A float32, so that the product below has at most 48 significant bits and is exact before it is rounded.
    const bound = Math.fround(Math.sqrt(6 / (this.activation === 'relu' ? inputs : inputs + outputs)));
    // 2u - 1 is exact. Storing in a Float32Array rounds the product once.
    for (let i = 0; i < this.biasAt; i++) parameters[i] = (2 * random.uniform() - 1) * bound;
  }

  transpose(kernels: Kernels, parameters: Pointer, transposed: Pointer): void {
    kernels.transpose(parameters, this.inputs, this.outputs, transposed);
  }

  scratchFloats(rows: number, sizes: KernelSizes): number {
    return sizes.scratchFloats(rows, this.inputs, this.outputs);
  }

  forward({ kernels, isFirst, x, y, scratch }: Place, w: Pointer, { rows }: Pass): void {
    const { inputs, outputs, code } = this;
    const b = w + 4 * this.biasAt;
    if (isFirst) kernels.inputForward(x, w, b, y, rows, inputs, outputs, code, scratch);
    else kernels.denseForward(x, w, b, y, rows, inputs, outputs, code, scratch);
  }

  parameterGradient(at: Place, delta: Pointer, gw: Pointer, { rows }: Pass, write: WriteCode): void {
    const { kernels, isFirst, x, scratch } = at;
    const { inputs, outputs } = this;
    const gb = gw + 4 * this.biasAt;
    if (isFirst) kernels.inputParameterGradient(x, delta, gw, gb, rows, inputs, outputs, write, scratch);
    else kernels.denseParameterGradient(x, delta, gw, gb, rows, inputs, outputs, write, scratch);
  }

  inputGradient(
    { kernels, x, scratch }: Place,
    delta: Pointer,
    deltaIn: Pointer,
    transposed: Pointer,
    { rows }: Pass,
    through: ActivationCode,
  ): void {
    kernels.denseInputGradient(delta, transposed, x, deltaIn, rows, this.inputs, this.outputs, through, scratch);
  }
}
