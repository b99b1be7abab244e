import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { KernelBackend } from '../../shared/arithmetic/backend.js';
import type { Model } from '../../shared/model/model.js';
import { type ReferenceRun, type ReferenceStep, referenceTrain } from '../../shared/reference.js';
import { backendsUnderTest, scalar } from './arithmetic/backends.js';
import { randomSamples } from './model/fixture.js';

const model: Model = {
  input: [6, 5],
  layers: [
    { dense: 12, activation: 'relu' },
    { dense: 9, activation: 'tanh' },
    { dense: 4, activation: 'linear' },
  ],
  loss: 'softmaxCrossEntropy',
};

/** 90 samples in steps of 40, 40 and 10. A full step has five slots. The last slot of the short step is not full. */
const run: ReferenceRun = {
  model,
  train: randomSamples(model, 90, 1),
  batch: 40,
  microBatch: 8,
  seed: 1,
  optimizer: { name: 'sgd', rate: 0.1, momentum: 0.9 },
};

const hashOf = (weights: Float32Array) =>
  createHash('sha256')
    .update(new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength))
    .digest('hex');

type Trace = (Omit<ReferenceStep, 'weights'> & { hash: string })[];

/** The hash of the weights, the loss and the accuracy after each of the first steps. */
function trace(of: ReferenceRun, steps: number, backend: KernelBackend): Trace {
  const training = referenceTrain(of, backend);
  return Array.from({ length: steps }, () => {
    const { weights, ...rest } = training.next().value;
    return { ...rest, hash: hashOf(weights) };
  });
}

const trainScalar = (of: ReferenceRun, steps: number) => trace(of, steps, scalar);

describe('referenceTrain', () => {
  it('learns: the loss of samples that it sees again and again falls', () => {
    const steps = trainScalar(run, 120);
    expect(steps.map(({ step }) => step)).toEqual(steps.map((_, i) => i + 1));
    expect(steps[0].loss).toBeGreaterThan(1);
    expect(steps[119].loss).toBeLessThan(0.3);
    expect(steps[119].accuracy).toBeGreaterThan(0.9);
  });

  it('gives the same bits each time, and others for another seed', () => {
    const [a, b] = [trainScalar(run, 5), trainScalar(run, 5)];
    expect(a).toEqual(b);
    expect(trainScalar({ ...run, seed: 2 }, 1)[0].hash).not.toBe(a[0].hash);
  });

  it('is pinned: a change here changes the weights of every run', () => {
    expect(trainScalar(run, 35)[34].hash).toBe('c693fe8c765e0fd69b7a80df7bc04a0760d41f2d14b32a74478865a77250d53f');
  });

  it('equals a replay of the definition in another language', () => {
    // The hash comes from a NumPy program that was written from the definitions and shares no code with this project.
    // It computes order, first weights, float32 passes, tree and update. It has no exp with our rounding, so the model
    // uses only losses and activations without exp.
    const [first, , last] = model.layers;
    const simple: Model = { ...model, layers: [first, { dense: 9, activation: 'relu' }, last], loss: 'quadratic' };
    const hash = trainScalar({ ...run, model: simple }, 35)[34].hash;
    expect(hash).toBe('871fb804c6c55f939f376b218d3fd6a8fbc07e57b821c74c14979b43ba4ec1d4');
  });

  it('does gradient descent on all samples for a batch of 0', () => {
    const all: ReferenceRun = { ...run, batch: 0, optimizer: { name: 'sgd', rate: 0.05, momentum: 0 } };
    const steps = trainScalar(all, 20);
    for (let i = 1; i < steps.length; i++) expect(steps[i].loss).toBeLessThan(steps[i - 1].loss);
  });
});

describe('every backend', () => {
  /**
   * Models with the sizes of real networks (few classes, odd widths, many inputs), so that every path of the kernels is
   * used.
   */
  const modelOf = (loss: Model['loss'], ...layers: Model['layers']): Model => ({ input: [14, 13], layers, loss });
  const linear = { dense: 10, activation: 'linear' } as const;
  const cases: [string, Model][] = [
    ['softmax over relu', modelOf('softmaxCrossEntropy', { dense: 45, activation: 'relu' }, linear)],
    ['sigmoid cross-entropy over tanh', modelOf('sigmoidCrossEntropy', { dense: 33, activation: 'tanh' }, linear)],
    [
      'quadratic over sigmoid',
      modelOf(
        'quadratic',
        { dense: 16, activation: 'sigmoid' },
        { dense: 17, activation: 'sigmoid' },
        { dense: 10, activation: 'sigmoid' },
      ),
    ],
  ];
  it.each(cases)('gives the bits of the scalar one after each of 35 steps: %s', (_, wide) => {
    // Steps of 200, 200 and 53 samples, in micro-batches of 25.
    const of = { ...run, model: wide, train: randomSamples(wide, 453, 7), batch: 200, microBatch: 25 };
    const steps = trainScalar(of, 35);
    for (const backend of backendsUnderTest) expect(trace(of, 35, backend)).toEqual(steps);
    expect(new Set(steps.map(({ hash }) => hash)).size).toBe(35);
    expect(steps.every(({ loss }) => Number.isFinite(loss))).toBe(true);
  });

  it.each([{ shift: 2 }, { shift: 1, rotate: 15, scale: 0.15, elastic: 2 }])(
    'gives the bits of the scalar one with distorted samples: %j',
    (augment) => {
      const [, wide] = cases[0];
      const of = { ...run, model: wide, train: randomSamples(wide, 453, 7), batch: 200, microBatch: 25 };
      const steps = trainScalar({ ...of, augment }, 8);
      for (const backend of backendsUnderTest) expect(trace({ ...of, augment }, 8, backend)).toEqual(steps);
      expect(steps[0].hash).not.toBe(trainScalar(of, 1)[0].hash);
    },
  );
});
