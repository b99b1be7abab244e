/** Reads a finished run from its directory, and makes the state that a dashboard would show of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigFile, MetricsLine } from '../../coordinator/archive/config.js';
import { decode } from '../../coordinator/archive/safetensors.js';
import { compareAnswers } from '../../coordinator/web/confusion.js';
import type { CurvePoint, EvaluationState, RunState, WorkerState } from '../../coordinator/web/state.js';
import type { Samples } from '../../shared/data/dataset.js';
import { Classifier } from '../../shared/model/classifier.js';
import { webAssembly } from '../shared/arithmetic/backends.js';
import type { Shown } from './fake-coordinator.js';

export const kernelBinary = new Uint8Array(
  readFileSync(new URL('../../shared/arithmetic/webassembly/kernels.wasm', import.meta.url)),
);

/** The state, weights and evaluation of the run in `directory`. `test` is its test set. */
export function recordedRun(directory: string, test: Samples): Shown {
  const config: ConfigFile = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'));
  const text = readFileSync(join(directory, 'metrics.jsonl'), 'utf8').trim();
  const lines = text.split('\n').map((line): MetricsLine => JSON.parse(line));
  const { tensors } = decode(readFileSync(join(directory, 'model.safetensors')));
  const weights = Float32Array.from(tensors.flatMap(({ values }) => [...values]));
  const last = lines[lines.length - 1];
  const evaluation = evaluate(config, weights, last.step, test);
  return { weights, evaluation, state: stateOf(config, lines) };
}

function stateOf(config: ConfigFile, lines: readonly MetricsLine[]): RunState {
  const last = lines[lines.length - 1];
  const stepsPerEpoch = Math.ceil(config.dataset.train / config.batch);
  const now = Date.now();
  return {
    version: config.version,
    files: null,
    run: '2026-01-12-mlp',
    phase: 'finished',
    step: last.step,
    stepsPlanned: config.epochs * stepsPerEpoch,
    epoch: last.epoch,
    epochs: config.epochs,
    stepsPerEpoch,
    samplesPerSecond: last.samplesPerSecond,
    secondsLeft: 0,
    loss: last.loss,
    accuracy: last.trainAccuracy,
    testLoss: last.testLoss ?? null,
    testAccuracy: last.testAccuracy ?? null,
    bestTestAccuracy: Math.max(...lines.map(({ testAccuracy }) => testAccuracy ?? 0)),
    validationLoss: null,
    validationAccuracy: null,
    bestValidationAccuracy: null,
    weightsSha256: last.weightsSha256 ?? null,
    weightsStep: last.step,
    newest: { weights: last.step, evaluation: last.step },
    evaluationFault: null,
    seconds: 95,
    model: config.model,
    dataset: config.dataset,
    batch: config.batch,
    localSteps: 1,
    wireBits: 32,
    augment: config.augment ?? null,
    slots: config.batch / config.microBatch,
    workers: workers(now),
    workersTotal: 4,
    threads: 0,
    networkBound: null,
    sampleBytes: 207,
    workersMin: 1,
    traffic: { bytesSent: 1_482_000_000, bytesReceived: 1_391_000_000 },
    alarms: [],
    join: {
      url: 'http://192.168.1.5:8080/join',
      command: 'npx lockstep worker ws://192.168.1.5:8080/',
      needsToken: true,
    },
    complete: true,
    events: events(now, lines),
    curve: lines.map(pointOf),
    weightsEveryMs: 100,
    startedAt: now - 95_000,
    now,
  };
}

function pointOf({ step, loss, trainAccuracy, testLoss, testAccuracy }: MetricsLine): CurvePoint {
  return {
    step,
    loss,
    accuracy: trainAccuracy,
    ...(testLoss !== undefined && { testLoss }),
    ...(testAccuracy !== undefined && { testAccuracy }),
  };
}

function workers(now: number): WorkerState[] {
  const one = (member: number, name: string, kind: WorkerState['kind'], threads: number, speed: number) => ({
    member,
    own: false,
    name,
    kind,
    threads,
    kernels: kind === 'node' ? 'native avx512 1e810772be4d' : 'webassembly 1f3a5c7d9e2b',
    samplesPerSecond: speed,
    shards: Math.round(speed / 11),
    copiesAgreed: member % 3,
    roundTripMs: 0.7 + 3.1 * member,
    bytesSent: 9_000 * speed,
    bytesReceived: 8_000 * speed,
    state: member === 4 ? ('idle' as const) : ('computing' as const),
    joinedAt: now - 90_000 + 7000 * member,
  });
  return [
    one(1, 'workstation', 'node', 16, 118_400),
    one(2, 'Chrome on Windows', 'browser', 4, 41_250),
    one(3, 'Safari on iPhone', 'browser', 3, 22_900),
    one(4, 'Firefox on Linux', 'browser', 4, 0),
  ];
}

function events(now: number, lines: readonly MetricsLine[]): RunState['events'] {
  const evaluated = lines.filter(({ testAccuracy }) => testAccuracy !== undefined);
  const texts = [
    ['joined', 'workstation joined with 16 cores'],
    ['started', 'training began'],
    ['joined', 'Chrome on Windows joined with 4 cores'],
    ['joined', 'Safari on iPhone joined with 3 cores'],
    ['left', 'Edge on Windows left: the connection was lost'],
    ['re-leased', '2 shards of step 312 went to others'],
    ...evaluated.flatMap(({ epoch, testAccuracy }) => [
      ['evaluated', `epoch ${epoch}: test accuracy ${(100 * testAccuracy!).toFixed(2)} %`],
      ['checkpoint', `checkpoint of epoch ${epoch}`],
    ]),
  ] as [RunState['events'][number]['kind'], string][];
  return texts.map(([kind, text], n) => ({ id: n + 1, at: now - 90_000 + 4000 * n, kind, text }));
}

function evaluate({ model, dataset }: ConfigFile, weights: Float32Array, step: number, test: Samples): EvaluationState {
  const classifier = new Classifier(webAssembly, model);
  classifier.setWeights(step, weights);
  const { labels, images, count } = test;
  const pixels = images.length / count;
  const imageOf = (index: number) => images.subarray(index * pixels, (index + 1) * pixels);
  const predicted = Uint8Array.from({ length: count }, (_, index) => classifier.answerTo(imageOf(index)));
  return compareAnswers({ set: 'test', step, classes: dataset.classes, labels, predicted, pixels, imageOf });
}
