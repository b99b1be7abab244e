import { describe, expect, it } from 'vitest';
import type { StopReason } from '../../../coordinator/run/trainer.js';
import type { Evaluator } from '../../../coordinator/view/evaluator.js';
import { ViewedDirectory } from '../../../coordinator/view/viewed-directory.js';
import type { RunPhase } from '../../../coordinator/web/state.js';
import { isRefusal } from '../../../coordinator/web/viewed-run.js';
import type { EvaluationSet } from '../../../shared/data/dataset.js';
import { LockstepError } from '../../../shared/errors.js';
import { config, summary, vector } from '../archive/samples.js';
import { locks, openRecorded, WrittenRun } from './fixture.js';

/** Notes the requested steps. Fails with `fault` if there is one. */
class CountingEvaluator implements Evaluator {
  fault: Error | null = null;
  readonly steps: number[] = [];
  readonly sets: EvaluationSet[] = [];

  async evaluate({ step, wanted: { set } }: Parameters<Evaluator['evaluate']>[0]) {
    this.steps.push(step);
    this.sets.push(set);
    if (this.fault !== null) throw this.fault;
    return { set, step, samples: 10, correct: 9, confusion: [], misclassified: [] };
  }
}

async function begin(prepare: (files: WrittenRun) => void | Promise<void> = () => {}) {
  const [files, evaluator] = [new WrittenRun(), new CountingEvaluator()];
  await prepare(files);
  const view = new ViewedDirectory(await openRecorded(files), { evaluator, data: null, runs: 1, clock: () => 5 });
  await view.look();
  return { files, evaluator, view };
}

const test = { testLoss: 0.5, testAccuracy: 0.8, weightsSha256: 'e'.repeat(64) };

describe('a run directory that is viewed', () => {
  const ended = (stopReason: StopReason) => (files: WrittenRun) =>
    files.put('summary.json', JSON.stringify({ ...summary, stopReason }));
  const withLock = (name: string) => (files: WrittenRun) => files.put(name, '');
  const withSteps = (files: WrittenRun) => files.putSteps(1, 3);

  const phases: [string, RunPhase, ((files: WrittenRun) => void)[]][] = [
    ['a process works on it and has not made a step', 'waiting', [withLock(locks.alive)]],
    ['a process works on it', 'training', [withLock(locks.alive), withSteps]],
    ['a process of another machine works on it', 'training', [withLock(locks.elsewhere), withSteps]],
    ['its process is gone', 'stale', [withLock(locks.dead), withSteps]],
    ['it was let go of without a summary', 'stale', [withSteps]],
    ['it has made all its steps', 'finished', [withSteps, ended('epochs')]],
    ['it reached its target', 'finished', [withSteps, ended('target-accuracy')]],
    ['it was interrupted', 'interrupted', [withSteps, ended('interrupted')]],
    ['it diverged', 'diverged', [withSteps, ended('diverged')]],
  ];
  it.each(phases)('where %s, is %s', async (_, phase, preparations) => {
    const { view } = await begin((files) => {
      for (const prepare of preparations) prepare(files);
    });
    expect(view.state(0, null).phase).toBe(phase);
  });

  it('tells what a live run tells, but for who computes and how to join', async () => {
    const { files, view } = await begin((files) => {
      files.put(locks.alive, '');
      files.putSteps(1, 5, (step) => (step === 4 ? test : {}));
    });
    const { curve, ...state } = view.state(0, null);
    expect(state).toMatchObject({
      run: 'one',
      step: 5,
      stepsPlanned: 50,
      stepsPerEpoch: 5,
      epoch: 1,
      slots: 3,
      loss: 1 / 5,
      testLoss: 0.5,
      testAccuracy: 0.8,
      bestTestAccuracy: 0.8,
      weightsSha256: test.weightsSha256,
      weightsStep: 4,
      secondsLeft: Math.round((45 * 12) / 1000),
      files: { path: '/runs/one', writer: 'process 7 on here', runs: 1 },
      join: null,
      workers: [],
      complete: true,
      alarms: [],
    });
    expect(curve.map(({ step, testAccuracy }) => [step, testAccuracy])).toEqual([
      [1, undefined],
      [2, undefined],
      [3, undefined],
      [4, 0.8],
      [5, undefined],
    ]);
    expect(state.dataset.classNames).toBeUndefined();
    const named = { ...config.dataset, classNames: ['cat', 'dog', 'bird'] };
    files.put('config.json', JSON.stringify({ ...config, dataset: named, maxSteps: 8 }));
    await view.look();
    expect(view.state(0, null)).toMatchObject({ stepsPlanned: 8, dataset: { classNames: ['cat', 'dog', 'bird'] } });
  });

  it('tells from a mark on what is new, and everything after a resume has cut the run off', async () => {
    const { files, view } = await begin((files) => files.putSteps(1, 6));
    const stepsSince = (mark: typeof view.mark) => {
      const { complete, curve } = view.state(1, mark);
      return [complete, curve.map(({ step }) => step)];
    };
    const mark = view.mark;
    expect(stepsSince(mark)).toEqual([false, []]);
    files.putSteps(1, 8);
    await view.look();
    expect(stepsSince(mark)).toEqual([false, [7, 8]]);
    files.putSteps(1, 3);
    await view.look();
    expect(stepsSince(mark)).toEqual([true, [1, 2, 3]]);
    expect(view.state(1, null)).toMatchObject({ step: 3, testAccuracy: null, weightsSha256: null });
  });

  it('has the final hash when the run has ended, and the newest one again when it goes on', async () => {
    const { files, view } = await begin((files) => {
      files.putSteps(1, 3, () => test);
      files.put('summary.json', JSON.stringify(summary));
    });
    expect(view.state(0, null)).toMatchObject({ weightsSha256: summary.weightsSha256, weightsStep: summary.steps });
    files.remove('summary.json');
    await view.look();
    expect(view.state(0, null)).toMatchObject({ weightsSha256: test.weightsSha256, weightsStep: 3 });
  });

  it('refuses weights, model and evaluation before the first checkpoint, and has them after it', async () => {
    const { files, view } = await begin();
    for (const answer of [await view.weights(), await view.model(), await view.evaluation()]) {
      expect(answer).toMatchObject({ code: 'not-found', message: 'there is no whole checkpoint yet' });
    }
    await files.putCheckpoint(5);
    await view.look();
    const weights = await view.weights();
    if (isRefusal(weights)) throw new Error(weights.message);
    const floats = new Float32Array(weights.bytes.buffer, 8);
    expect([weights.step, [...new Uint32Array(weights.bytes.buffer, 0, 2)]]).toEqual([5, [5, floats.length]]);
    expect(floats).toEqual(vector(5));
    expect(await view.model()).toMatchObject({ step: 5 });
    expect(view.state(0, null).newest).toEqual({ weights: 5, evaluation: 5 });
  });

  it('evaluates once for all viewers, and again for newer weights', async () => {
    const { files, view, evaluator } = await begin((files) => files.putCheckpoint(5));
    const answers = await Promise.all([view.evaluation(), view.evaluation()]);
    expect(answers).toEqual([await view.evaluation(), await view.evaluation()]);
    expect(evaluator.steps).toEqual([5]);
    await files.putCheckpoint(10);
    await view.look();
    expect(await view.evaluation()).toMatchObject({ step: 10 });
    expect(evaluator.steps).toEqual([5, 10]);
  });

  it('shows the validation set until the run has evaluated its test set, and then the weights that it kept', async () => {
    const validated = { ...config, dataset: { ...config.dataset, validation: 20 } };
    const scores = { validationLoss: 0.5, validationAccuracy: 0.8 };
    const { files, view, evaluator } = await begin(async (files) => {
      files.put('config.json', JSON.stringify(validated));
      files.putSteps(1, 10, (step) => (step % 5 === 0 ? { ...scores, weightsSha256: 'e'.repeat(64) } : {}));
      await files.putCheckpoint(10, validated);
    });
    const state = () => view.state(0, null);
    expect(state()).toMatchObject({
      ...scores,
      bestValidationAccuracy: 0.8,
      testAccuracy: null,
      bestTestAccuracy: null,
    });
    expect(state().curve.at(-1)).toMatchObject({ step: 10, ...scores });
    expect(await view.evaluation()).toMatchObject({ step: 10 });
    await files.putModel(5);
    const ended = { ...summary, weightsStep: 5, testAccuracy: 0.7, testLoss: 0.6, bestTestAccuracy: null };
    files.put('summary.json', JSON.stringify({ ...ended, validationAccuracy: 0.9, validationLoss: 0.4 }));
    await view.look();
    expect(state()).toMatchObject({ testAccuracy: 0.7, testLoss: 0.6, validationAccuracy: 0.9, weightsStep: 5 });
    expect(state().newest).toEqual({ weights: 5, evaluation: 5 });
    expect(await view.weights()).toMatchObject({ step: 5 });
    expect(await view.evaluation()).toMatchObject({ step: 5 });
    expect(evaluator.sets).toEqual(['validation', 'test']);
  });

  it('says why there is no evaluation where the data set is missing', async () => {
    const { view, evaluator } = await begin((files) => files.putCheckpoint(5));
    evaluator.fault = new LockstepError('data-unavailable', 'it is not here');
    expect(await view.evaluation()).toEqual({ code: 'not-found', message: 'it is not here' });
    const { newest, evaluationFault } = view.state(0, null);
    expect([newest, evaluationFault]).toEqual([{ weights: 5, evaluation: null }, 'it is not here']);
  });

  it('tries again after the thread that evaluates has failed', async () => {
    const { view, evaluator } = await begin((files) => files.putCheckpoint(5));
    evaluator.fault = new Error('the thread has ended');
    await expect(view.evaluation()).rejects.toThrow('the thread has ended');
    evaluator.fault = null;
    expect(await view.evaluation()).toMatchObject({ step: 5 });
    expect(view.state(0, null).evaluationFault).toBe(null);
  });

  it('tells each fault once', async () => {
    const { files, view } = await begin((files) => files.put('summary.json', '{}'));
    files.put('metrics.jsonl', '{"step":\n');
    for (let i = 0; i < 3; i++) await view.look();
    expect(view.state(0, null).alarms.map(({ text }) => text)).toEqual([
      expect.stringContaining('summary.json'),
      expect.stringContaining('1 lines are damaged'),
    ]);
  });
});
