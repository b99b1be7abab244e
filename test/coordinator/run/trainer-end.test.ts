/** The end of a run: which set judges it, which weights it keeps, and when the test set is evaluated. */
import { describe, expect, it } from 'vitest';
import {
  beginning,
  type Score,
  type Standing,
  Trainer,
  type TrainerEffect,
  type TrainingPlan,
} from '../../../coordinator/run/trainer.js';
import type { EvaluationSet } from '../../../shared/data/dataset.js';

/** Four epochs of two steps. The losses of the evaluations are lowest after step 4. */
const plan: TrainingPlan = {
  stepsPerEpoch: 2,
  epochs: 4,
  evaluateEvery: 'epoch',
  judge: 'validation',
  keep: 'best',
  checkpointEveryMs: 1e9,
};
const lossAfter: Readonly<Record<number, number>> = { 2: 3, 4: 1, 6: 2, 8: 1.5 };

/** The test set has other losses, so that it is seen which set a score is of. */
const scoreOf = (set: EvaluationSet, step: number): Score => {
  const loss = lossAfter[step] + (set === 'test' ? 10 : 0);
  return { loss, accuracy: 1 / (1 + loss) };
};

/** The effects that are not asked for in every step. */
const shown = (effect: TrainerEffect): string | null => {
  switch (effect.type) {
    case 'evaluate':
      return `evaluate ${effect.set} ${effect.step}`;
    case 'restore':
      return `restore ${effect.step}`;
    case 'tested':
      return `tested ${effect.evaluation.step}: ${effect.evaluation.loss}`;
    case 'finish':
      return effect.reason;
    case 'checkpoint':
      return `checkpoint ${effect.position.step}`;
    default:
      return null;
  }
};

/** Carries out a run, until the evaluation of this set and step if there is one. */
function follow(changes: Partial<TrainingPlan>, from: Standing = beginning, until = '') {
  const trainer = new Trainer({ ...plan, ...changes }, from);
  const told: string[] = [];
  const states: Standing[] = [];
  const effects = trainer.step({ type: 'start', nowMs: 0 });
  for (let effect = effects.shift(); effect !== undefined; effect = effects.shift()) {
    const text = shown(effect);
    if (text !== null) told.push(text);
    if (text === until) break;
    if (effect.type === 'checkpoint') states.push({ step: effect.position.step, state: effect.state });
    if (effect.type === 'step')
      effects.push(...trainer.step({ type: 'summed', nowMs: 0, score: { loss: 4, accuracy: 0.5 } }));
    if (effect.type === 'evaluate')
      effects.push(...trainer.step({ type: 'evaluated', nowMs: 0, score: scoreOf(effect.set, effect.step) }));
  }
  return { trainer, told, states };
}

describe('a run with a validation set', () => {
  it('evaluates the validation set, and the test set once, at the end, with the weights that it keeps', () => {
    const { told, trainer } = follow({});
    expect(told).toEqual([
      ...['evaluate validation 2', 'checkpoint 2', 'evaluate validation 4', 'checkpoint 4'],
      ...['evaluate validation 6', 'checkpoint 6', 'evaluate validation 8', 'checkpoint 8'],
      ...['restore 4', 'evaluate test 4', 'tested 4: 11', 'epochs'],
    ]);
    expect(trainer.weightsStep).toBe(4);
    expect(trainer.position.step).toBe(8);
    expect(trainer.findings).toMatchObject({
      validation: { step: 8, loss: 1.5 },
      best: { step: 4, loss: 1 },
      test: { loss: 11 },
      testStep: 4,
    });
  });

  it('keeps the last weights unless it is told otherwise', () => {
    const { told, trainer } = follow({ keep: 'last' });
    expect(told.slice(-3)).toEqual(['evaluate test 8', 'tested 8: 11.5', 'epochs']);
    expect(trainer.weightsStep).toBe(8);
  });

  it('is stopped by its validation set', () => {
    expect(follow({ patience: 2, epochs: 9 }).told.slice(-5)).toEqual([
      ...['checkpoint 8', 'restore 4', 'evaluate test 4', 'tested 4: 11', 'converged'],
    ]);
    // The accuracy of the test set is 1 / 12 at most.
    expect(follow({ targetAccuracy: 0.5 }).told.at(-1)).toBe('target-accuracy');
    expect(follow({ targetAccuracy: 0.5 }).trainer.position.step).toBe(4);
  });

  it('has nothing to restore if the last weights are the best', () => {
    expect(follow({ epochs: 2 }).told.slice(-3)).toEqual(['evaluate test 4', 'tested 4: 11', 'epochs']);
  });

  it('that is interrupted while the test set is evaluated makes no checkpoint of other weights, and can go on', () => {
    const { trainer, told, states } = follow({}, beginning, 'evaluate test 4');
    expect(told.at(-1)).toBe('evaluate test 4');
    expect(trainer.step({ type: 'checkpoint', nowMs: 0 })).toEqual([]);
    expect(trainer.step({ type: 'interrupt' })).toEqual([{ type: 'finish', reason: 'interrupted' }]);
    const again = follow({}, states.at(-1));
    expect(again.told).toEqual(['restore 4', 'evaluate test 4', 'tested 4: 11', 'epochs']);
  });

  it('whose test set gives a loss that is no number has diverged', () => {
    const { trainer } = follow({}, beginning, 'evaluate test 4');
    expect(trainer.step({ type: 'diverged' })).toEqual([{ type: 'finish', reason: 'diverged' }]);
  });

  it('that goes on with more epochs forgets that it was tested', () => {
    const { states } = follow({ epochs: 2 });
    const { told, trainer } = follow({}, states.at(-1));
    expect(told).toEqual([
      ...['evaluate validation 6', 'checkpoint 6', 'evaluate validation 8', 'checkpoint 8'],
      ...['restore 4', 'evaluate test 4', 'tested 4: 11', 'epochs'],
    ]);
    expect(trainer.findings.testStep).toBe(4);
  });
});

describe('a run without a validation set', () => {
  it('restores the best weights, which were evaluated before', () => {
    const { told, trainer } = follow({ judge: 'test' });
    expect(told.slice(-3)).toEqual(['checkpoint 8', 'restore 4', 'epochs']);
    expect(trainer.findings).toMatchObject({ test: { loss: 11.5 }, testStep: 8, best: { step: 4, loss: 11 } });
    expect(follow({ judge: 'test', keep: 'last' }).told.slice(-2)).toEqual(['checkpoint 8', 'epochs']);
  });

  it('keeps the last weights if the best ones were lost, and later ones are not better', () => {
    const { states } = follow({ judge: 'test', epochs: 3 });
    const { step, state } = states.at(-1)!;
    const lost: Standing = { step, state: { ...state, best: undefined } };
    expect(follow({ judge: 'test' }, lost).told).toEqual(['evaluate test 8', 'checkpoint 8', 'epochs']);
  });
});
