import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type PlanRequest, planFleets } from '../../../coordinator/plan/run-plan.js';
import { usualAccuracies } from '../../../coordinator/plan/usual-accuracy.js';
import type { PresetName } from '../../../shared/model/presets.js';

const request: PlanRequest = {
  ...{ preset: 'mlp', epochs: 10, batch: 128, microBatch: 16, fleet: null },
  device: { samplesPerSecond: 30_000, threads: 1 },
  link: { mbps: 100, rttMs: 2 },
};
const sizes = (more: Partial<PlanRequest>) => planFleets({ ...request, ...more }).fleets.map(({ devices }) => devices);

test('fleets are shown up to the devices that there are, and that have work', () => {
  expect(sizes({})).toEqual([1, 2, 4, 8]);
  expect(sizes({ fleet: 6 })).toEqual([1, 2, 4, 6]);
  expect(sizes({ fleet: 30 })).toEqual([1, 2, 4, 8]);
  expect(sizes({ microBatch: 4, fleet: 30 })).toEqual([1, 2, 4, 8, 16, 30]);
  expect(sizes({ batch: 1024 })).toEqual([1, 2, 4, 8, 16, 32]);
  expect(sizes({ fleet: 1 })).toEqual([1]);
});

test('a whole run: the steps of its epochs, and the bytes of every step with the samples', () => {
  const { fleets, aloneSeconds } = planFleets(request);
  const [, two] = fleets;
  expect(aloneSeconds).toBe(20);
  expect(two.runSeconds).toBeCloseTo((4690 * two.stepMs) / 1000);
  expect(two.runBytesPerDevice).toBeCloseTo(4690 * two.bytesPerDevice + 30_000 * 207);
});

test('an accuracy is promised for the preset’s own settings alone', () => {
  expect(planFleets(request).accuracy).toBe(0.9785);
  expect(planFleets({ ...request, epochs: 9 }).accuracy).toBeNull();
  expect(planFleets({ ...request, batch: 256 }).accuracy).toBeNull();
  const cnn = { ...request, preset: 'cnn-small', epochs: 8, batch: 256, microBatch: 16 };
  expect(planFleets(cnn).accuracy).toBe(0.9933);
});

test('where a fleet is slower than one device, a larger batch is tried; where it is faster, nothing need change', () => {
  const { best, bound, change } = planFleets(request);
  expect(best.timesAlone).toBeLessThan(1);
  expect(bound).toBe('transfer');
  expect(change?.timesAlone).toBeGreaterThan(best.timesAlone);
  const cnn = planFleets({ ...request, preset: 'cnn-small', device: { samplesPerSecond: 100, threads: 1 } });
  expect(cnn).toMatchObject({ bound: 'compute', change: null });
});

test('the usual accuracies are those of the report on the presets', () => {
  const path = new URL('../../../../test/presets/report.json', import.meta.url);
  const { runs } = JSON.parse(readFileSync(path, 'utf8')) as {
    runs: { preset: PresetName; dataset: string; accuracy: number; settings: { rounds?: object } }[];
  };
  for (const [preset, accuracy] of Object.entries(usualAccuracies)) {
    const reached = runs.filter(
      ({ preset: name, dataset, settings }) => name === preset && dataset === 'mnist' && !settings.rounds,
    );
    const mean = reached.reduce((sum, each) => sum + each.accuracy, 0) / reached.length;
    expect(accuracy, preset).toBe(Math.round(1e4 * mean) / 1e4);
  }
});
