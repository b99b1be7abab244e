/** Describes events for the log: one line for people, and fields with stable names for programs. */

import { join } from 'node:path';
import { atWork } from '../../shared/at-work.js';
import type { EvaluationSet } from '../../shared/data/dataset.js';
import { byteCount, grouped, percent, shorter } from '../../shared/figures.js';
import { plural } from '../../shared/plural.js';
import type { StepUnit } from '../../shared/step-unit.js';
import type { Summary } from '../archive/config.js';
import { networkBoundText } from '../fleet/network-bound.js';
import { choiceOptions, type FleetPlan } from '../run/fleet-plan.js';
import type { RunEvent, RunWarning } from '../run/run-event.js';
import type { RunSetup } from '../run/setup.js';
import type { Score, StopReason } from '../run/trainer.js';

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Where workers join a run. */
export interface JoinPlace {
  readonly host: string;
  readonly port: number;
  /** A sentence without secrets that says how to join. */
  readonly how: string;
}

/** Returns null for an event that is not logged. `place` is null if workers cannot join. */
export function describe(event: RunEvent, place: JoinPlace | null, unit: StepUnit = 'step'): LogLine | null {
  switch (event.type) {
    case 'loaded':
      return loaded(event.run.setup);
    case 'downloading':
    case 're-leased':
    case 'begun':
    case 'stepped':
    case 'checkpointed':
    case 'trained':
      return null;
    case 'warned':
      return describeWarning(event.warning, unit);
    case 'planned':
      return planned(event.plan);
    case 'resumed':
      return resumed(event);
    case 'waiting':
      return waiting(event, place);
    case 'joined':
      return joined(event);
    case 'left':
      return left(event);
    case 'banned':
      return banned(event);
    case 'stranded':
      return line('warn', {}, `no workers left: paused until one joins; ${place?.how ?? ''}`);
    case 'manned':
      return line('info', {}, 'going on');
    case 'evaluated':
      return evaluated(event, unit);
    case 'tested':
      return tested(event);
    case 'alarm-raised':
    case 'checkpoint-trouble':
      return line('error', { alarm: 'run-directory' }, event.message);
    case 'alarm-cleared':
      return line('info', { alarm: 'run-directory' }, event.message);
    case 'controlled':
      return controlled(event, unit);
    case 'ended':
      // The error that follows says more.
      return event.reason === 'diverged' ? null : ended(event, unit);
    default:
      return event satisfies never;
  }
}

type Of<T extends RunEvent['type']> = Extract<RunEvent, { readonly type: T }>;

function line(level: LogLine['level'], fields: LogLine['fields'], text: string): LogLine {
  return { level, fields, text };
}

function describeWarning(warning: RunWarning, unit: StepUnit): LogLine {
  switch (warning.code) {
    case 'dataset-replaced':
      return line('warn', {}, warning.message);
    case 'too-many-workers':
      return tooManyWorkers(warning, unit);
    case 'network-bound':
      return line('warn', {}, networkBoundText(warning.bound));
    case 'loss-grows':
      return lossGrows(warning, unit);
    case 'best-lost': {
      const text = 'the best weights so far are not on the disk: the run goes on, and keeps the best ones from here on';
      return line('warn', {}, text);
    }
    case 'evaluation-wrong': {
      const { worker, step } = warning;
      const text = `the evaluation after ${unit} ${step} is wrong: ${worker} computed a part of it`;
      return line('error', { worker, step }, text);
    }
    default:
      return warning satisfies never;
  }
}

type TooManyWorkers = Extract<RunWarning, { readonly code: 'too-many-workers' }>;

function tooManyWorkers({ workers, threads, slots }: TooManyWorkers, unit: StepUnit): LogLine {
  const all = [threads > 0 && plural(threads, 'own thread'), workers > 0 && plural(workers, 'worker')];
  const idle = workers + threads - slots;
  const spares =
    idle === 1
      ? 'one of them has nothing to do, and helps only where another one is late'
      : `${idle} of them have nothing to do, and help only where another one is late`;
  const more = unit === 'round' ? 'more --replicas' : 'a smaller --micro-batch, a larger --batch,';
  return line(
    'warn',
    {},
    `${all.filter(Boolean).join(' and ')} share ${plural(slots, 'slot')}, so ${spares}: use ${more} or fewer workers`,
  );
}

type LossGrows = Extract<RunWarning, { readonly code: 'loss-grows' }>;

function lossGrows({ set, loss, firstLoss, rate }: LossGrows, unit: StepUnit): LogLine {
  return line(
    'warn',
    {},
    `the ${set} loss is ${(loss / firstLoss).toFixed(0)} times the loss of the first ${unit}: training does not ` +
      `converge; try a smaller learning rate (--lr ${shorter(rate / 10)} instead of ${shorter(rate)})`,
  );
}

/** Says how large the rounds are, because the log counts them. Null for ordinary steps. */
function loaded({ config: { batch, microBatch, rounds } }: RunSetup): LogLine | null {
  if (rounds === undefined) return null;
  const { steps } = rounds;
  const replicas = batch / (steps * microBatch);
  const fields = { replicas, localSteps: steps, microBatch };
  const size = `${plural(replicas, 'replica')} x ${steps} local steps x ${plural(microBatch, 'sample')}`;
  return line('info', fields, `rounds of ${size}: ${grouped(batch)} samples from one update to the next`);
}

/** What the plan chose, why, and what it means for the devices and for the weights. */
function planned(plan: FleetPlan): LogLine {
  const { devices, chosen, stepsFor, unit, slots, samples, bytes, remedy, few } = plan;
  const size = `a ${unit} of ${grouped(samples)} samples has ${plural(slots, 'slot')}`;
  const spares = devices - slots;
  const some = spares === 1 ? 'one device is a spare, which helps' : `${spares} devices are spares, which help`;
  const texts = [
    `for ${plural(devices, 'device')}: ${choiceOf(plan)}`,
    `${size}, and a device with one of them sends and receives about ${byteCount(bytes)} in it`,
    stepsFor !== null && `because of ${stepsFor}, these are ordinary steps and not rounds, in which less is sent`,
    choiceOptions(chosen).length > 0 && 'any fleet gets the same weights with the same options',
    spares > 0 && `${some} only where another one is late`,
    remedy !== null && `with ${remedy}, each has a slot`,
    few !== null &&
      `${plural(few.rounds, 'round')} in all are few and cost accuracy: --epochs ${few.epochs} has enough`,
  ];
  return line(
    spares > 0 || few !== null ? 'warn' : 'info',
    { devices, chosen, slots },
    texts.filter(Boolean).join('; '),
  );
}

function choiceOf({ devices, chosen, kept, isFixed, unit, slots }: FleetPlan): string {
  const options = choiceOptions(chosen);
  if (options.length === 0) return `${kept} ${isFixed ? 'stays as it is' : 'is enough'}`;
  const less = unit === 'round' ? ', and less is sent' : '';
  const stays = isFixed ? `; ${kept} stays as it is` : '';
  return `${options.join(' ')}, so that ${slots < devices ? 'more of them have' : 'each has'} a slot${less}${stays}`;
}

function resumed({ step, checkpoint, directory }: Of<'resumed'>): LogLine {
  const from = checkpoint ?? 'the beginning: there is no whole checkpoint';
  return line('info', { step, run: directory }, `resumed at step ${step}, from ${from}`);
}

function waiting({ workersMin, threads }: Of<'waiting'>, place: JoinPlace | null): LogLine {
  const { how, ...where } = place ?? { how: '' };
  const own = plural(threads, 'thread');
  const begins =
    workersMin === 0 ? `training on this machine, with ${own}` : `waiting for ${plural(workersMin, 'worker')}`;
  return line('info', { ...(threads > 0 && { threads }), ...where }, `${begins}; ${how}`);
}

function banned({ worker, member, address, reason }: Of<'banned'>): LogLine {
  return line('warn', { worker, member, address }, `${worker} at ${address} is not admitted any more: ${reason}`);
}

function joined({ worker, member, threads, kernels, workers }: Of<'joined'>): LogLine {
  return line('info', { worker, member, threads, kernels, workers }, `${worker} joined (${workers} at work)`);
}

function left({ worker, member, workers, reason }: Of<'left'>): LogLine {
  const fields = { worker, member, workers, reason };
  if (reason === null) return line('info', fields, `${worker} left (${workers} at work)`);
  return line('warn', fields, `${worker} is out: ${reason} (${workers} at work)`);
}

function evaluated(event: Of<'evaluated'>, unit: StepUnit): LogLine {
  const { line: metrics, train, samplesPerSecond, validation, test, epochs } = event;
  const { epoch, step } = metrics;
  return line(
    'info',
    { ...metrics, loss: train.loss, trainAccuracy: train.accuracy, samplesPerSecond },
    `epoch ${epoch}/${epochs}, ${unit} ${step}: loss ${train.loss.toFixed(4)}, train ${percent(train.accuracy)}, ` +
      `${scored('validation', validation)}${scored('test', test)}${grouped(samplesPerSecond)} samples/s, ` +
      atWork(metrics),
  );
}

function scored(set: EvaluationSet, score: Score | null): string {
  return score === null ? '' : `${set} ${percent(score.accuracy)} (loss ${score.loss.toFixed(4)}), `;
}

function tested({ evaluation: { step, loss, accuracy } }: Of<'tested'>): LogLine {
  const fields = { step, testLoss: loss, testAccuracy: accuracy };
  return line('info', fields, `the test set, evaluated once: ${percent(accuracy)} (loss ${loss.toFixed(4)})`);
}

function controlled({ action, step, member }: Of<'controlled'>, unit: StepUnit): LogLine {
  const texts: Record<typeof action, string> = {
    pause: `paused by the operator, after the ${unit} under way`,
    resume: 'resumed by the operator',
    checkpoint: `the operator asked for a checkpoint, at ${unit} ${step}`,
    stop: `stopped by the operator after ${unit} ${step}`,
    drop: `the operator dropped worker ${member}`,
  };
  return line('info', { step }, texts[action]);
}

function ended({ summary, directory }: Of<'ended'>, unit: StepUnit): LogLine {
  return line('info', { ...summary, run: directory }, farewell(summary, directory, unit));
}

function farewell(summary: Summary, directory: string, unit: StepUnit): string {
  const { seconds, weightsSha256, stopReason, steps } = summary;
  const what = `${endings[stopReason]} after ${plural(steps, unit)} and ${seconds.toFixed(1)} s: ${scores(summary, unit)}`;
  const isOver = stopReason !== 'interrupted';
  const model = isOver ? `, model in ${join(directory, 'model.safetensors')}` : '';
  const next = isOver ? `lockstep view ${directory}` : `go on with --resume ${directory}`;
  return `${what}, weights ${weightsSha256}; run in ${directory}${model}; next: ${next}`;
}

/** The accuracies of the weights that the run ends with, and that of the last or the best ones, if they are others. */
function scores(summary: Summary, unit: StepUnit): string {
  const { testAccuracy, validationAccuracy, weightsStep, steps, last, best } = summary;
  const test = testAccuracy === null ? null : `test accuracy ${percent(testAccuracy)}`;
  const validation = validationAccuracy == null ? null : `validation accuracy ${percent(validationAccuracy)}`;
  const known = [test, validation].filter((text) => text !== null).join(', ') || 'not evaluated';
  if (last === null || best === null || last.step === best.step) return known;
  if (weightsStep === steps) return `${known} (best ${percent(best.accuracy)} after ${unit} ${best.step})`;
  return `the best weights, after ${unit} ${weightsStep}: ${known} (last ${percent(last.accuracy)})`;
}

const endings: Record<StopReason, string> = {
  epochs: 'done',
  'max-steps': 'stopped at --max-steps',
  'target-accuracy': 'reached --target-accuracy',
  converged: 'converged',
  interrupted: 'interrupted',
  diverged: 'diverged',
};
