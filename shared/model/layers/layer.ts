/**
 * What a layer is: the contract between a network and the layers of its chain. One file in this folder is one kind of
 * layer, and a line in layers.ts makes it known.
 *
 * A layer may call kernels, or compute in plain loops over views of the memory. In loops, every operation on float32 is
 * rounded by Math.fround, or by the assignment to a Float32Array (E2). Such loops give the same bits on every engine.
 * Plain + - * / and Math.sqrt are allowed; Math.exp and its like are not.
 *
 * Where the gradient stands: a layer may end with a fused `activation`. The delta that a layer receives stands before
 * its activation. So whoever computes the delta has carried it back through that activation: the loss for the last
 * layer, and for every other layer the layer behind it, or the network (`carriesBack`).
 */

import type { KernelMemory, KernelSizes } from '../../arithmetic/backend.js';
import type { Activation, ActivationCode, Kernels, Pointer, WriteCode } from '../../arithmetic/kernels.js';
import type { Check } from '../../fields.js';
import type { Random } from '../../random.js';

/** Extents of one sample somewhere in the chain: [28, 28], or [128]. Its floats are in row-major order. */
export type Shape = readonly number[];

/** One tensor of a layer's parameters. */
export interface LayerTensor {
  /** Within the layer: 'weight'. */
  readonly name: string;
  readonly shape: readonly number[];
}

/** A kind of layer: how it is described, and what a description makes. */
export interface LayerKind<Description> {
  /** Checks a description. Its fields are all that the layer may depend on, besides the shape of its input. */
  readonly check: Check;
  /**
   * Whether it may be the first layer, whose input is the images as `gather` packs them. Only a backend's own kernels
   * can read that form. A model that begins with another kind of layer is refused.
   */
  readonly takesImages: boolean;
  /** The layer for samples of the shape `input`. The description has passed `check`. Allocates nothing large. */
  build(description: Description, input: Shape): Layer;
}

/** One layer of a model. It holds no memory: a network tells it where everything lies. */
export interface Layer {
  /** Shape of what it makes of one sample. */
  readonly output: Shape;
  /** In the order in which they lie in the flat vector, without gaps. */
  readonly tensors: readonly LayerTensor[];
  /** The element-wise function that its forward pass ends with; 'linear' if there is none. */
  readonly activation: keyof typeof Activation;
  /** Whether `inputGradient` also carries the gradient back through `through`. If not, the network does it. */
  readonly carriesBack: boolean;
  /** Floats that it keeps of its parameters in another form, for `inputGradient`. */
  readonly transposedFloats: number;

  /** Sets the first parameters. They are +0 before. */
  initialise(parameters: Float32Array, random: Random): void;
  /** Fills `transposed` from the parameters: once per machine whenever the weights have changed. */
  transpose(kernels: Kernels, parameters: Pointer, transposed: Pointer): void;
  /** Floats of `Place.scratch` that its kernels may use. */
  scratchFloats(rows: number, sizes: KernelSizes): number;

  /** y = what the layer makes of x. */
  forward(at: Place, parameters: Pointer, rows: number): void;
  /** Gradient of its parameters, laid out as they are. `write` says: over what is there, or added to it. */
  parameterGradient(at: Place, delta: Pointer, gradient: Pointer, rows: number, write: WriteCode): void;
  /**
   * The gradient at x, into `deltaIn`. `through` is the activation of the layer before, which made x. The first layer
   * is never asked.
   */
  inputGradient(
    at: Place,
    delta: Pointer,
    deltaIn: Pointer,
    transposed: Pointer,
    rows: number,
    through: ActivationCode,
  ): void;
}

/** Where one layer of a network finds what it works on. */
export class Place {
  readonly kernels: Kernels;

  constructor(
    private readonly memory: KernelMemory,
    /** Whether the layer is the first one, and x is images as `gather` packs them. */
    readonly isFirst: boolean,
    /** Its input: the outputs of the layer before, `rows` samples one after the other. */
    readonly x: Pointer,
    /** Its outputs. Both stay as they are from the forward pass until the backward pass. */
    readonly y: Pointer,
    readonly scratch: Pointer,
  ) {
    this.kernels = memory.kernels;
  }

  /** A view of `count` floats. Not to be kept: the memory may grow. */
  floats(at: Pointer, count: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, count);
  }
}

/** Floats of one sample of a shape. */
export function elements(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
