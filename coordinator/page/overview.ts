/** The figures at the top: accuracy, loss, speed, progress, and the hash of the weights. */

import type { AugmentDescription } from '../../shared/data/augment.js';
import { byteCount, percent } from '../../shared/figures.js';
import { chainOf } from '../../shared/model/chain.js';
import { outputWidth, parameterCount } from '../../shared/model/parameters.js';
import { stepUnit } from '../../shared/step-unit.js';
import type { RunPhase, RunState } from '../web/state.js';
import { find, setText } from './elements.js';
import { count, duration, loss, rate } from './format.js';

const phases: Readonly<Record<RunPhase, string>> = {
  waiting: 'Waiting for workers',
  training: 'Training',
  paused: 'Paused',
  finished: 'Finished',
  interrupted: 'Stopped',
  diverged: 'Diverged',
  stale: 'Not finished',
};

export function hasEnded(phase: RunPhase): boolean {
  return phase !== 'waiting' && phase !== 'training' && phase !== 'paused';
}

export function renderOverview(state: RunState): void {
  const { phase, step, stepsPlanned } = state;
  document.title = `${title(state)} · Lockstep`;
  const pill = find('phase', HTMLElement);
  pill.dataset.phase = phase;
  setText(pill, phaseText(state));
  text('run', state.run);

  renderAccuracy(state);
  text('loss', loss(state.loss));
  text('loss-note', state.accuracy === null ? '' : `${percent(state.accuracy)} of the newest batch right`);
  text('throughput', rate(state.samplesPerSecond));
  text('throughput-note', throughputNote(state));

  const done = stepsPlanned === 0 ? 0 : step / stepsPlanned;
  text('progress-percent', `${Math.floor(100 * done)} %`);
  find('progress', HTMLProgressElement).value = done;
  text('time-left', timeNote(state));
  const { epoch, epochs } = state;
  text('progress-note', `${stepUnit(state)} ${count(step)} of ${count(stepsPlanned)}, epoch ${epoch} of ${epochs}`);
  renderHash(state);
  text('traffic', trafficNote(state));
  text('model', modelNote(state));
  text('version', `Lockstep ${state.version}`);
}

/** The validation set's, until the test set was evaluated at the end. */
function renderAccuracy(state: RunState): void {
  const { testAccuracy, testLoss, bestTestAccuracy, validationAccuracy, validationLoss, bestValidationAccuracy } =
    state;
  const isTest = testAccuracy !== null || state.dataset.validation === undefined;
  text('accuracy-label', isTest ? 'Test accuracy' : 'Validation accuracy');
  text('test-accuracy', percent(isTest ? testAccuracy : validationAccuracy));
  const [best, lossNow] = isTest ? [bestTestAccuracy, testLoss] : [bestValidationAccuracy, validationLoss];
  const bestNote = best === null ? '' : `best ${percent(best)}, `;
  const also = isTest && validationAccuracy !== null ? `, ${percent(validationAccuracy)} on the validation set` : '';
  text('test-note', lossNow === null ? 'not evaluated yet' : `${bestNote}loss ${loss(lossNow)}${also}`);
}

/** A run that is read from its files has no fleet to wait for. */
export function phaseText({ phase, files }: Pick<RunState, 'phase' | 'files'>): string {
  return phase === 'waiting' && files !== null ? 'Not begun' : phases[phase];
}

function text(id: string, value: string): void {
  setText(find(id, HTMLElement), value);
}

function title(state: RunState): string {
  const { phase, step, stepsPlanned } = state;
  const name = phaseText(state);
  const accuracy = state.testAccuracy ?? state.validationAccuracy;
  if (hasEnded(phase)) return accuracy === null ? name : `${percent(accuracy)} ${name}`;
  if (phase !== 'training' || stepsPlanned === 0) return name;
  return `${Math.floor((100 * step) / stepsPlanned)} % Training`;
}

function throughputNote(state: RunState): string {
  const { phase, workers, batch, files } = state;
  const unit = stepUnit(state);
  const perStep = `${count(batch)} samples a ${unit}`;
  if (files !== null && hasEnded(phase))
    return `${phase === 'stale' ? `at the newest ${unit}` : 'on average'}, ${perStep}`;
  const fleet = fleetOf(state);
  const cores = workers.reduce((sum, { threads }) => sum + threads, 0);
  return files === null ? `${fleet}, ${count(cores)} cores, ${perStep}` : `${fleet}, ${perStep}`;
}

/** Who computes: "this machine and 2 workers". */
export function fleetOf({ workersTotal, threads }: Pick<RunState, 'workersTotal' | 'threads'>): string {
  const workers = `${count(workersTotal)} ${workersTotal === 1 ? 'worker' : 'workers'}`;
  if (threads === 0) return workers;
  return workersTotal === 0 ? 'this machine' : `this machine and ${workers}`;
}

function trafficNote({ traffic, files, phase, startedAt, now }: RunState): string {
  const { bytesSent, bytesReceived } = traffic;
  const all = bytesSent + bytesReceived;
  // The run was trained on one machine: there was no traffic.
  if (files !== null && all === 0) return '';
  const seconds = startedAt === null || hasEnded(phase) ? 0 : (now - startedAt) / 1000;
  const mean = seconds < 1 || all === 0 ? '' : `, ${byteCount(all / seconds)} a second on average`;
  return `Sent ${byteCount(bytesSent)}, received ${byteCount(bytesReceived)}${mean}`;
}

function timeNote({ phase, secondsLeft, startedAt, now, seconds, files }: RunState): string {
  if (phase === 'training' && secondsLeft !== null) return `${duration(secondsLeft)} left`;
  if (files !== null && seconds !== null) return `in ${duration(seconds)}`;
  return hasEnded(phase) || startedAt === null ? '' : `${duration((now - startedAt) / 1000)} so far`;
}

function renderHash(state: RunState): void {
  const { weightsSha256, weightsStep, phase } = state;
  const isKnown = weightsSha256 !== null && weightsStep !== null;
  const at = isKnown ? ` after ${stepUnit(state)} ${count(weightsStep)}` : '';
  text('hash-label', `${hasEnded(phase) && phase !== 'stale' ? 'Final weights hash' : 'Weights hash'}${at}`);
  text('hash', weightsSha256 ?? 'comes with the first evaluation');
}

function modelNote({ model, dataset, augment }: RunState): string {
  const shapes = [model.input, ...chainOf(model).map(({ layer }) => layer.output)];
  const widths = shapes.map((shape) => shape.join('×')).join(' – ');
  const sizes = `${count(parameterCount(model))} parameters, ${outputWidth(model)} classes`;
  const distorted = augment === null ? '' : `, distorted: ${distortions(augment)}`;
  return `${dataset.name}, ${count(dataset.train)} samples${distorted}; network ${widths}, ${sizes}`;
}

/** "shift 2, rotate 10": the augmentation as the option has it. */
function distortions(augment: AugmentDescription): string {
  return Object.entries(augment)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
