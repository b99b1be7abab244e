/** The figures at the top: how well, how fast, how far, and the hash that everyone's weights have. */
import { chainOf } from '../../shared/model/chain.js';
import { outputWidth, parameterCount } from '../../shared/model/parameters.js';
import type { RunPhase, RunState } from '../web/state.js';
import { find, setText } from './elements.js';
import { bytes, count, duration, loss, percent, rate } from './format.js';

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
  setText(pill, phases[phase]);
  text('run', state.run);

  text('test-accuracy', percent(state.testAccuracy));
  const best = state.bestTestAccuracy === null ? '' : `best ${percent(state.bestTestAccuracy)}, `;
  text('test-note', state.testLoss === null ? 'not evaluated yet' : `${best}loss ${loss(state.testLoss)}`);
  text('loss', loss(state.loss));
  text('loss-note', state.accuracy === null ? '' : `${percent(state.accuracy)} of the newest batch right`);
  text('throughput', hasEnded(phase) || phase === 'paused' ? '0' : rate(state.samplesPerSecond));
  text('throughput-note', throughputNote(state));

  const done = stepsPlanned === 0 ? 0 : step / stepsPlanned;
  text('progress-percent', `${Math.floor(100 * done)} %`);
  find('progress', HTMLProgressElement).value = done;
  text('time-left', timeNote(state));
  const { epoch, epochs } = state;
  text('progress-note', `step ${count(step)} of ${count(stepsPlanned)}, epoch ${epoch} of ${epochs}`);
  renderHash(state);
  text('traffic', `Sent ${bytes(state.traffic.bytesSent)}, received ${bytes(state.traffic.bytesReceived)}`);
  text('model', modelNote(state));
  text('version', `Lockstep ${state.version}`);
}

function text(id: string, value: string): void {
  setText(find(id, HTMLElement), value);
}

function title({ phase, step, stepsPlanned, testAccuracy }: RunState): string {
  if (hasEnded(phase)) return testAccuracy === null ? phases[phase] : `${percent(testAccuracy)} ${phases[phase]}`;
  if (phase !== 'training' || stepsPlanned === 0) return phases[phase];
  return `${Math.floor((100 * step) / stepsPlanned)} % Training`;
}

function throughputNote({ workersTotal, workers, batch }: RunState): string {
  const cores = workers.reduce((sum, { threads }) => sum + threads, 0);
  const fleet = `${count(workersTotal)} ${workersTotal === 1 ? 'worker' : 'workers'}, ${count(cores)} cores`;
  return `${fleet}, ${count(batch)} samples a step`;
}

function timeNote({ phase, secondsLeft, startedAt, now }: RunState): string {
  if (phase === 'training' && secondsLeft !== null) return `${duration(secondsLeft)} left`;
  return hasEnded(phase) || startedAt === null ? '' : `${duration((now - startedAt) / 1000)} so far`;
}

function renderHash({ weightsSha256, weightsStep, phase }: RunState): void {
  const at = weightsSha256 === null || weightsStep === null ? '' : ` after step ${count(weightsStep)}`;
  text('hash-label', `${hasEnded(phase) ? 'Final weights hash' : 'Weights hash'}${at}`);
  text('hash', weightsSha256 ?? 'comes with the first evaluation');
}

function modelNote({ model, dataset }: RunState): string {
  const shapes = [model.input, ...chainOf(model).map(({ layer }) => layer.output)];
  const widths = shapes.map((shape) => shape.join('×')).join(' – ');
  const sizes = `${count(parameterCount(model))} parameters, ${outputWidth(model)} classes`;
  return `${dataset.name}, ${count(dataset.train)} samples; network ${widths}, ${sizes}`;
}
