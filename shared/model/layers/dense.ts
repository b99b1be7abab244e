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
import { checkInitial, drawWeights, type Initial, initialOf } from './initial.js';
import { elements, type Layer, type LayerKind, type LayerTensor, type Pass, type Place, type Shape } from './layer.js';

/** A fully connected layer: y = activation(x W + b). An input of several axes is read as one row. */
export interface DenseDescription {
  /** Number of outputs. */
  readonly dense: number;
  readonly activation: keyof typeof Activation;
  /** How the first weights are drawn. By default, as suits the activation: "he" before a relu, else "glorot". */
  readonly initial?: Initial;
}

export const dense: LayerKind<DenseDescription> = {
  check: object<DenseDescription>({
    dense: wholeNumber(1, limits.layerWidthMax),
    activation: oneOf(...Object.keys(Activation)),
    initial: checkInitial,
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
  private readonly initial: Initial;
  /** Number of weights: a matrix of inputs x outputs with one row per input. The bias follows it. */
  private readonly biasAt: number;

  constructor(
    description: DenseDescription,
    private readonly inputs: number,
  ) {
    const { dense: outputs, activation } = description;
    this.outputs = outputs;
    this.output = [outputs];
    this.activation = activation;
    this.code = Activation[activation];
    this.initial = initialOf(description);
    this.biasAt = inputs * outputs;
    this.transposedFloats = inputs * outputs;
    this.tensors = [
      { name: 'weight', shape: [inputs, outputs] },
      { name: 'bias', shape: [outputs] },
    ];
  }

  /** The biases stay zero. */
  initialise(parameters: Float32Array, random: Random): void {
    drawWeights(parameters.subarray(0, this.biasAt), this.initial, this.inputs, this.outputs, random);
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
