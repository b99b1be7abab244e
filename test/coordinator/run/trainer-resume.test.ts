/** A run that is cut off anywhere and resumed from its newest checkpoint takes the course of an undisturbed run. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  beginning,
  recordedStep,
  type Standing,
  Trainer,
  type TrainerEffect,
  type TrainerEvent,
  type TrainingPlan,
} from '../../../coordinator/run/trainer.js';

const plans: fc.Arbitrary<TrainingPlan> = fc.record({
  stepsPerEpoch: fc.integer({ min: 1, max: 7 }),
  epochs: fc.integer({ min: 1, max: 5 }),
  maxSteps: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
  evaluateEvery: fc.oneof(fc.constant('epoch' as const), fc.integer({ min: 1, max: 9 })),
  judge: fc.constantFrom('test' as const, 'validation' as const),
  keep: fc.constantFrom('last' as const, 'best' as const),
  targetAccuracy: fc.option(fc.double({ min: 0.1, max: 1, noNaN: true }), { nil: undefined }),
  patience: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  checkpointEveryMs: fc.nat(9),
});

/** The number of answers after which a run stops, and whether it is interrupted or just cut off. */
interface Cut {
  readonly answers: number;
  readonly inGoodOrder: boolean;
}

const never: Cut = { answers: Number.POSITIVE_INFINITY, inGoodOrder: false };

/** An answer to a request. Each takes a millisecond. As in a real run, the losses depend only on the step. */
function answer(kind: 'step' | 'evaluate', nowMs: number, step: number, testLosses: readonly number[]): TrainerEvent {
  if (kind === 'step') return { type: 'summed', nowMs, score: { loss: 1 / (1 + step), accuracy: 0.5 } };
  const loss = testLosses[step % testLosses.length];
  return { type: 'evaluated', nowMs, score: { loss, accuracy: 1 / (1 + loss) } };
}

/** Trains from `from` to the end or the cut. Returns what it recorded, its newest checkpoint and its findings. */
function follow(plan: TrainingPlan, testLosses: readonly number[], from: Standing, cut: Cut) {
  const trainer = new Trainer(plan, from);
  const told: TrainerEffect[] = [];
  let checkpoint = from;
  let answers = 0;
  const effects = trainer.step({ type: 'start', nowMs: 0 });
  for (let effect = effects.shift(); effect !== undefined; effect = effects.shift()) {
    if (['record', 'restore', 'tested', 'finish'].includes(effect.type)) told.push(effect);
    if (effect.type === 'checkpoint') checkpoint = { step: effect.position.step, state: effect.state };
    if (effect.type !== 'step' && effect.type !== 'evaluate') continue;
    if (answers < cut.answers) {
      answers += 1;
      const step = effect.type === 'step' ? effect.position.step : effect.step;
      effects.push(...trainer.step(answer(effect.type, answers, step, testLosses)));
    } else if (cut.inGoodOrder) effects.push(...trainer.step({ type: 'interrupt' }));
  }
  return { told, checkpoint, findings: trainer.findings };
}

it('whatever the plan, the losses and the moment', () => {
  const losses = fc.array(fc.nat(9), { minLength: 1, maxLength: 20 });
  const cuts = fc.record({ answers: fc.nat(60), inGoodOrder: fc.boolean() });
  fc.assert(
    fc.property(plans, losses, cuts, (plan, testLosses, cut) => {
      const quiet = follow(plan, testLosses, beginning, never);
      const begun = follow(plan, testLosses, beginning, cut);
      const rest = follow(plan, testLosses, begun.checkpoint, never);
      // As with the lines of the metrics, the records up to the checkpoint are kept. The first end is forgotten.
      const last = recordedStep(begun.checkpoint);
      const kept = begun.told.filter((effect) => effect.type === 'record' && effect.step <= last);
      expect([...kept, ...rest.told]).toEqual(quiet.told);
      expect(rest.findings).toEqual(quiet.findings);
    }),
    { numRuns: 500 },
  );
});
