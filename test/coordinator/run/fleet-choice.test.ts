/** What a run chooses for a number of devices, and when it may not choose. */
import { describe, expect, it } from 'vitest';
import { planFleet, requestForFleet } from '../../../coordinator/run/fleet-choice.js';
import { choiceOptions, type FleetPlan } from '../../../coordinator/run/fleet-plan.js';
import type { RunRequest } from '../../../coordinator/run/run-request.js';
import { completeSettings } from '../../../coordinator/run/settings.js';
import { setUpRun } from '../../../coordinator/run/setup.js';
import type { Model } from '../../../shared/model/model.js';
import { dataset, model, SmallRun, request as small } from './small-run.js';

/** 40 training samples. By default, a step has 16 of them, in slots of 8. */
function plan(changes: RunRequest, isNew = true): FleetPlan | null {
  const request = { ...small, batch: 16, microBatch: undefined, ...changes };
  const usual = setUpRun(completeSettings({ ...request, microBatch: request.microBatch ?? 8 }, null), dataset, 0);
  return planFleet(request, usual, isNew);
}

/** The run of a preset on as many samples as MNIST has, as `conduct` makes it. */
function planOf(changes: RunRequest): FleetPlan | null {
  const request = requestForFleet({ ...changes, data: small.data });
  const large = { ...dataset, train: { ...dataset.train, count: 60_000 } };
  return planFleet(changes, setUpRun(completeSettings(request, null), large, 0), true);
}

describe('for a number of devices, a new run of ordinary steps', () => {
  it.each([
    [1, 8, 2],
    [2, 8, 2],
    [3, 4, 4],
    [5, 2, 8],
    [16, 1, 16],
  ])('of %i takes a micro-batch of %i: %i slots', (fleet, microBatch, slots) => {
    const isUsual = microBatch === 8;
    expect(plan({ fleet })).toEqual({
      devices: fleet,
      chosen: isUsual ? {} : { microBatch },
      kept: isUsual ? '--micro-batch 8' : null,
      isFixed: false,
      stepsFor: null,
      unit: 'step',
      slots,
      samples: 16,
      bytes: 8 * 15,
      remedy: null,
      few: null,
      size: { batch: 16, microBatch },
    });
  });

  it('names a batch that has enough slots, where the smallest micro-batch has not', () => {
    expect(plan({ fleet: 20 })).toMatchObject({ chosen: { microBatch: 1 }, slots: 16, remedy: '--batch 20' });
    expect(plan({ fleet: 50 })).toMatchObject({ chosen: { microBatch: 1 }, slots: 16, remedy: null });
  });

  it('may take any power of two where a step has all samples', () => {
    expect(plan({ fleet: 10, batch: 0 })).toMatchObject({ samples: 40, chosen: { microBatch: 4 }, slots: 10 });
  });

  it('takes one that divides the batch', () => {
    expect(plan({ fleet: 4, batch: 24 })).toMatchObject({ chosen: { microBatch: 4 }, slots: 6 });
  });

  it('does not choose what is given, or what a saved run has', () => {
    const fixed = { isFixed: true, chosen: {}, kept: '--micro-batch 8', slots: 2 };
    expect(plan({ fleet: 5, microBatch: 8 })).toMatchObject({ ...fixed, remedy: '--batch 40' });
    expect(plan({ fleet: 5 }, false)).toMatchObject(fixed);
    expect(plan({})).toBeNull();
  });

  it('leaves a batch normalisation enough samples', () => {
    const dense = { dense: 3, activation: 'linear' } as const;
    const withMeans: Model = { input: [4], layers: [dense, { batchNorm: 1e-5 }, dense], loss: 'softmaxCrossEntropy' };
    const normalised = setUpRun(completeSettings({ model: withMeans, batch: 32, microBatch: 32 }, null), dataset, 0);
    expect(planFleet({ fleet: 4 }, normalised, true)).toMatchObject({
      chosen: { microBatch: 16 },
      slots: 2,
      remedy: null,
    });
  });
});

describe('for a number of devices, a new run of rounds', () => {
  const given = { batch: undefined, localSteps: 2, wireBits: 32 } as const;
  const rounds = (changes: RunRequest, usual: RunRequest = {}) =>
    planFleet(
      { ...given, ...changes },
      setUpRun(completeSettings({ ...small, ...given, replicas: 2, microBatch: 2, ...usual }, null), dataset, 0),
      true,
    );

  it('has a replica for each of them, as far as the samples go', () => {
    expect(rounds({ fleet: 2, microBatch: 2 })).toMatchObject({ chosen: {}, kept: '--replicas 2', slots: 2 });
    expect(rounds({ fleet: 9, microBatch: 2 })).toMatchObject({
      ...{ chosen: { replicas: 9 }, kept: null, slots: 9, samples: 36, remedy: null },
      size: { batch: 36, microBatch: 2 },
    });
    expect(rounds({ fleet: 21, microBatch: 2 })).toMatchObject({ chosen: { replicas: 21 }, slots: 10, remedy: null });
  });

  it('does not choose replicas that are given, or those of a saved run', () => {
    const fixed = { isFixed: true, kept: '--replicas 2', slots: 2, remedy: '--replicas 9' };
    expect(rounds({ fleet: 9, replicas: 2 })).toMatchObject(fixed);
    const saved = setUpRun(completeSettings({ ...small, ...given, replicas: 2, microBatch: 2 }, null), dataset, 0);
    expect(planFleet({ fleet: 9 }, saved, false)).toMatchObject({ ...fixed, chosen: {}, few: null });
  });

  it('says how many epochs have enough rounds, where it has few', () => {
    expect(rounds({ fleet: 5, microBatch: 2, epochs: 2 }, { epochs: 2 })?.few).toEqual({ rounds: 4, epochs: 20 });
    expect(rounds({ fleet: 5, microBatch: 2 }, { epochs: 20 })?.few).toBeNull();
  });
});

describe('a preset that suits rounds', () => {
  it.each([
    [2, '--local-steps 16 --wire-bits 8', 150],
    [8, '--local-steps 16 --wire-bits 8', 150],
    [30, '--local-steps 16 --replicas 30 --micro-batch 25 --wire-bits 8', 50],
    [60, '--local-steps 16 --replicas 60 --micro-batch 16 --wire-bits 4', 40],
  ])('has, for %i devices, %s: %i rounds in ten epochs', (fleet, options, total) => {
    const found = planOf({ fleet });
    expect(choiceOptions(found?.chosen ?? {}).join(' ')).toBe(options);
    expect(10 * Math.ceil(60_000 / (found?.size.batch ?? 1))).toBe(total);
    expect(found).toMatchObject({ unit: 'round', remedy: null, few: null });
  });

  it('has the micro-batch with which the fewest devices are idle in the last round of an epoch', () => {
    // With 32 samples, an epoch has 118 slots: for 20 devices 5 rounds of 20 and one of 18. With 27, the last one has 19.
    expect(planOf({ fleet: 20 })?.size.microBatch).toBe(27);
    expect(planOf({ fleet: 20, microBatch: 32, replicas: 20 })?.size.microBatch).toBe(32);
  });

  it('has few rounds with hundreds of devices, and with few epochs', () => {
    expect(planOf({ fleet: 100 })).toMatchObject({ slots: 100, few: { rounds: 30, epochs: 14 } });
    expect(planOf({ fleet: 300 })).toMatchObject({ slots: 300, size: { microBatch: 12 }, few: { rounds: 20 } });
    expect(planOf({ fleet: 30, epochs: 2 })).toMatchObject({ few: { rounds: 10, epochs: 8 } });
  });

  it('keeps the options of rounds that are given', () => {
    expect(requestForFleet({ fleet: 60, wireBits: 32, localSteps: 4 })).toMatchObject({ localSteps: 4, wireBits: 32 });
    expect(planOf({ fleet: 60, localSteps: 4, microBatch: 32, wireBits: 4 })).toMatchObject({
      chosen: { replicas: 60 },
      size: { microBatch: 32 },
    });
    expect(planOf({ fleet: 30, replicas: 16, microBatch: 8 })).toMatchObject({
      ...{ unit: 'round', isFixed: true, kept: '--replicas 16', slots: 16, remedy: '--replicas 30' },
      chosen: { localSteps: 16, wireBits: 8 },
    });
  });

  it.each([
    ['--micro-batch 8', { microBatch: 8 }],
    ['--batch 64', { batch: 64 }],
    ['--local-steps 1', { localSteps: 1 }],
    ['--optimizer adam', { optimizer: 'adam' }],
  ] as const)('has ordinary steps with %s', (option, given) => {
    const request = { fleet: 9, ...given };
    expect(requestForFleet(request)).toBe(request);
    expect(planOf(request)).toMatchObject({ unit: 'step', stepsFor: option });
  });

  it('has ordinary steps for a single device', () => {
    expect(planOf({ fleet: 1 })).toMatchObject({ unit: 'step', chosen: {}, stepsFor: null });
  });
});

it('a model that is not known in rounds has ordinary steps, and nothing is said of rounds', () => {
  for (const request of [
    { fleet: 9, model },
    { fleet: 9, preset: 'sigmoid-16' },
  ]) {
    expect(requestForFleet(request)).toBe(request);
    expect(planOf(request)).toMatchObject({ unit: 'step', stepsFor: null });
  }
});

describe('a run with a number of devices', () => {
  it('has the weights of the micro-batch that it chooses, and says so before anything else', async () => {
    const run = new SmallRun();
    const chosen = await run.conduct({ fleet: 5, microBatch: undefined, batch: 16 });
    expect(run.types[0]).toBe('planned');
    expect(run.of('planned')[0].plan).toMatchObject({ chosen: { microBatch: 2 }, slots: 8 });
    const given = await new SmallRun().conduct({ microBatch: 2, batch: 16 });
    expect(chosen.weightsSha256).toBe(given.weightsSha256);
  });

  it('goes on with the micro-batch that it has', async () => {
    const first = new SmallRun();
    await first.conduct({ maxSteps: 3 });
    const again = new SmallRun();
    const summary = await again.conduct({ fleet: 5, microBatch: undefined, maxSteps: 5 }, { files: first.files });
    expect(again.of('planned')[0].plan).toMatchObject({ isFixed: true, kept: '--micro-batch 4' });
    expect(summary.steps).toBe(5);
  });
});
