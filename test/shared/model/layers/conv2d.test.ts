/** Convolutions: their bits against loops of this test, their gradients against float64, and the same on every backend. */
import { describe, expect, it } from 'vitest';
import { Arena } from '../../../../shared/arithmetic/arena.js';
import type { KernelBackend } from '../../../../shared/arithmetic/backend.js';
import { Activation, Write } from '../../../../shared/arithmetic/kernels.js';
import { chainOf } from '../../../../shared/model/chain.js';
import { invalidModel } from '../../../../shared/model/description.js';
import type { Conv2dDescription } from '../../../../shared/model/layers/conv2d.js';
import { Place, type Shape } from '../../../../shared/model/layers/layer.js';
import { buildLayer } from '../../../../shared/model/layers/layers.js';
import type { Model } from '../../../../shared/model/model.js';
import { Random } from '../../../../shared/random.js';
import { backendsUnderTest, scalar } from '../../arithmetic/backends.js';
import { Bench, bits, randomSamples, randomWeights, training } from '../fixture.js';
import { expectExactGradient } from '../float64.js';

const f = Math.fround;

interface Case {
  readonly rows: number;
  readonly input: readonly [height: number, width: number, channels: number];
  readonly layer: Conv2dDescription;
}

const caseOf = (
  rows: number,
  input: Case['input'],
  outputs: number,
  kernel: number,
  stride = 1,
  padding = 0,
): Case => ({
  rows,
  input,
  layer: { conv2d: outputs, kernel, stride, padding, activation: 'linear' },
});

function numbers(count: number, seed: number): Float32Array {
  const random = new Random(seed, 104);
  return Float32Array.from({ length: count }, () => (random.below(4) === 0 ? 0 : 2 * random.uniform() - 1));
}

interface Operands {
  readonly x: Float32Array;
  readonly parameters: Float32Array;
  readonly delta: Float32Array;
  /** What the parameter gradient is added to. */
  readonly before: Float32Array;
}

interface Results {
  readonly y: Float32Array;
  readonly gradient: Float32Array;
  readonly deltaIn: Float32Array;
}

function extentsOf({ input: [height, width], layer }: Case) {
  const positions = (extent: number) => {
    let count = 0;
    while (count * layer.stride! + layer.kernel <= extent + 2 * layer.padding!) count++;
    return count;
  };
  return { down: positions(height), across: positions(width) };
}

function operandsOf(each: Case): Operands {
  const { rows, input, layer } = each;
  const { down, across } = extentsOf(each);
  const parameters = (layer.kernel ** 2 * input[2] + 1) * layer.conv2d;
  return {
    x: numbers(rows * input[0] * input[1] * input[2], 1),
    parameters: numbers(parameters, 2),
    delta: numbers(rows * down * across * layer.conv2d, 3),
    before: numbers(parameters, 4),
  };
}

/** Lists for each sum the pairs that it multiplies and adds, and adds them up one after the other. */
function byTheFormula(each: Case, { x, parameters, delta, before }: Operands): Results {
  const { rows, input, layer } = each;
  const [height, width, channels] = input;
  const { conv2d: outputs, kernel, stride, padding } = layer;
  const { down, across } = extentsOf(each);
  const weights = kernel * kernel * channels * outputs;
  const [forward, back] = [delta.map(() => 0), x.map(() => 0)];
  const gradient = parameters.map(() => 0);
  const multiplyAdd = (sums: Float32Array, i: number, a: number, b: number) => {
    sums[i] = f(sums[i] + f(a * b));
  };
  /** Calls `visit` with the indices of an output, an input and a weight that belong together. */
  const each3 = (visit: (o: number, i: number, w: number) => void) => {
    for (let p = 0; p < rows * down * across; p++) {
      const [oy, ox] = [Math.floor(p / across) % down, p % across];
      for (let o = 0; o < outputs; o++) {
        for (let t = 0; t < kernel * kernel * channels; t++) {
          const tap = Math.floor(t / channels);
          const iy = oy * stride! + Math.floor(tap / kernel) - padding!;
          const ix = ox * stride! + (tap % kernel) - padding!;
          if (iy < 0 || ix < 0 || iy >= height || ix >= width) continue;
          const sample = Math.floor(p / (down * across));
          const i = ((sample * height + iy) * width + ix) * channels + (t % channels);
          visit(p * outputs + o, i, t * outputs + o);
        }
      }
    }
  };
  each3((o, i, w) => multiplyAdd(forward, o, x[i], parameters[w]));
  each3((o, i, w) => multiplyAdd(gradient, w, x[i], delta[o]));
  each3((o, i, w) => multiplyAdd(back, i, delta[o], parameters[w]));
  delta.forEach((d, o) => {
    multiplyAdd(gradient, weights + (o % outputs), d, 1);
  });
  return {
    y: forward.map((sum, o) => f(sum + parameters[weights + (o % outputs)])),
    gradient: gradient.map((sum, i) => f(before[i] + sum)),
    deltaIn: back,
  };
}

/** The same by the layer. */
function byTheLayer({ rows, input, layer }: Case, operands: Operands, { sizes, createMemory }: KernelBackend): Results {
  const conv = buildLayer(layer, input);
  const arena = new Arena();
  const lengths = [operands.x, operands.parameters, operands.delta, operands.before].map(({ length }) => length);
  const [x, parameters, delta, gradient] = lengths.map((length) => arena.floats(length));
  const [y, deltaIn, transposed] = [lengths[2], lengths[0], conv.transposedFloats].map((n) => arena.floats(n));
  const scratch = arena.floats(conv.scratchFloats(rows, sizes));
  const memory = createMemory(arena.end, false);
  new Uint8Array(memory.buffer).fill(0x5a);
  const floats = (at: number, length: number) => new Float32Array(memory.buffer, at, length);
  floats(x, lengths[0]).set(operands.x);
  floats(parameters, lengths[1]).set(operands.parameters);
  floats(delta, lengths[2]).set(operands.delta);
  floats(gradient, lengths[3]).set(operands.before);
  const place = new Place(memory, 1, x, y, scratch, 0);
  const pass = training(0, rows);
  conv.transpose(memory.kernels, parameters, transposed);
  conv.forward(place, parameters, pass);
  conv.parameterGradient(place, delta, gradient, pass, Write.accumulate);
  conv.inputGradient(place, delta, deltaIn, transposed, pass, Activation.linear);
  return {
    y: floats(y, lengths[2]).slice(),
    gradient: floats(gradient, lengths[3]).slice(),
    deltaIn: floats(deltaIn, lengths[0]).slice(),
  };
}

const cases: Case[] = [
  ...[1, 2, 3].flatMap((stride) => [0, 1, 2].map((padding) => caseOf(2, [7, 6, 3], 7, 3, stride, padding))),
  ...[1, 3, 5].flatMap((kernel) => [1, 7, 24, 33].map((outputs) => caseOf(1, [6, 5, 1], outputs, kernel))),
  ...[1, 3, 24].map((channels) => caseOf(17, [5, 5, channels], 4, 3, 1, 1)),
  caseOf(2, [4, 4, 3], 5, 4),
  caseOf(1, [4, 4, 3], 5, 6, 1, 1),
  caseOf(2, [3, 3, 2], 4, 1, 2, 2),
];

describe('conv2d', () => {
  it.each(cases)('has the bits of its formula on every backend: %j', (each) => {
    const operands = operandsOf(each);
    const expected = byTheFormula(each, operands);
    for (const backend of [scalar, ...backendsUnderTest]) {
      const actual = byTheLayer(each, operands, backend);
      expect(bits(actual.y)).toEqual(bits(expected.y));
      expect(bits(actual.gradient)).toEqual(bits(expected.gradient));
      expect(bits(actual.deltaIn)).toEqual(bits(expected.deltaIn));
    }
  });

  const twoOf = (first: Partial<Conv2dDescription>, second: Partial<Conv2dDescription>): Model => ({
    input: [6, 6],
    layers: [
      { conv2d: 3, kernel: 3, activation: 'tanh', ...first },
      { conv2d: 4, kernel: 2, activation: 'sigmoid', ...second },
      { dense: 4, activation: 'linear' },
    ],
    loss: 'softmaxCrossEntropy',
  });
  const models = [
    twoOf({}, {}),
    twoOf({ padding: 1 }, { stride: 2 }),
    twoOf({ stride: 2, padding: 2 }, { padding: 1, kernel: 3 }),
    twoOf({ kernel: 1 }, { kernel: 6, activation: 'linear' }),
    twoOf({ kernel: 5, padding: 1 }, { kernel: 4, stride: 3, padding: 2 }),
  ];
  it.each(models)('has the gradient of the loss, as the first layer and behind another one: %j', (model) => {
    expectExactGradient(model);
  });

  it.each([1, 17])('has the same bits in a network on every backend, with %i rows', (rows) => {
    for (const model of models) {
      const samples = randomSamples(model, rows, 3);
      const weights = randomWeights(model, 4);
      const partialOn = (backend: KernelBackend) => {
        const bench = new Bench(model, samples, weights, rows, chainOf(model), backend);
        const ids = bench.put(Uint32Array.from({ length: rows }, (_, r) => rows - 1 - r));
        const partial = bench.take(4 * bench.partialFloats);
        bench.network.gradient(bench.from, training(ids, rows), partial, Write.store);
        return bits(bench.floats(partial, bench.partialFloats));
      };
      const expected = partialOn(scalar);
      for (const backend of backendsUnderTest) expect(partialOn(backend)).toEqual(expected);
    }
  });

  it('has a stride of 1 and no padding if none are given', () => {
    expect(buildLayer({ conv2d: 24, kernel: 5, activation: 'relu' }, [28, 28]).output).toEqual([24, 24, 24]);
    expect(buildLayer({ conv2d: 2, kernel: 3, stride: 2, padding: 1, activation: 'relu' }, [8, 5, 4]).output).toEqual([
      4, 3, 2,
    ]);
  });

  it('begins within the bound that its inputs and outputs give, with zero biases', () => {
    const boundOf = (layer: Conv2dDescription, input: Shape) => {
      const conv = buildLayer(layer, input);
      const parameters = new Float32Array((9 * input[2] + 1) * layer.conv2d);
      conv.initialise(parameters, new Random(1));
      expect([...parameters.subarray(-layer.conv2d)]).toEqual(new Array(layer.conv2d).fill(0));
      return parameters.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
    };
    const [glorot, he] = [Math.sqrt(6 / (9 * 8 + 9 * 32)), Math.sqrt(6 / (9 * 8))];
    const bounds: [Partial<Conv2dDescription>, number][] = [
      [{}, glorot],
      [{ activation: 'relu' }, he],
      [{ initial: 'he' }, he],
      [{ activation: 'relu', initial: 'glorot' }, glorot],
    ];
    for (const [layer, bound] of bounds) {
      const largest = boundOf({ conv2d: 32, kernel: 3, activation: 'linear', ...layer }, [9, 9, 8]);
      expect(largest).toBeLessThanOrEqual(f(bound));
      expect(largest).toBeGreaterThan(0.98 * bound);
    }
  });

  const faults: [Shape, object, string][] = [
    [[4, 5], { conv2d: 1, kernel: 0 }, '.kernel must be a whole number from 1 to 64'],
    [[4, 5], { conv2d: 1, kernel: 3, stride: 0 }, '.stride must be a whole number from 1 to 64'],
    [[4, 5], { conv2d: 1, kernel: 3, padding: 65 }, '.padding must be a whole number from 0 to 64'],
    [
      [4, 5, 3],
      { conv2d: 1, kernel: 7, padding: 1 },
      ' (conv2d) has a kernel of 7 x 7, which is larger than its input of [4, 5, 3] with a padding of 1',
    ],
    [[20], { conv2d: 1, kernel: 1 }, ' (conv2d) takes images of [height, width, channels], but its input is [20]'],
    [
      [2, 3, 4, 5],
      { conv2d: 1, kernel: 1 },
      ' (conv2d) takes images of [height, width, channels], but its input is [2, 3, 4, 5]',
    ],
    [
      [1, 1, 65536],
      { conv2d: 1, kernel: 9, padding: 4 },
      ' (conv2d) has an input of [1, 1, 65536], which becomes 5308416 numbers with padding, more than 1048576',
    ],
  ];
  it.each(faults)('refuses an input of %j for %j', (input, layer, sentence) => {
    const model = { input, layers: [{ activation: 'linear', ...layer }], loss: 'quadratic' };
    expect(invalidModel(model)).toBe(`model.layers[0]${sentence}`);
  });

  it('refuses what does not fit behind another layer', () => {
    const layers = [
      { conv2d: 2, kernel: 3, activation: 'relu' },
      { conv2d: 2, kernel: 5, activation: 'linear' },
    ];
    expect(invalidModel({ input: [6, 6], layers, loss: 'quadratic' })).toBe(
      'model.layers[1] (conv2d) has a kernel of 5 x 5, which is larger than its input of [4, 4, 2] with a padding of 0',
    );
  });
});
