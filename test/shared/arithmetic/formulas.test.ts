/** Compares the specification with formulas in double precision, and with values that were computed by hand. */
import { describe, expect, test } from 'vitest';
import { Arena } from '../../../shared/arithmetic/arena.js';
import { Activation, Loss, Write } from '../../../shared/arithmetic/kernels.js';
import { scalar } from './backends.js';

const arena = new Arena();
const scratch = arena.floats(scalar.sizes.scratchFloats(8, 8, 8));
const free = arena.bytes(65_536);
const memory = scalar.createMemory(arena.end, false);
const { kernels } = memory;

let end = free;
function put(values: number[]): number {
  const at = end;
  end += 4 * values.length;
  new Float32Array(memory.buffer, at, values.length).set(values);
  return at;
}
function putBytes(values: number[]): number {
  const at = end;
  end += Math.ceil(values.length / 4) * 4;
  new Uint8Array(memory.buffer, at, values.length).set(values);
  return at;
}
function read(at: number, length: number): number[] {
  return [...new Float32Array(memory.buffer, at, length)];
}
function expectClose(actual: number[], expected: number[]): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of actual.entries()) expect(value).toBeCloseTo(expected[i], 5);
}

describe('a dense layer of two samples, two inputs, three outputs', () => {
  const x = put([1, 2, -3, 0.5]);
  const w = put([1, 0, -1, 2, 1, 0.5]);
  const b = put([0.25, -2, -1]);
  const sums = [5.25, 0, -1, -1.75, -1.5, 2.25];
  const functions: [keyof typeof Activation, (z: number) => number][] = [
    ['linear', (z) => z],
    ['sigmoid', (z) => 1 / (1 + Math.exp(-z))],
    ['tanh', Math.tanh],
    ['relu', (z) => Math.max(z, 0)],
  ];

  test.each(functions)('forward, %s', (name, f) => {
    const y = put(new Array(6).fill(9));
    kernels.denseForward(x, w, b, y, 2, 2, 3, Activation[name], scratch);
    expectClose(read(y, 6), sums.map(f));
  });

  const delta = put([1, -1, 2, 0.5, 0, -2]);
  test('parameter gradient, stored and accumulated', () => {
    const gw = put(new Array(6).fill(9));
    const gb = put(new Array(3).fill(9));
    kernels.denseParameterGradient(x, delta, gw, gb, 2, 2, 3, Write.store, scratch);
    expect(read(gw, 6)).toEqual([-0.5, -1, 8, 2.25, -2, 3]);
    expect(read(gb, 3)).toEqual([1.5, -1, 0]);
    kernels.denseParameterGradient(x, delta, gw, gb, 2, 2, 3, Write.accumulate, scratch);
    expect(read(gw, 6)).toEqual([-1, -2, 16, 4.5, -4, 6]);
    expect(read(gb, 3)).toEqual([3, -2, 0]);
  });

  const derivatives: [keyof typeof Activation, (a: number) => number][] = [
    ['linear', () => 1],
    ['sigmoid', (a) => a * (1 - a)],
    ['tanh', (a) => 1 - a * a],
    ['relu', (a) => (a > 0 ? 1 : 0)],
  ];
  test.each(derivatives)('input gradient, %s', (name, derivative) => {
    const wT = put(new Array(6).fill(0));
    kernels.transpose(w, 2, 3, wT);
    expect(read(wT, 6)).toEqual([1, 2, 0, 1, -1, 0.5]);
    const deltaIn = put(new Array(4).fill(9));
    kernels.denseInputGradient(delta, wT, x, deltaIn, 2, 2, 3, Activation[name], scratch);
    const carried = [-1, 2, 2.5, 0];
    expectClose(
      read(deltaIn, 4),
      read(x, 4).map((a, i) => carried[i] * derivative(a)),
    );
  });
});

describe('losses of two samples and three classes', () => {
  const scores = [2, -1, 0.5, -3, 0.25, 4];
  const labels = [0, 1];
  const target = [1, 0, 0, 0, 1, 0];

  function run(loss: keyof typeof Loss, activation: keyof typeof Activation, y: number[]) {
    const delta = put(new Array(6).fill(9));
    const sums = put([100, 10]);
    const places = [put(y), putBytes(labels), delta, sums] as const;
    kernels.outputLoss(Loss[loss], Activation[activation], ...places, 2, 3, Write.accumulate, scratch);
    const [total, correct] = read(sums, 2);
    return { delta: read(delta, 6), total: total - 100, correct: correct - 10 };
  }

  test('quadratic', () => {
    const y = [0.9, 0.2, 0.1, 0.3, 0.6, 0.7];
    const { delta, total, correct } = run('quadratic', 'sigmoid', y);
    expectClose(
      delta,
      y.map((a, i) => (a - target[i]) * a * (1 - a)),
    );
    expect(total).toBeCloseTo(0.5 * y.reduce((sum, a, i) => sum + (a - target[i]) ** 2, 0), 4);
    expect(correct).toBe(1);
  });

  test('sigmoid cross-entropy', () => {
    const { delta, total, correct } = run('sigmoidCrossEntropy', 'linear', scores);
    const p = scores.map((z) => 1 / (1 + Math.exp(-z)));
    expectClose(
      delta,
      p.map((a, i) => a - target[i]),
    );
    const entropy = p.reduce((sum, a, i) => sum - Math.log(target[i] ? a : 1 - a), 0);
    expect(total).toBeCloseTo(entropy, 4);
    expect(correct).toBe(1);
  });

  test('softmax cross-entropy', () => {
    const { delta, total, correct } = run('softmaxCrossEntropy', 'linear', scores);
    const p = [scores.slice(0, 3), scores.slice(3)].flatMap((row) => {
      const sum = row.reduce((s, z) => s + Math.exp(z), 0);
      return row.map((z) => Math.exp(z) / sum);
    });
    expectClose(
      delta,
      p.map((a, i) => a - target[i]),
    );
    expect(total).toBeCloseTo(-Math.log(p[0]) - Math.log(p[4]), 4);
    expect(correct).toBe(1);
  });

  test('the first of equal outputs is the prediction', () => {
    const predictions = putBytes([9, 9]);
    kernels.argmax(put([1, 3, 3, -1, -1, -2]), predictions, 2, 3);
    expect([...new Uint8Array(memory.buffer, predictions, 2)]).toEqual([1, 0]);
  });
});

test('SGD with momentum, two steps', () => {
  const [w, v, sum] = [put([1, -1]), put([0, 0]), put([8, -4])];
  kernels.sgd(w, v, sum, 2, 4, 0.5, 0.5, 1, 0, 0);
  expect(read(v, 2)).toEqual([2, -1]);
  expect(read(w, 2)).toEqual([0, -0.5]);
  kernels.sgd(w, v, sum, 2, 4, 0.5, 0.5, 1, 0, 0);
  expect(read(v, 2)).toEqual([3, -1.5]);
  expect(read(w, 2)).toEqual([-1.5, 0.25]);
});

test('SGD with a factor, a decay and the step of Nesterov', () => {
  const [w, v, sum] = [put([1, -1]), put([2, 0]), put([8, -4])];
  kernels.sgd(w, v, sum, 2, 4, 0.5, 0.5, 0.5, 0.25, 1);
  // The gradients are 1 and -0.5; with the decay, 1.25 and -0.75.
  expect(read(v, 2)).toEqual([2.25, -0.75]);
  expect(read(w, 2)).toEqual([1 - 0.5 * (1.25 + 1.125), -1 + 0.5 * (0.75 + 0.375)]);
});

test('SGD without momentum keeps no velocity', () => {
  const [w, v, sum] = [put([1, -1]), put([7, 7]), put([8, -4])];
  kernels.sgd(w, v, sum, 2, 4, 0.5, 0, 1, 0, 0);
  expect(read(v, 2)).toEqual([7, 7]);
  expect(read(w, 2)).toEqual([0, -0.5]);
});

test('Adam, two steps', () => {
  const [w, m, v, sum] = [put([1, -1]), put([0, 0]), put([0, 0]), put([8, -16])];
  // Means of 4 and -8, halved.
  kernels.adam(w, m, v, sum, 2, 2, 0.5, 0.5, 0.75, 0.5, 3, 2, 0.5);
  expect(read(m, 2)).toEqual([1, -2]);
  expect(read(v, 2)).toEqual([1, 4]);
  expectClose(read(w, 2), [0.5 - 3 * (1 / 2.5), -0.5 + 3 * (2 / 4.5)]);
  kernels.adam(w, m, v, sum, 2, 2, 0.5, 0.5, 0.75, 0.5, 0, 2, 1);
  expect(read(m, 2)).toEqual([1.5, -3]);
  expect(read(v, 2)).toEqual([1.75, 7]);
});

test('samples are fetched by number and scaled by 255', () => {
  const records = put([0, 0, 0]);
  const images = [putBytes([0, 255]), putBytes([51, 102]), putBytes([1, 254])];
  for (const [id, image] of images.entries()) {
    const record = putBytes(new Array(scalar.sizes.recordBytesMax(2)).fill(9));
    kernels.keep(image, 2, record);
    new Uint32Array(memory.buffer, records, 3)[id] = record;
  }
  const labels = putBytes([7, 8, 9]);
  const ids = put([0, 0]);
  new Uint32Array(memory.buffer, ids, 2).set([2, 0]);
  const [x, labelsOut] = [put([9, 9, 9, 9]), putBytes([0, 0])];
  kernels.gather(records, labels, 2, ids, 2, x, labelsOut);
  expect(read(x, 4)).toEqual([1 / 255, 254 / 255, 0, 1].map(Math.fround));
  expect([...new Uint8Array(memory.buffer, labelsOut, 2)]).toEqual([9, 7]);
});

test('allFinite sees a NaN or an infinity in any place', () => {
  for (const length of [1, 3, 4, 9, 33]) {
    const values = new Array<number>(length).fill(3e38);
    expect(kernels.allFinite(put(values), length)).toBe(1);
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      for (let i = 0; i < length; i++) expect(kernels.allFinite(put(values.with(i, bad)), length)).toBe(0);
    }
  }
});
