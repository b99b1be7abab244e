import { describe, expect, it } from 'vitest';
import { invalidModel } from '../../../../shared/model/description.js';
import { Random, stream } from '../../../../shared/random.js';
import { bits } from '../fixture.js';
import { expectExactGradient } from '../float64.js';
import { numbers, passThrough } from './fixture.js';

const f = Math.fround;
const width = 40;
const half = { dropout: 0.5 };

/** Which values of one sample stay. None of the inputs is 0. */
function choice(sample: number, epoch = 0, seed = 1, index = 1): string {
  const ones = new Float32Array(width).fill(1);
  const { y } = passThrough(half, [width], ones, { ids: [sample], moment: { seed, epoch }, index });
  return [...y].join(' ');
}

describe('dropout', () => {
  it.each([0, 0.1, 0.5, 0.99])('keeps a value where the generator of the sample says so: %d', (probability) => {
    const ids = [7, 0, 4_000_000];
    const [x, delta] = [numbers(3 * width, 1), numbers(3 * width, 2)];
    const scale = f(1 / f(1 - f(probability)));
    const stays = ids.flatMap((id) => {
      const random = new Random(9, stream.dropout, 3, 5, id);
      return Array.from({ length: width }, () => random.uniform() >= f(probability));
    });
    const dropped = (values: Float32Array) => values.map((v, i) => (stays[i] ? v * scale : 0));
    const options = { delta, ids, moment: { seed: 9, epoch: 5 }, index: 3 };
    const { y, deltaIn } = passThrough({ dropout: probability }, [5, 8], x, options);
    expect(bits(y)).toEqual(bits(dropped(x)));
    expect(bits(deltaIn)).toEqual(bits(dropped(delta)));
  });

  it('chooses anew for each sample, epoch, seed and layer', () => {
    const choices = [choice(3), choice(4), choice(3, 1), choice(3, 0, 2), choice(3, 0, 1, 2)];
    expect(new Set(choices).size).toBe(choices.length);
    expect(choice(3)).toBe(choices[0]);
  });

  it('does not depend on where a sample lies in a micro-batch, nor on the other samples', () => {
    const x = numbers(4 * width, 1);
    const row = (values: Float32Array, r: number) => bits(values.subarray(r * width, (r + 1) * width));
    const all = passThrough(half, [width], x, { ids: [11, 22, 33, 44] }).y;
    const two = passThrough(half, [width], x.slice(width, 3 * width), { ids: [22, 33] }).y;
    expect(row(two, 0)).toEqual(row(all, 1));
    expect(row(two, 1)).toEqual(row(all, 2));
  });

  it('changes nothing in an evaluation', () => {
    const x = numbers(3 * width, 1);
    expect(bits(passThrough(half, [width], x, { moment: null }).y)).toEqual(bits(x));
  });

  it('has the gradient of the loss, for the values that it keeps', () => {
    expectExactGradient({
      input: [3, 4],
      layers: [{ dense: 9, activation: 'tanh' }, { dropout: 0.3 }, { dense: 4, activation: 'linear' }],
      loss: 'softmaxCrossEntropy',
    });
  });

  it.each([-0.1, 1, '0.5'])('refuses the probability %j', (probability) => {
    expect(invalidModel({ input: [4], layers: [{ dropout: probability }], loss: 'quadratic' })).toBe(
      'model.layers[0].dropout must be a number from 0 to 0.99',
    );
  });
});
