/** Every kind of layer in float64, computed from the formulas. It shares no code with the layers or the kernels. */
import type { AveragePoolDescription } from '../../../shared/model/layers/average-pool.js';
import type { BatchNormDescription } from '../../../shared/model/layers/batch-norm.js';
import type { Conv2dDescription } from '../../../shared/model/layers/conv2d.js';
import type { DenseDescription } from '../../../shared/model/layers/dense.js';
import type { DropoutDescription } from '../../../shared/model/layers/dropout.js';
import type { Shape } from '../../../shared/model/layers/layer.js';
import type { LayerDescription } from '../../../shared/model/layers/layers.js';
import type { LeakyReluDescription } from '../../../shared/model/layers/leaky-relu.js';
import type { MaxPoolDescription } from '../../../shared/model/layers/max-pool.js';
import { Random, stream } from '../../../shared/random.js';
import { windowsOf } from './layers/fixture.js';

/** The output of a layer for one sample. `kink` is the smallest distance to a point without a derivative. */
export interface Outputs {
  readonly y: number[];
  readonly kink: number;
}

/** Where a layer is, and which sample it computes. */
export interface ExactPlace {
  /** The shape of its input. */
  readonly shape: Shape;
  /** Number of the layer in the model. */
  readonly layer: number;
  readonly sample: number;
}

/** One kind of layer in float64: how it computes a sample, or a micro-batch if its samples depend on each other. */
export type ExactLayer =
  | {
      forward(description: LayerDescription, parameters: Float64Array, x: readonly number[], at: ExactPlace): Outputs;
    }
  | {
      forwardAll(
        description: LayerDescription,
        parameters: Float64Array,
        xs: readonly (readonly number[])[],
        shape: Shape,
      ): OutputsOfAll;
    };

export interface OutputsOfAll {
  readonly outputs: Outputs[];
  /** The figures in the gradient that stand for the layer's statistics. */
  readonly statistics: number[];
}

/** The kinds of layers by their names. */
export type ExactLayers = Readonly<Record<string, ExactLayer>>;

export const activations = {
  linear: (z: number) => z,
  sigmoid: (z: number) => 1 / (1 + Math.exp(-z)),
  tanh: Math.tanh,
  relu: (z: number) => Math.max(z, 0),
};

/** The end of a layer: the activation, and how far the values before it are from a kink. */
function activated(z: number[], activation: keyof typeof activations = 'linear'): Outputs {
  const kink = activation === 'relu' ? Math.min(...z.map(Math.abs)) : Number.POSITIVE_INFINITY;
  return { y: z.map(activations[activation]), kink };
}

export const exactLayers: ExactLayers = {
  dense: {
    forward({ dense, activation }: DenseDescription, parameters, x) {
      const bias = x.length * dense;
      const z = Array.from(
        { length: dense },
        (_, o) => parameters[bias + o] + sum(x.map((v, i) => v * parameters[i * dense + o])),
      );
      return activated(z, activation);
    },
  },
  conv2d: {
    forward(
      { conv2d: outputs, kernel, stride = 1, padding = 0, activation }: Conv2dDescription,
      parameters,
      x,
      { shape },
    ) {
      const [height, width, channels = 1] = shape;
      const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);
      const places = (extent: number) => upTo(Math.floor((extent + 2 * padding - kernel) / stride) + 1);
      const term = (iy: number, ix: number, c: number, w: number) =>
        iy < 0 || ix < 0 || iy >= height || ix >= width ? 0 : x[(iy * width + ix) * channels + c] * parameters[w];
      const sumAt = (oy: number, ox: number, o: number) =>
        upTo(kernel * kernel * channels).map((t) => {
          const [tap, c] = [Math.floor(t / channels), t % channels];
          const [ky, kx] = [Math.floor(tap / kernel), tap % kernel];
          return term(oy * stride + ky - padding, ox * stride + kx - padding, c, t * outputs + o);
        });
      const bias = kernel * kernel * channels * outputs;
      const z = places(height).flatMap((oy) =>
        places(width).flatMap((ox) => upTo(outputs).map((o) => sum(sumAt(oy, ox, o)) + parameters[bias + o])),
      );
      return activated(z, activation);
    },
  },
  maxPool: {
    forward({ maxPool: size, stride = size, activation }: MaxPoolDescription, _parameters, x, { shape }) {
      const windows = windowsOf(1, shape, size, stride).map((window) => window.map((i) => x[i]));
      const largest = windows.map((values) => Math.max(...values));
      // Equal values come from equal pixels, and stay equal when a weight changes.
      const gaps = windows.flatMap((values, o) => values.map((v) => largest[o] - v).filter((gap) => gap > 0));
      const { y, kink } = activated(largest, activation);
      return { y, kink: Math.min(kink, ...gaps) };
    },
  },
  averagePool: {
    forward({ averagePool: size, stride = size, activation }: AveragePoolDescription, _parameters, x, { shape }) {
      const windows = windowsOf(1, shape, size, stride).map((window) => window.map((i) => x[i]));
      return activated(
        windows.map((values) => sum(values) / values.length),
        activation,
      );
    },
  },
  globalAveragePool: {
    forward(_description, _parameters, x, { shape }) {
      const channels = channelsOf(shape);
      return activated(byChannel(x, channels).map((values) => sum(values) / values.length));
    },
  },
  flatten: { forward: (_description, _parameters, x) => activated([...x]) },
  dropout: {
    /** The epoch and the seed are those of `training`. */
    forward({ dropout: probability }: DropoutDescription, _parameters, x, { layer, sample }) {
      const random = new Random(1, stream.dropout, layer, 0, sample);
      return activated(x.map((v) => (random.uniform() >= Math.fround(probability) ? v / (1 - probability) : 0)));
    },
  },
  leakyRelu: {
    forward: ({ leakyRelu: slope }: LeakyReluDescription, _parameters, x) => ({
      y: x.map((v) => (v > 0 ? v : slope * v)),
      kink: Math.min(...x.map(Math.abs)),
    }),
  },
  batchNorm: {
    forwardAll({ batchNorm: epsilon, activation }: BatchNormDescription, parameters, xs, shape) {
      const channels = channelsOf(shape);
      const values = byChannel(xs.flat(), channels);
      const means = values.map((v) => sum(v) / v.length);
      const variances = values.map((v, c) => sum(v.map((x) => (x - means[c]) ** 2)) / v.length);
      const normal = (x: number, c: number) => (x - means[c]) / Math.sqrt(variances[c] + epsilon);
      const outputs = xs.map((x) =>
        activated(
          x.map((v, i) => normal(v, i % channels) * parameters[i % channels] + parameters[channels + (i % channels)]),
          activation,
        ),
      );
      return { outputs, statistics: [...means, ...variances].map((figure) => figure * xs.length) };
    },
  },
};

function channelsOf(shape: Shape): number {
  return shape.length === 2 ? 1 : shape[shape.length - 1];
}

/** The values of each channel. */
function byChannel(x: readonly number[], channels: number): number[][] {
  return Array.from({ length: channels }, (_, c) => x.filter((_value, i) => i % channels === c));
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, v) => total + v, 0);
}
