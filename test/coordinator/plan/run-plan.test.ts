import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { PlanRequest } from '../../../coordinator/plan/planned-fleet.js';
import { planFleets } from '../../../coordinator/plan/run-plan.js';
import { roundAccuracies, roundAccuracySteps, usualAccuracies } from '../../../coordinator/plan/usual-accuracy.js';
import type { PresetName } from '../../../shared/model/presets.js';

const request: PlanRequest = {
  ...{ preset: 'mlp', epochs: 10, batch: 128, microBatch: 16, localSteps: 1, wireBits: 32, fleet: null },
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
  const firstBytes = 60_000 * 207 + 2 * 4 * 101_770;
  expect(two.runSeconds).toBeCloseTo((4690 * two.stepMs) / 1000 + (8 * firstBytes) / 1e8);
  expect(two.runBytesPerDevice).toBeCloseTo(4690 * two.bytesPerDevice + firstBytes / 2);
});

test('an accuracy is promised for the preset’s own settings alone', () => {
  expect(planFleets(request).accuracy).toBe(0.9785);
  expect(planFleets({ ...request, epochs: 9 }).accuracy).toBeNull();
  expect(planFleets({ ...request, batch: 256 }).accuracy).toBeNull();
  const cnn = { ...request, preset: 'cnn-small', epochs: 8, batch: 256, microBatch: 16 };
  expect(planFleets(cnn).accuracy).toBe(0.9933);
});

const rounds = { batch: 4096, microBatch: 32, localSteps: 16 } as const;

test('rounds have the accuracies of the report, by the bits on the wire', () => {
  expect(planFleets({ ...request, ...rounds, wireBits: 8 }).accuracy).toBe(0.9818);
  expect(planFleets({ ...request, ...rounds, wireBits: 16 }).accuracy).toBeNull();
  expect(planFleets({ ...request, ...rounds, localSteps: 8, batch: 2048 }).accuracy).toBeNull();
  expect(planFleets({ ...request, wireBits: 8 }).accuracy).toBeNull();
});

test('where bytes decide, rounds with few bits are proposed, with a replica for each device', () => {
  const { best, bound, change } = planFleets(request);
  expect(best.timesAlone).toBeLessThan(1);
  expect(bound).toBe('transfer');
  expect(change).toMatchObject({ options: '--fleet 8', accuracy: 0.9818, epochs: null });
  expect(change?.best.timesAlone).toBeGreaterThan(1);
  expect(change?.best.runBytesPerDevice).toBeLessThan(best.runBytesPerDevice / 20);
  const { change: many } = planFleets({ ...request, fleet: 30 });
  expect(many).toMatchObject({ options: '--fleet 30', accuracy: null, epochs: null });
  expect(planFleets({ ...request, fleet: 30, epochs: 2 }).change?.epochs).toBeGreaterThan(2);
});

test('rounds with all bits are told to use fewer; where computing decides, nothing need change', () => {
  const inRounds = planFleets({ ...request, ...rounds, link: { mbps: 10, rttMs: 2 } });
  expect(inRounds.change).toMatchObject({ options: '--local-steps 16 --wire-bits 8', accuracy: 0.9818 });
  expect(planFleets({ ...request, ...rounds, wireBits: 8 }).change).toBeNull();
  const cnn = planFleets({ ...request, preset: 'cnn-small', fleet: 2, device: { samplesPerSecond: 100, threads: 1 } });
  expect(cnn).toMatchObject({ bound: 'compute', change: null });
});

test('a preset without settings for rounds is told to use a larger batch', () => {
  const { best, change } = planFleets({ ...request, preset: 'sigmoid-100' });
  expect(change?.kind).toBe('batch');
  expect(change?.options).toMatch(/^--preset sigmoid-100 --batch \d+$/);
  expect(change?.best.runSeconds).toBeLessThan(best.runSeconds);
});

test('the usual accuracies are those of the report on the presets', () => {
  const path = new URL('../../../../test/presets/report.json', import.meta.url);
  const { runs } = JSON.parse(readFileSync(path, 'utf8')) as {
    runs: {
      preset: PresetName;
      dataset: string;
      accuracy: number;
      settings: { rounds?: { steps: number }; wireBits?: number };
    }[];
  };
  for (const [preset, accuracy] of Object.entries(usualAccuracies)) {
    const reached = runs.filter(
      ({ preset: name, dataset, settings }) => name === preset && dataset === 'mnist' && !settings.rounds,
    );
    expect(accuracy, preset).toBe(mean(reached));
  }
  for (const [preset, byBits] of Object.entries(roundAccuracies)) {
    for (const [bits, accuracy] of Object.entries(byBits)) {
      const reached = runs.filter(
        ({ preset: name, dataset, settings: { rounds, wireBits = 32 } }) =>
          name === preset && dataset === 'mnist' && rounds?.steps === roundAccuracySteps && wireBits === Number(bits),
      );
      expect(accuracy, `${preset}, ${bits} bits`).toBe(mean(reached));
    }
  }
});

function mean(reached: readonly { readonly accuracy: number }[]): number {
  return Math.round((1e4 * reached.reduce((sum, each) => sum + each.accuracy, 0)) / reached.length) / 1e4;
}
