/**
 * The contract between a network and the layers of its chain. Each file beside this one and layers.ts is one kind of
 * layer, and a line in layers.ts makes the kind known.
 *
 * How a layer computes: it calls kernels, or it loops over views of the memory. In a loop, every result of + - * / and
 * Math.sqrt is rounded to float32, by Math.fround or by storing it in a Float32Array (E2). Then the loop gives the same
 * bits on every engine. Math.exp and other inexact functions are not allowed.
 *
 * Where the gradient stands: a layer may end with a fused `activation`. The delta that a layer gets is the gradient
 * before that activation. The loss computes this delta for the last layer. For any other layer, the next layer computes
 * it; if that layer does not know activations, the network does the last step for it (see `carriesBack`).
 */

import type { KernelMemory, KernelSizes } from '../../arithmetic/backend.js';
import type { Activation, ActivationCode, Kernels, Pointer, WriteCode } from '../../arithmetic/kernels.js';
import type { Check } from '../../fields.js';
import type { Random } from '../../random.js';

/** The extents of one sample between two layers: [28, 28], or [128]. Its floats are in row-major order. */
export type Shape = readonly number[];

/** One tensor of a layer's parameters. */
export interface LayerTensor {
  /** Its name within the layer, such as 'weight'. */
  readonly name: string;
  readonly shape: readonly number[];
  /**
   * A statistic is no weight: it is a running mean over the steps. Its "gradient" is a figure of the micro-batch, summed
   * over the samples, and the update moves it towards the mean of that (optimizer/statistics.ts).
   */
  readonly isStatistic?: boolean;
}

/** What the random choices of a training pass depend on, besides the layer and the sample. */
export interface Moment {
  /** The seed of the run, a uint32. */
  readonly seed: number;
  /** Every sample is used once in an epoch, so a seed, an epoch and a sample name one use of it. */
  readonly epoch: number;
}

/** One micro-batch on its way through a network: the same for all layers. */
export interface Pass {
  readonly rows: number;
  /** The numbers of the samples, `rows` uint32. */
  readonly ids: Pointer;
  /** Null in an evaluation. Some layers compute otherwise there, and no backward pass follows. */
  readonly moment: Moment | null;
}

/** A kind of layer: it checks descriptions, and builds a layer from one. */
export interface LayerKind<Description> {
  /** Checks a description. A layer depends on the fields of its description and on the shape of its input alone. */
  readonly check: Check;
  /**
   * Says why a layer of this description cannot take inputs of this shape. The words go on after the name of the layer
   * and name the shape: "takes images, but its input is [128]". Null means that it can take them. A kind that takes every
   * shape leaves this out.
   */
  misfit?(description: Description, input: Shape): string | null;
  /**
   * Builds the layer for inputs of the shape `input`. The description has passed `check`, and the shape `misfit`.
   * Allocates nothing large.
   */
  build(description: Description, input: Shape): Layer;
}

/** One layer of a model. It has no memory: a network passes it all addresses. */
export interface Layer {
  /** Shape of its output for one sample. */
  readonly output: Shape;
  /** Its parameters, in the order of the flat vector, without gaps. Empty for a layer without parameters. */
  readonly tensors: readonly LayerTensor[];
  /**
   * Whether it reads images as `gather` packs them where it is the first layer. Only kernels of the backend can read that
   * form. For a first layer that does not, the network unpacks the images into plain floats.
   */
  readonly readsPacked?: boolean;
  /** The element-wise function at the end of its forward pass, or 'linear' if there is none. */
  readonly activation: keyof typeof Activation;
  /** Whether `inputGradient` also carries the gradient back through `through`. If not, the network does it. */
  readonly carriesBack: boolean;
  /** Length of the copy of its parameters, in another order, that `inputGradient` needs. 0 if it needs none. */
  readonly transposedFloats: number;

  /** Sets the first values of its parameters, which are +0 before. */
  initialise(parameters: Float32Array, random: Random): void;
  /** Fills `transposed` from the parameters. Called once per machine whenever the weights have changed. */
  transpose(kernels: Kernels, parameters: Pointer, transposed: Pointer): void;
  /** Number of floats of `Place.scratch` that its kernels may use. */
  scratchFloats(rows: number, sizes: KernelSizes): number;
  /** Number of floats of `Place.kept`. A layer that keeps nothing leaves this out. */
  keptFloats?(rows: number): number;

  /** Computes the outputs y from the inputs x. */
  forward(at: Place, parameters: Pointer, pass: Pass): void;
  /** Computes the gradient of its parameters, in their layout. It replaces `gradient` or is added to it, as `write` says. */
  parameterGradient(at: Place, delta: Pointer, gradient: Pointer, pass: Pass, write: WriteCode): void;
  /**
   * Computes the gradient at its inputs x into `deltaIn`. `through` is the activation of the layer before, whose outputs
   * are x. Called after `parameterGradient` of the same pass, and never for the first layer.
   */
  inputGradient(
    at: Place,
    delta: Pointer,
    deltaIn: Pointer,
    transposed: Pointer,
    pass: Pass,
    through: ActivationCode,
  ): void;
}

/** The addresses of one layer of a network. */
export class Place {
  readonly kernels: Kernels;

  constructor(
    private readonly memory: KernelMemory,
    /** Number of the layer in the chain, from 0. */
    readonly index: number,
    /** Its inputs: the images or the outputs of the layer before, sample after sample. See also `Layer.readsPacked`. */
    readonly x: Pointer,
    /** Its outputs. Both x and y still have the values of the forward pass in the backward pass. */
    readonly y: Pointer,
    readonly scratch: Pointer,
    /** Space for what the forward pass leaves to the backward pass, besides x and y. */
    readonly kept: Pointer,
  ) {
    this.kernels = memory.kernels;
  }

  get isFirst(): boolean {
    return this.index === 0;
  }

  /** A view of `count` floats. Do not keep it: the memory may grow. */
  floats(at: Pointer, count: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, count);
  }

  /** The same for the numbers of samples. */
  uint32s(at: Pointer, count: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, at, count);
  }

  bytes(at: Pointer, count: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, count);
  }
}

/** Floats of one sample of a shape. */
export function elements(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
