/** The runs that a worker has to compute. Together they have every loss, every activation and every kind of step. */
import type { RunDescription } from '../../shared/compute/workspace.js';

export interface Trial {
  readonly title: string;
  /**
   * How the connection ends. `again`: the worker is told to come back. `provoked`: the worker gets a wrong message and
   * must refuse it. `over`: the worker is told to stay away.
   */
  readonly ending: 'again' | 'provoked' | 'over';
  readonly run: RunDescription;
}

export const trials: readonly Trial[] = [
  {
    title: '144-17-10, relu, softmaxCrossEntropy, smoothed: steps of 24, 24 and 9 samples; the last slot has 1',
    ending: 'again',
    run: {
      model: {
        input: [12, 12],
        layers: [
          { dense: 17, activation: 'relu' },
          { dense: 10, activation: 'linear' },
        ],
        loss: 'softmaxCrossEntropy',
      },
      train: 57,
      validation: 70,
      test: 150,
      batch: 24,
      microBatch: 4,
      seed: 11,
      smoothing: Math.fround(0.1),
    },
  },
  {
    title: '30-20-4, relu, softmaxCrossEntropy: codes of 4 bits; of a whole step with its 9 slots, the sum',
    ending: 'again',
    run: {
      model: {
        input: [5, 6],
        layers: [
          { dense: 20, activation: 'relu' },
          { dense: 4, activation: 'linear' },
        ],
        loss: 'softmaxCrossEntropy',
      },
      train: 50,
      test: 70,
      batch: 27,
      microBatch: 3,
      seed: 5,
      wireBits: 4,
    },
  },
  {
    title:
      '15-19-9-4, sigmoid, tanh, sigmoid, quadratic: all 22 samples, distorted, in every step; the last slot has 2',
    ending: 'provoked',
    run: {
      model: {
        input: [3, 5],
        layers: [
          { dense: 19, activation: 'sigmoid' },
          { dense: 9, activation: 'tanh' },
          { dense: 4, activation: 'sigmoid' },
        ],
        loss: 'quadratic',
      },
      train: 22,
      test: 64,
      batch: 0,
      microBatch: 4,
      seed: 0xfffffffe,
      augment: { shift: 1, rotate: 30, scale: 0.2, elastic: 2.5 },
    },
  },
  {
    title: '16-2400-3, tanh, sigmoidCrossEntropy: 48,003 parameters, which travel in two parts',
    ending: 'again',
    run: {
      model: {
        input: [16],
        layers: [
          { dense: 2400, activation: 'tanh' },
          { dense: 3, activation: 'linear' },
        ],
        loss: 'sigmoidCrossEntropy',
      },
      train: 71,
      test: 65,
      batch: 30,
      microBatch: 5,
      seed: 3,
    },
  },
  {
    title:
      '12-7-3, tanh, batchNorm, softmaxCrossEntropy: rounds of 6 slots with 2 local steps; the last slot has 1 sample',
    ending: 'over',
    run: {
      model: {
        input: [3, 4],
        layers: [{ dense: 7, activation: 'tanh' }, { batchNorm: 0.125 }, { dense: 3, activation: 'linear' }],
        loss: 'softmaxCrossEntropy',
      },
      train: 49,
      test: 30,
      batch: 36,
      microBatch: 3,
      seed: 8,
      rounds: {
        steps: 2,
        optimizer: { name: 'sgd', rate: 0.25, momentum: 0.75, nesterov: true },
        // Two rounds make an epoch.
        schedule: { schedule: { name: 'cosine', to: 0.125 }, epochs: 4, stepsPerEpoch: 2 },
        clip: 0.5,
      },
    },
  },
];
