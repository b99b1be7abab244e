/** What the section on scaling trains: models, with the options that decide how much goes over the network. */
import type { PresetName } from '../../../shared/model/presets.js';

export interface Subject {
  readonly name: string;
  readonly preset: PresetName;
  /** Samples of a step, or of a round. */
  readonly batch: number;
  /** Samples of a slot of an ordinary step. Null for rounds and for fewer bits. */
  readonly microBatch: number | null;
  /** Options besides the preset. They decide the weights. */
  readonly options: readonly (string | number)[];
  /** The length of the schedule, in the runs to an accuracy. Undefined: the preset's. */
  readonly epochs?: number;
  /** The time to this test accuracy is measured, unless it is null. */
  readonly accuracy: number | null;
  /** Whether its samples per second are measured with every number of workers. */
  readonly isScaled: boolean;
}

const rounds = (replicas: number, steps: number, microBatch: number) => ({
  batch: replicas * steps * microBatch,
  microBatch: null,
  options: ['--replicas', replicas, '--local-steps', steps, '--micro-batch', microBatch],
});
const mlpRounds = rounds(8, 16, 32);
const cnnRounds = rounds(8, 4, 32);
/** Inner steps want an optimizer with little memory. */
const cnnInner = ['--optimizer', 'sgd', '--lr', 0.1, '--momentum', 0.9, '--nesterov'];

export const subjects: readonly Subject[] = [
  { name: 'mlp, 128', preset: 'mlp', batch: 128, microBatch: 16, options: [], accuracy: 0.975, isScaled: true },
  {
    name: 'mlp, 1024',
    preset: 'mlp',
    batch: 1024,
    microBatch: 16,
    options: ['--batch', 1024],
    accuracy: null,
    isScaled: true,
  },
  {
    name: 'cnn-small, 256',
    preset: 'cnn-small',
    batch: 256,
    microBatch: 16,
    options: [],
    accuracy: 0.985,
    isScaled: true,
  },
  { name: 'mlp, rounds 8x16x32', preset: 'mlp', ...mlpRounds, accuracy: 0.975, isScaled: true },
  {
    name: 'cnn-small, rounds 8x4x32',
    preset: 'cnn-small',
    ...cnnRounds,
    options: [...cnnRounds.options, ...cnnInner],
    epochs: 3,
    accuracy: 0.985,
    isScaled: true,
  },
  ...[8, 4].map((bits) => ({
    name: `mlp, rounds 8x16x32, ${bits} bits`,
    preset: 'mlp' as const,
    ...mlpRounds,
    options: [...mlpRounds.options, '--wire-bits', bits],
    accuracy: 0.975,
    isScaled: false,
  })),
  {
    name: 'mlp, 128, 8 bits',
    preset: 'mlp',
    batch: 128,
    microBatch: null,
    options: ['--wire-bits', 8],
    accuracy: 0.975,
    isScaled: true,
  },
];

/** The first option of a subject that the help of `lockstep coordinator` does not mention, or undefined. */
export function unknownOption({ options }: Subject, help: string): string | undefined {
  return options.map(String).find((word) => word.startsWith('--') && !help.includes(`${word} `));
}
