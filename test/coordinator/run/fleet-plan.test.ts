/** What a run chooses for a number of devices, and when it may not choose. */
import { describe, expect, it } from 'vitest';
import { type FleetPlan, planFleet } from '../../../coordinator/run/fleet-plan.js';
import type { RunRequest } from '../../../coordinator/run/run-request.js';
import { completeSettings } from '../../../coordinator/run/settings.js';
import { setUpRun } from '../../../coordinator/run/setup.js';
import type { Model } from '../../../shared/model/model.js';
import { dataset, SmallRun, request as small } from './small-run.js';

/** 40 training samples. By default, a step has 16 of them, in slots of 8. */
function plan(changes: RunRequest, isNew = true): FleetPlan | null {
  const request = { ...small, batch: 16, microBatch: undefined, ...changes };
  const usual = setUpRun(completeSettings({ ...request, microBatch: request.microBatch ?? 8 }, null), dataset, 0);
  return planFleet(request, usual, isNew);
}

describe('for a number of devices, a new run', () => {
  it.each([
    [1, 8, 2],
    [2, 8, 2],
    [3, 4, 4],
    [5, 2, 8],
    [16, 1, 16],
  ])('of %i takes a micro-batch of %i: %i slots', (fleet, microBatch, slots) => {
    const found = { devices: fleet, option: '--micro-batch', usual: 8, samples: 16, isFixed: false, remedy: null };
    expect(plan({ fleet })).toEqual({ ...found, chosen: microBatch, slots, size: { batch: 16, microBatch } });
  });

  it('names a batch that has enough slots, where the smallest micro-batch has not', () => {
    expect(plan({ fleet: 20 })).toMatchObject({ chosen: 1, slots: 16, remedy: '--batch 20' });
    expect(plan({ fleet: 50 })).toMatchObject({ chosen: 1, slots: 16, remedy: null });
  });

  it('may take any power of two where a step has all samples', () => {
    expect(plan({ fleet: 10, batch: 0 })).toMatchObject({ samples: 40, chosen: 4, slots: 10 });
  });

  it('takes one that divides the batch', () => {
    expect(plan({ fleet: 3, batch: 18, microBatch: 6 })).toMatchObject({ isFixed: true, chosen: 6, slots: 3 });
    expect(plan({ fleet: 4, batch: 24 })).toMatchObject({ chosen: 4, slots: 6 });
  });

  it('does not choose what is given, or what a saved run has', () => {
    expect(plan({ fleet: 5, microBatch: 8 })).toMatchObject({
      isFixed: true,
      chosen: 8,
      slots: 2,
      remedy: '--batch 40',
    });
    expect(plan({ fleet: 5 }, false)).toMatchObject({ isFixed: true, chosen: 8, slots: 2 });
    expect(plan({})).toBeNull();
  });

  it('takes more replicas in a run of rounds', () => {
    const rounds = { batch: undefined, localSteps: 2, microBatch: 2, replicas: undefined };
    expect(plan({ ...rounds, fleet: 8 })).toMatchObject({ option: '--replicas', chosen: 8, usual: 8, slots: 8 });
    expect(plan({ ...rounds, fleet: 9 })).toMatchObject({ chosen: 16, slots: 10, samples: 40, size: { batch: 64 } });
    expect(plan({ ...rounds, fleet: 11 })).toMatchObject({ chosen: 16, slots: 10, remedy: null });
    expect(plan({ ...rounds, fleet: 9, replicas: 2 })).toMatchObject({
      isFixed: true,
      slots: 2,
      remedy: '--replicas 9',
    });
  });

  it('leaves a batch normalisation enough samples', () => {
    const dense = { dense: 3, activation: 'linear' } as const;
    const model: Model = { input: [4], layers: [dense, { batchNorm: 1e-5 }, dense], loss: 'softmaxCrossEntropy' };
    const normalised = setUpRun(completeSettings({ model, batch: 32, microBatch: 32 }, null), dataset, 0);
    expect(planFleet({ fleet: 4 }, normalised, true)).toMatchObject({ chosen: 16, slots: 2, remedy: null });
  });
});

describe('a run with a number of devices', () => {
  it('has the weights of the micro-batch that it chooses, and says so before anything else', async () => {
    const run = new SmallRun();
    const chosen = await run.conduct({ fleet: 5, microBatch: undefined, batch: 16 });
    expect(run.types[0]).toBe('planned');
    expect(run.of('planned')[0].plan).toMatchObject({ usual: 16, chosen: 2, slots: 8 });
    const given = await new SmallRun().conduct({ microBatch: 2, batch: 16 });
    expect(chosen.weightsSha256).toBe(given.weightsSha256);
  });

  it('goes on with the micro-batch that it has', async () => {
    const first = new SmallRun();
    await first.conduct({ maxSteps: 3 });
    const again = new SmallRun();
    const summary = await again.conduct({ fleet: 5, microBatch: undefined, maxSteps: 5 }, { files: first.files });
    expect(again.of('planned')[0].plan).toMatchObject({ isFixed: true, chosen: 4 });
    expect(summary.steps).toBe(5);
  });
});
