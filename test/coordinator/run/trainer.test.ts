import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isBest,
  type Score,
  type StopReason,
  Trainer,
  type TrainerEffect,
  type TrainerEvent,
  type TrainingPlan,
} from '../../../coordinator/run/trainer.js';

interface Course {
  readonly recorded: { step: number; epoch: number; train: Score; test: Score | null }[];
  readonly positions: string[];
  readonly checkpoints: number[];
  readonly reasons: StopReason[];
  updates: number;
}

type Reply = (kind: 'step' | 'evaluate', count: number) => TrainerEvent | null;

const score = (loss: number, accuracy = 0): Score => ({ loss, accuracy });

/** Answers every request. The nth loss is n. */
const well: Reply = (kind, n) =>
  kind === 'step' ? { type: 'summed', nowMs: 0, score: score(n) } : { type: 'evaluated', nowMs: 0, score: score(n) };

/** Carries out a run. If a reply is null, the request stays open, and the run stops there. */
function carryOut(plan: TrainingPlan, reply: Reply = well): { course: Course; trainer: Trainer } {
  const trainer = new Trainer(plan);
  const course: Course = { recorded: [], positions: [], checkpoints: [], reasons: [], updates: 0 };
  const counts = { step: 0, evaluate: 0 };
  const effects = trainer.step({ type: 'start', nowMs: 0 });
  for (let effect = effects.shift(); effect !== undefined; effect = effects.shift()) {
    note(course, effect);
    if (effect.type !== 'step' && effect.type !== 'evaluate') continue;
    counts[effect.type] += 1;
    const event = reply(effect.type, counts[effect.type]);
    if (event !== null) effects.push(...trainer.step(event));
  }
  return { course, trainer };
}

function note(course: Course, effect: TrainerEffect): void {
  switch (effect.type) {
    case 'step':
      course.positions.push(`${effect.position.step}: ${effect.position.epoch}/${effect.position.stepInEpoch}`);
      return;
    case 'update':
      course.updates += 1;
      return;
    case 'record':
      course.recorded.push({ step: effect.step, epoch: effect.epoch, train: effect.train, test: effect.test ?? null });
      return;
    case 'checkpoint':
      course.checkpoints.push(effect.position.step);
      return;
    case 'finish':
      course.reasons.push(effect.reason);
      return;
    case 'evaluate':
    case 'restore':
    case 'tested':
      return;
    default:
      effect satisfies never;
  }
}

const plan: TrainingPlan = {
  stepsPerEpoch: 3,
  epochs: 2,
  evaluateEvery: 'epoch',
  judge: 'test',
  keep: 'last',
  checkpointEveryMs: 1e9,
};
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
const stepsOf = ({ recorded }: Course) => recorded.map(({ step }) => step);
const evaluatedOf = ({ recorded }: Course) => recorded.filter(({ test }) => test !== null).map(({ step }) => step);

describe('a run', () => {
  it('goes through every step of every epoch, and evaluates at the end of each', () => {
    const { course } = carryOut(plan);
    expect(course.positions).toEqual(['0: 0/0', '1: 0/1', '2: 0/2', '3: 1/0', '4: 1/1', '5: 1/2']);
    expect(course.recorded.map(({ step, epoch }) => [step, epoch])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 2],
      [5, 2],
      [6, 2],
    ]);
    expect(course.recorded.map(({ train }) => train.loss)).toEqual(upTo(6));
    expect(evaluatedOf(course)).toEqual([3, 6]);
    expect(course.checkpoints).toEqual([3, 6]);
    expect(course.updates).toBe(6);
    expect(course.reasons).toEqual(['epochs']);
  });

  it('ends after so many steps, in the middle of an epoch, with an evaluation', () => {
    const { course } = carryOut({ ...plan, maxSteps: 4 });
    expect(stepsOf(course)).toEqual(upTo(4));
    expect(evaluatedOf(course)).toEqual([3, 4]);
    expect(course.reasons).toEqual(['max-steps']);
  });

  it('ends with its epochs when those are fewer steps than the most, or as many', () => {
    for (const maxSteps of [6, 100]) expect(carryOut({ ...plan, maxSteps }).course.reasons).toEqual(['epochs']);
  });

  it('evaluates every so many steps, and at the end', () => {
    const { course } = carryOut({ ...plan, epochs: 3, evaluateEvery: 4 });
    expect(evaluatedOf(course)).toEqual([4, 8, 9]);
    expect(stepsOf(course)).toEqual(upTo(9));
  });

  it('ends when the accuracy is reached, and says so even if that was its last step', () => {
    const reply =
      (when: number): Reply =>
      (kind, n) =>
        kind === 'step' ? well(kind, n) : { type: 'evaluated', nowMs: 0, score: score(1, n < when ? 0.949 : 0.95) };
    const accurate = { ...plan, targetAccuracy: 0.95 };
    expect(stepsOf(carryOut(accurate, reply(1)).course)).toEqual(upTo(3));
    for (const when of [1, 2]) expect(carryOut(accurate, reply(when)).course.reasons).toEqual(['target-accuracy']);
    expect(carryOut(accurate, reply(3)).course.reasons).toEqual(['epochs']);
  });

  it('ends when so many evaluations in a row were not better than the best before', () => {
    const losses = [5, 4, 4.5, 3, 3, 3.5, 3, 1];
    const reply: Reply = (kind, n) =>
      kind === 'step' ? well(kind, n) : { type: 'evaluated', nowMs: 0, score: score(losses[n - 1]) };
    const { course } = carryOut({ ...plan, stepsPerEpoch: 1, epochs: 8, patience: 3 }, reply);
    expect(course.reasons).toEqual(['converged']);
    expect(stepsOf(course)).toEqual(upTo(7));
  });

  it('that diverges ends at once, and leaves no checkpoint of it', () => {
    const { course } = carryOut(plan, (kind, n) => (n === 2 ? { type: 'diverged' } : well(kind, n)));
    expect(course.reasons).toEqual(['diverged']);
    expect(stepsOf(course)).toEqual([1]);
    expect(course.updates).toBe(1);
    expect(course.checkpoints).toEqual([]);
  });
});

describe('a run at its edges', () => {
  it('with nothing to do ends where it begins', () => {
    const { course } = carryOut({ ...plan, maxSteps: 0 });
    expect(course.positions).toEqual([]);
    expect(course.reasons).toEqual(['max-steps']);
  });

  it('whose evaluation is not finite ends with the step recorded that was made', () => {
    const { course } = carryOut(plan, (kind, n) => (kind === 'evaluate' ? { type: 'diverged' } : well(kind, n)));
    expect(stepsOf(course)).toEqual(upTo(3));
    expect(course.checkpoints).toEqual([]);
    expect(course.reasons).toEqual(['diverged']);
  });
});

describe('an interrupt', () => {
  const stopped = (trainer: Trainer, course: Course) => {
    for (const effect of trainer.step({ type: 'interrupt' })) note(course, effect);
    return course;
  };

  it('before the start leaves a checkpoint of the beginning', () => {
    const trainer = new Trainer(plan);
    const course = stopped(trainer, { recorded: [], positions: [], checkpoints: [], reasons: [], updates: 0 });
    expect(course.checkpoints).toEqual([0]);
    expect(course.reasons).toEqual(['interrupted']);
    expect(trainer.step({ type: 'start', nowMs: 0 })).toEqual([]);
  });

  it('during a step drops that step', () => {
    const { course, trainer } = carryOut(plan, (kind, n) => (n === 2 ? null : well(kind, n)));
    stopped(trainer, course);
    expect(stepsOf(course)).toEqual([1]);
    expect(course.checkpoints).toEqual([1]);
    expect(course.reasons).toEqual(['interrupted']);
  });

  it('during an evaluation records the step, which was made, without it', () => {
    const { course, trainer } = carryOut(plan, (kind, n) => (kind === 'evaluate' ? null : well(kind, n)));
    stopped(trainer, course);
    expect(stepsOf(course)).toEqual(upTo(3));
    expect(evaluatedOf(course)).toEqual([]);
    expect(course.checkpoints).toEqual([3]);
  });

  it('is the last thing that happens', () => {
    const { course, trainer } = carryOut(plan, (kind, n) => (n === 2 ? null : well(kind, n)));
    stopped(trainer, course);
    for (const event of [{ type: 'interrupt' }, { type: 'diverged' }, well('step', 2), well('evaluate', 1)] as const) {
      expect(event === null ? [] : trainer.step(event)).toEqual([]);
    }
  });

  it('after the end does nothing', () => {
    const { course, trainer } = carryOut(plan);
    expect(stopped(trainer, course).reasons).toEqual(['epochs']);
  });
});

describe('checkpoints by time', () => {
  /** The steps of the checkpoints, if each sum takes 10 ms and each evaluation 100 ms. */
  const timed = (checkpointEveryMs: number) => {
    let nowMs = 0;
    const reply: Reply = (kind, n) => {
      nowMs += kind === 'step' ? 10 : 100;
      return kind === 'step'
        ? { type: 'summed', nowMs, score: score(n) }
        : { type: 'evaluated', nowMs, score: score(n) };
    };
    return carryOut({ ...plan, stepsPerEpoch: 8, checkpointEveryMs }, reply).course.checkpoints;
  };

  it('are made after the step that is due, and counted anew from every one', () => {
    // The first is due 25 ms after the start, so it comes after step 3. Each evaluation makes a checkpoint, too.
    expect(timed(25)).toEqual([3, 6, 8, 11, 14, 16]);
  });

  it('of no time are made after every step', () => {
    expect(timed(0)).toEqual(upTo(16));
  });

  it('are not made where evaluations come sooner', () => {
    expect(timed(85)).toEqual([8, 16]);
  });
});

describe('the best weights', () => {
  it('are those of an evaluation, not of the steps after it', () => {
    const found: [number, boolean][] = [];
    const trainer = new Trainer({ ...plan, checkpointEveryMs: 0 });
    const effects = trainer.step({ type: 'start', nowMs: 0 });
    for (let effect = effects.shift(); effect !== undefined; effect = effects.shift()) {
      if (effect.type === 'checkpoint') found.push([effect.position.step, isBest(effect.position.step, effect.state)]);
      if (effect.type === 'step') effects.push(...trainer.step({ type: 'summed', nowMs: 0, score: score(1) }));
      if (effect.type === 'evaluate') effects.push(...trainer.step({ type: 'evaluated', nowMs: 0, score: score(1) }));
    }
    expect(found).toEqual([1, 2, 3, 4, 5, 6].map((step) => [step, step === 3]));
  });
});

describe('what comes at the wrong time', () => {
  it('is a bug of ours', () => {
    expect(() => new Trainer(plan).step({ type: 'summed', nowMs: 0, score: score(1) })).toThrow(
      'a sum arrived while ready',
    );
    const { trainer } = carryOut(plan, () => null);
    expect(() => trainer.step({ type: 'evaluated', nowMs: 0, score: score(1) })).toThrow(
      'an evaluation arrived while summing',
    );
  });
});

describe('whatever the plan', () => {
  const plans = fc.record({
    stepsPerEpoch: fc.integer({ min: 1, max: 7 }),
    epochs: fc.integer({ min: 1, max: 5 }),
    maxSteps: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
    evaluateEvery: fc.oneof(fc.constant('epoch' as const), fc.integer({ min: 1, max: 9 })),
    judge: fc.constantFrom('test' as const, 'validation' as const),
    keep: fc.constantFrom('last' as const, 'best' as const),
    patience: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    checkpointEveryMs: fc.constant(1e9),
  });

  it('every update is recorded exactly once, in order; a run ends once, and at a checkpoint', () => {
    fc.assert(
      fc.property(plans, fc.nat(40), fc.infiniteStream(fc.nat(9)), (any, stopAt, losses) => {
        const reply: Reply = (kind, n) => {
          if (kind === 'step') return n === stopAt ? null : well(kind, n);
          return { type: 'evaluated', nowMs: 0, score: score(losses.next().value) };
        };
        const { course, trainer } = carryOut(any, reply);
        for (const effect of trainer.step({ type: 'interrupt' })) note(course, effect);
        expect(stepsOf(course)).toEqual(upTo(course.updates));
        expect(course.updates).toBe(trainer.position.step);
        expect(course.updates).toBeLessThanOrEqual(trainer.stepsPlanned);
        expect(course.checkpoints.at(-1)).toBe(course.updates);
        expect(course.reasons.length).toBe(1);
      }),
    );
  });
});

describe('a pause', () => {
  /** Answers every request. Returns the number of requested steps. */
  function drive(trainer: Trainer, effects: TrainerEffect[]): number {
    let steps = 0;
    for (let effect = effects.shift(); effect !== undefined; effect = effects.shift()) {
      if (effect.type === 'step') {
        steps += 1;
        effects.push(...trainer.step({ type: 'summed', nowMs: 0, score: score(1) }));
      } else if (effect.type === 'evaluate') {
        effects.push(...trainer.step({ type: 'evaluated', nowMs: 0, score: score(1) }));
      }
    }
    return steps;
  }

  it('lets the step under way end, and asks for no other until it is over', () => {
    const trainer = new Trainer(plan);
    expect(trainer.step({ type: 'start', nowMs: 0 }).map(({ type }) => type)).toEqual(['step']);
    expect(trainer.step({ type: 'pause' })).toEqual([]);
    expect(trainer.isPaused).toBe(false);
    const effects = trainer.step({ type: 'summed', nowMs: 0, score: score(1) });
    expect(effects.map(({ type }) => type)).toEqual(['update', 'record']);
    expect(trainer.isPaused).toBe(true);
    expect(drive(trainer, trainer.step({ type: 'resume' }))).toBe(5);
    expect(trainer.position.step).toBe(6);
  });

  it('may come before the first step, may be asked for twice, and may be taken back', () => {
    const trainer = new Trainer(plan);
    trainer.step({ type: 'pause' });
    trainer.step({ type: 'pause' });
    expect(trainer.step({ type: 'start', nowMs: 0 })).toEqual([]);
    expect(trainer.isPaused).toBe(true);
    expect(trainer.step({ type: 'resume' }).map(({ type }) => type)).toEqual(['step']);
    trainer.step({ type: 'pause' });
    expect(trainer.step({ type: 'resume' })).toEqual([]);
    expect(drive(trainer, trainer.step({ type: 'summed', nowMs: 0, score: score(1) }))).toBe(5);
  });

  it('ends with an interrupt, which leaves a checkpoint', () => {
    const trainer = new Trainer(plan);
    trainer.step({ type: 'pause' });
    trainer.step({ type: 'start', nowMs: 0 });
    expect(trainer.step({ type: 'interrupt' }).map(({ type }) => type)).toEqual(['checkpoint', 'finish']);
  });
});

it('a checkpoint that is asked for is of where the run stands, and changes nothing else', () => {
  const trainer = new Trainer(plan);
  trainer.step({ type: 'start', nowMs: 0 });
  trainer.step({ type: 'summed', nowMs: 0, score: score(1) });
  const effects = trainer.step({ type: 'checkpoint', nowMs: 5 });
  expect(effects).toMatchObject([{ type: 'checkpoint', position: { step: 1 } }]);
  expect(trainer.step({ type: 'summed', nowMs: 0, score: score(1) }).map(({ type }) => type)).toContain('step');
});
