/** What a run has for a number of devices (`--fleet`), and why: for the log, and for the settings of the run. */
import { kindOf } from '../../shared/model/layers/layers.js';
import type { Model } from '../../shared/model/model.js';
import { parameterCount } from '../../shared/model/parameters.js';
import type { StepUnit } from '../../shared/step-unit.js';
import type { StepSize } from './round-settings.js';
import type { RunRequest } from './run-request.js';
import type { RunSetup } from './setup.js';

/** The options that are chosen, with their values. */
export type FleetChoice = Pick<RunRequest, 'localSteps' | 'replicas' | 'microBatch' | 'wireBits'>;

export interface FleetPlan {
  readonly devices: number;
  /** What differs from the run without `--fleet`. Empty if nothing does. */
  readonly chosen: FleetChoice;
  /** The option that decides the number of slots, such as `--replicas 8`, if it is as it would be without `--fleet`. */
  readonly kept: string | null;
  /** Whether there was nothing to choose: the user gave that option, or the run goes on. */
  readonly isFixed: boolean;
  /** The given option for which the run has ordinary steps, although its preset suits rounds. Null: there is none. */
  readonly stepsFor: string | null;
  readonly unit: StepUnit;
  /** Slots and samples of a full step, or of a round. */
  readonly slots: number;
  readonly samples: number;
  /** What a device with one slot receives and sends in each of them. */
  readonly bytes: number;
  /** An option that would give each device a slot. Null if each has one, or if the data set has too few samples. */
  readonly remedy: string | null;
  /** Rounds of the whole run, if they are so few that it loses accuracy, and the epochs that have enough. */
  readonly few: { readonly rounds: number; readonly epochs: number } | null;
  /** The settings of the run with the choice. */
  readonly size: Pick<StepSize, 'batch' | 'microBatch'>;
}

const optionNames: Readonly<Record<keyof FleetChoice, string>> = {
  localSteps: '--local-steps',
  replicas: '--replicas',
  microBatch: '--micro-batch',
  wireBits: '--wire-bits',
};

/** The choice as it is given on the command line: `--local-steps 16` and so on. */
export function choiceOptions(choice: FleetChoice): string[] {
  const names = Object.keys(optionNames) as (keyof FleetChoice)[];
  return names.flatMap((name) => (choice[name] === undefined ? [] : [`${optionNames[name]} ${choice[name]}`]));
}

/** A layer of this kind computes means over a micro-batch, which should have this many samples. */
const batchNormSamplesMin = 16;

/** The smallest micro-batch that suits a model, if `least` suits all others. */
export function smallestMicroBatch({ layers }: Model, least: number): number {
  return layers.some((layer) => kindOf(layer) === 'batchNorm') ? Math.max(batchNormSamplesMin, least) : least;
}

/** The weights on their way to a device, and the gradient or the change of a slot on its way back. */
export function exchangedBytes({ model, wireBits = 32 }: Pick<RunSetup['config'], 'model' | 'wireBits'>): number {
  return Math.ceil((2 * parameterCount(model) * wireBits) / 8);
}
