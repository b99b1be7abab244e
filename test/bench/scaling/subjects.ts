/** What the section on scaling trains: steps whose speed is measured, and races to a test accuracy. */
import type { PresetName } from '../../../shared/model/presets.js';

type Options = readonly (string | number)[];

/** A kind of step. */
export interface Subject {
  readonly name: string;
  readonly preset: PresetName;
  /** Samples of a step, or of a round. */
  readonly batch: number;
  /** Samples of a slot of an ordinary step. */
  readonly microBatch: number;
  /** Options besides the preset. They decide the weights. */
  readonly options: Options;
}

/** Ordinary steps, with gradients of 32 bits. */
export const subjects: readonly Subject[] = [
  { name: 'mlp, 128', preset: 'mlp', batch: 128, microBatch: 16, options: [] },
  { name: 'mlp, 1024', preset: 'mlp', batch: 1024, microBatch: 16, options: ['--batch', 1024] },
];

/** Settings of a run that is to reach a test accuracy. */
export interface Settings {
  readonly options: Options;
  /** Samples of a step, or of a round. */
  readonly batch: number;
  /** Steps or rounds from one evaluation to the next, when the number of steps is sought. */
  readonly evaluateEvery: number;
}

/** One device alone trains with the best of its settings, a fleet with the best of its own. */
export interface Race {
  readonly preset: PresetName;
  readonly accuracy: number;
  readonly alone: readonly Settings[];
  readonly fleet: readonly Settings[];
}

const rounds = (replicas: number, steps: number, microBatch: number, evaluateEvery: number, more: Options) => ({
  batch: replicas * steps * microBatch,
  evaluateEvery,
  options: ['--replicas', replicas, '--local-steps', steps, '--micro-batch', microBatch, ...more],
});
const oneCycle = (epochs: number, rate: number, outerMomentum: number): Options => [
  ...['--epochs', epochs, '--schedule', 'one-cycle', '--warm-up', 0.15],
  ...['--lr', rate, '--outer-momentum', outerMomentum],
];
/** Local steps want an optimizer with little memory. */
const nesterov: Options = ['--optimizer', 'sgd', '--momentum', 0.9, '--nesterov'];

export const races: readonly Race[] = [
  {
    preset: 'mlp',
    accuracy: 0.975,
    alone: [[], ['--epochs', 4, '--schedule', 'linear'], ['--epochs', 3, '--schedule', 'linear']].map((options) => ({
      options,
      batch: 128,
      evaluateEvery: 78,
    })),
    fleet: [rounds(8, 16, 32, 3, [...oneCycle(4, 0.2, 0.8), '--wire-bits', 4])],
  },
  {
    preset: 'cnn-small',
    accuracy: 0.985,
    alone: [2, 3].map((epochs) => ({ options: ['--epochs', epochs], batch: 256, evaluateEvery: 20 })),
    fleet: [rounds(8, 16, 32, 2, ['--epochs', 2, ...nesterov, '--lr', 0.1, '--outer-momentum', 0.8, '--wire-bits', 8])],
  },
];

/** The first option that the help of `lockstep coordinator` does not mention, or undefined. */
export function unknownOption(options: Options, help: string): string | undefined {
  return options.map(String).find((word) => word.startsWith('--') && !help.includes(`${word} `));
}
