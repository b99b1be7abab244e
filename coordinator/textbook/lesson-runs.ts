/** The runs of the textbook experiment. Plain data, and the same for every data set; lesson.ts compares them. */
import type { Model } from '../../shared/model/model.js';
import { presetModel } from '../../shared/model/presets.js';
import type { RunRequest } from '../run/run-request.js';

export interface LessonRun {
  /** The name of its run directory. */
  readonly name: string;
  readonly cost: 'quadratic' | 'cross-entropy';
  /** Samples of a step; 0: all of them. */
  readonly batch: number;
  readonly rate: number;
  readonly epochs: number;
  /** Ends after so many steps, and is evaluated after every few of them. Undefined: evaluated after every epoch. */
  readonly steps?: { readonly max: number; readonly evaluateEvery: number };
}

export const lessonBatch = 32;
export const lessonSeed = 1;
/** The pieces of a step that takes all samples. */
const fullMicroBatch = 500;

const usual = { cost: 'quadratic', batch: lessonBatch, rate: 3, epochs: 10 } as const;

/** By the names that lesson.ts uses. Their order decides how their lines look: those of one chart differ in colour and dashes. */
export const lessonRuns = {
  usual: { ...usual, name: 'quadratic-rate-3' },
  slow: { ...usual, name: 'quadratic-rate-0.3', rate: 0.3 },
  wild: { ...usual, name: 'quadratic-rate-100', rate: 100 },
  entropy: { ...usual, name: 'cross-entropy-rate-0.3', cost: 'cross-entropy', rate: 0.3 },
  /** The same steps as the first ones of `usual`, looked at more often. */
  beginning: { ...usual, name: 'first-100-steps', steps: { max: 100, evaluateEvery: 5 } },
  full: { ...usual, name: 'full-batch-rate-3', batch: 0, epochs: 100 },
} as const satisfies Readonly<Record<string, LessonRun>>;

export type LessonRunKey = keyof typeof lessonRuns;

/** The file beside the runs with the model of the runs with cross-entropy, for `lockstep train --model`. */
export const entropyModelFile = 'cross-entropy.json';

/** 784-16-16-10 for MNIST, with sigmoids everywhere. The loss of cross-entropy has the last sigmoid in it. */
export function lessonModel(cost: LessonRun['cost'], shape: readonly number[], classes: number): Model {
  const model = presetModel('sigmoid-16', shape, classes);
  if (cost === 'quadratic') return model;
  const layers = [...model.layers.slice(0, -1), { dense: classes, activation: 'linear' as const }];
  return { ...model, layers, loss: 'sigmoidCrossEntropy' };
}

/** What the run is asked to do, without its directories. */
export function lessonRequest({ cost, batch, rate, epochs, steps }: LessonRun, model: Model): RunRequest {
  return {
    ...(cost === 'quadratic' ? { preset: 'sigmoid-16' } : { model }),
    optimizer: 'sgd',
    lr: rate,
    momentum: 0,
    batch,
    microBatch: microBatchOf(batch),
    epochs,
    seed: lessonSeed,
    ...(steps && { maxSteps: steps.max, evalEvery: steps.evaluateEvery }),
  };
}

/** The same as a command. `directory` is where the model file is. */
export function lessonCommand({ cost, batch, rate, epochs, steps }: LessonRun, directory: string): string {
  const model = cost === 'quadratic' ? '--preset sigmoid-16' : `--model ${directory}/${entropyModelFile}`;
  const update = `--optimizer sgd --lr ${rate} --momentum 0`;
  const size = `--batch ${batch} --micro-batch ${microBatchOf(batch)} --epochs ${epochs} --seed ${lessonSeed}`;
  const end = steps ? ` --max-steps ${steps.max} --eval-every ${steps.evaluateEvery}` : '';
  return `lockstep train ${model} ${update} ${size}${end}`;
}

function microBatchOf(batch: number): number {
  return batch === 0 ? fullMicroBatch : batch;
}
