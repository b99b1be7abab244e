import { activateAll } from '../../arithmetic/activate.js';
import { Activation, type Kernels, type Pointer, Write, type WriteCode } from '../../arithmetic/kernels.js';
import { between, object, oneOf, optional } from '../../fields.js';
import { elements, type Layer, type LayerKind, type LayerTensor, type Pass, type Place, type Shape } from './layer.js';

const f = Math.fround;

/**
 * Moves and scales each channel to mean 0 and variance 1, and then by a learned scale and shift (Ioffe and Szegedy 2015).
 * In training, mean and variance are those of the micro-batch, over its samples and positions. So they depend on the
 * size of the micro-batch and not on the fleet. An evaluation uses their running means.
 *
 * The last axis of the input has the channels; an input of [height, width] is one channel.
 */
export interface BatchNormDescription {
  /** Added to each variance, so that no channel is divided by 0. */
  readonly batchNorm: number;
  readonly activation?: Layer['activation'];
}

/** The smallest and the largest number that may be added to a variance. */
const [epsilonMin, epsilonMax] = [1e-10, 1];

export const batchNorm: LayerKind<BatchNormDescription> = {
  check: object<BatchNormDescription>({
    batchNorm: between(epsilonMin, epsilonMax),
    activation: optional(oneOf(...Object.keys(Activation))),
  }),
  build: (description, input) => new BatchNorm(description, input),
};

/** Views of the numbers that the backward pass needs: one per channel, except `normalized`. */
interface Kept {
  /**
   * The gradients of scale and shift, then the means and variances of the micro-batch: one after the other, in the
   * layout of the parameters.
   */
  readonly figures: Float32Array;
  readonly deviations: Float32Array;
  /** (x - mean) / deviation for each input. */
  readonly normalized: Float32Array;
}

class BatchNorm implements Layer {
  readonly activation: Layer['activation'];
  readonly carriesBack = false;
  readonly tensors: readonly LayerTensor[];
  readonly transposedFloats: number;
  private readonly epsilon: number;
  private readonly channels: number;
  private readonly width: number;

  constructor(
    { batchNorm: epsilon, activation = 'linear' }: BatchNormDescription,
    readonly output: Shape,
  ) {
    this.activation = activation;
    this.epsilon = f(epsilon);
    this.width = elements(output);
    const channels = output.length === 2 ? 1 : output[output.length - 1];
    this.channels = channels;
    this.transposedFloats = channels;
    this.tensors = [
      { name: 'scale', shape: [channels] },
      { name: 'shift', shape: [channels] },
      { name: 'mean', shape: [channels], isStatistic: true },
      { name: 'variance', shape: [channels], isStatistic: true },
    ];
  }

  /** Scale and variance are 1, shift and mean 0. */
  initialise(parameters: Float32Array): void {
    const { channels } = this;
    parameters.fill(1, 0, channels).fill(1, 3 * channels);
  }

  /** The backward pass needs the scale. */
  transpose(kernels: Kernels, parameters: Pointer, transposed: Pointer): void {
    kernels.transpose(parameters, this.channels, 1, transposed);
  }

  scratchFloats(): number {
    return 3 * this.channels;
  }

  keptFloats(rows: number): number {
    return 5 * this.channels + rows * this.width;
  }

  forward(at: Place, parameters: Pointer, { rows, moment }: Pass): void {
    const { channels, epsilon } = this;
    const count = rows * this.width;
    const [own, xs, ys] = [at.floats(parameters, 4 * channels), at.floats(at.x, count), at.floats(at.y, count)];
    const { figures, deviations, normalized } = this.keptAt(at, rows);
    const [means, variances] = [2, 3].map((n) => figures.subarray(n * channels, (n + 1) * channels));
    // `own` has the running means in the same places.
    if (moment === null) figures.set(own);
    else measure(xs, means, variances);
    for (let c = 0; c < channels; c++) deviations[c] = Math.sqrt(f(variances[c] + epsilon));
    for (let i = 0; i < count; i += channels) {
      for (let c = 0; c < channels; c++) {
        const value = f(f(xs[i + c] - means[c]) / deviations[c]);
        normalized[i + c] = value;
        ys[i + c] = f(value * own[c]) + own[channels + c];
      }
    }
    activateAll(Activation[this.activation], ys);
  }

  parameterGradient(at: Place, delta: Pointer, gradient: Pointer, { rows }: Pass, write: WriteCode): void {
    const { channels } = this;
    const [deltas, out] = [at.floats(delta, rows * this.width), at.floats(gradient, 4 * channels)];
    const { figures, normalized } = this.keptAt(at, rows);
    figures.fill(0, 0, 2 * channels);
    for (let i = 0; i < deltas.length; i += channels) {
      for (let c = 0; c < channels; c++) {
        const d = deltas[i + c];
        figures[c] += f(d * normalized[i + c]);
        figures[channels + c] += d;
      }
    }
    for (let j = 0; j < out.length; j++) {
      // A statistic counts once per sample, so that the mean over a step's samples is that over its micro-batches.
      const entry = j < 2 * channels ? figures[j] : f(figures[j] * rows);
      out[j] = write === Write.accumulate ? out[j] + entry : entry;
    }
  }

  /** Called after `parameterGradient`, whose sums are needed here. */
  inputGradient(at: Place, delta: Pointer, deltaIn: Pointer, scale: Pointer, { rows }: Pass): void {
    const { channels, width } = this;
    const [deltas, out] = [at.floats(delta, rows * width), at.floats(deltaIn, rows * width)];
    const { figures, deviations, normalized } = this.keptAt(at, rows);
    const [factors, slopes, offsets] = [0, 1, 2].map((n) => at.floats(at.scratch + 4 * n * channels, channels));
    const scales = at.floats(scale, channels);
    const count = f(deltas.length / channels);
    for (let c = 0; c < channels; c++) {
      factors[c] = scales[c] / deviations[c];
      slopes[c] = figures[c] / count;
      offsets[c] = figures[channels + c] / count;
    }
    for (let i = 0; i < deltas.length; i += channels) {
      for (let c = 0; c < channels; c++) {
        const difference = f(f(deltas[i + c] - offsets[c]) - f(normalized[i + c] * slopes[c]));
        out[i + c] = factors[c] * difference;
      }
    }
  }

  private keptAt(at: Place, rows: number): Kept {
    const { channels, width } = this;
    return {
      figures: at.floats(at.kept, 4 * channels),
      deviations: at.floats(at.kept + 16 * channels, channels),
      normalized: at.floats(at.kept + 20 * channels, rows * width),
    };
  }
}

/** Mean and variance of each channel of `xs`. */
function measure(xs: Float32Array, means: Float32Array, variances: Float32Array): void {
  const channels = means.length;
  const count = f(xs.length / channels);
  means.fill(0);
  for (let i = 0; i < xs.length; i += channels) {
    for (let c = 0; c < channels; c++) means[c] += xs[i + c];
  }
  for (let c = 0; c < channels; c++) means[c] /= count;
  variances.fill(0);
  for (let i = 0; i < xs.length; i += channels) {
    for (let c = 0; c < channels; c++) {
      const difference = f(xs[i + c] - means[c]);
      variances[c] += f(difference * difference);
    }
  }
  for (let c = 0; c < channels; c++) variances[c] /= count;
}
