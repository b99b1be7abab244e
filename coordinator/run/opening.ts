/** Where a run begins: in a new directory, or in its old directory at the newest whole checkpoint. */
import { join } from 'node:path';
import { LockstepError } from '../../shared/errors.js';
import { shorter } from '../../shared/figures.js';
import { knowsEnd } from '../../shared/optimizer/schedule.js';
import type { Checkpoint } from '../archive/checkpoint-file.js';
import { type Difference, differences } from '../archive/config.js';
import { RunDirectory, type RunDirectoryMeans } from '../archive/run-directory.js';
import type { BestWeights } from './best-weights.js';
import type { Clock } from './clock.js';
import type { RunListener } from './run-event.js';
import type { RunRequest } from './run-request.js';
import type { RunSetup } from './setup.js';
import { beginning, newestEvaluation, recordedStep, type Standing, Trainer, type TrainingPlan } from './trainer.js';

/** The means to open a run's directory. */
export interface OpeningMeans extends Required<RunDirectoryMeans> {
  readonly clock: Clock;
}

/** The directory of the run that goes on, or null when a new run begins. Rejects with `run-invalid` or `run-locked`. */
export async function openSaved({ resume, out }: RunRequest, means: OpeningMeans): Promise<RunDirectory | null> {
  if (resume !== undefined) return RunDirectory.open(resume, means);
  if (out === undefined || !(await RunDirectory.isThere(out, means.files))) return null;
  return RunDirectory.open(out, means);
}

/** Makes the directory of a new run. Rejects with `output-unwritable`, `output-taken` or `run-locked`. */
export function openNew({ out }: RunRequest, { name, config }: RunSetup, means: OpeningMeans): Promise<RunDirectory> {
  const path = out ?? join('runs', `${dateForNames(new Date(means.clock.dateMs()))}-${name}`);
  return RunDirectory.create(path, config, means);
}

/**
 * Prepares a saved run to go on as `setup` says. Resolves with its newest checkpoint, or with null when the run begins
 * again. Rejects with `run-differs` or `run-finished`; then nothing was changed.
 */
export async function resume(run: RunDirectory, setup: RunSetup, emit: RunListener): Promise<Checkpoint | null> {
  const different = differences(run.config, setup.config);
  if (different.length > 0) throw refusal(run, different);
  const checkpoint = await run.checkpoints.loadNewest();
  const standing = standingAt(checkpoint);
  if (new Trainer(setup.plan, standing).reasonToStop !== null && (await run.isFinished())) {
    const bounds = '--max-steps, --target-accuracy or --patience';
    const remedy = isPlannedToEnd(setup)
      ? `its schedule is planned for its epochs, so only ${bounds} may be raised`
      : `to train further, raise --epochs (and ${bounds} where given)`;
    throw new LockstepError('run-finished', `${run.path} is finished, after ${standing.step} steps: ${remedy}`);
  }
  await run.resumeMetrics(recordedStep(standing));
  await run.writeConfig(setup.config);
  const { step } = standing;
  emit({ type: 'resumed', step, checkpoint: checkpoint?.name ?? null, directory: run.path });
  return checkpoint;
}

function isPlannedToEnd({ config: { schedule } }: RunSetup): boolean {
  return schedule !== undefined && knowsEnd(schedule);
}

export function standingAt(checkpoint: Checkpoint | null): Standing {
  return checkpoint === null ? beginning : { step: checkpoint.position.step, state: checkpoint.state };
}

/**
 * Loads the best weights so far into `best`, for a run that ends with them. If they are lost, the run goes on without,
 * and the next evaluation with a lower loss is the best one.
 */
export async function recallBest(
  run: RunDirectory,
  { keep }: TrainingPlan,
  standing: Standing,
  best: BestWeights,
  emit: RunListener,
): Promise<Standing> {
  const { state } = standing;
  if (keep === 'last' || state.bestLoss === null) return standing;
  const checkpoint = await run.checkpoints.loadBest();
  const evaluation = checkpoint === null ? null : newestEvaluation(checkpoint.state);
  if (checkpoint !== null && evaluation?.step === checkpoint.position.step && evaluation.loss === state.bestLoss) {
    best.become(evaluation.step, checkpoint.weights);
    return { ...standing, state: { ...state, best: evaluation } };
  }
  emit({ type: 'warned', warning: { code: 'best-lost' } });
  return { ...standing, state: { ...state, best: undefined } };
}

function refusal({ path }: RunDirectory, different: readonly Difference[]): LockstepError {
  const changes = different.map(described).join('; ');
  const remedy = 'leave those options out to go on with it, or choose another --out for a new run';
  return new LockstepError('run-differs', `${path} cannot go on with other weights: ${changes}; ${remedy}`);
}

function described({ field, a, b }: Difference): string {
  const why = field === 'epochs' ? ', and the rates of its schedule depend on that' : '';
  return `${field} was ${shown(a)} and would be ${shown(b)}${why}`;
}

/** For people: float32 values with 6 digits, and the first 12 characters of a hash. */
function shown(x: unknown): string {
  if (x === undefined) return 'not set';
  if (typeof x === 'number') return String(shorter(x));
  if (typeof x === 'string' && x.length === 64) return `${x.slice(0, 12)}…`;
  return JSON.stringify(x);
}

/** 2026-01-31T09-15-00: sorts by time, and is a valid file name on every system. */
function dateForNames(date: Date): string {
  return date.toISOString().slice(0, 19).replaceAll(':', '-');
}
