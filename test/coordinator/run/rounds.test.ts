/** Runs of local rounds, on a disk in memory. */
import { describe, expect, it } from 'vitest';
import { configSha256, type MetricsLine, type Summary } from '../../../coordinator/archive/config.js';
import { weightsSha256 } from '../../../coordinator/archive/floats.js';
import { localSite } from '../../../coordinator/run/local-site.js';
import type { RunRequest } from '../../../coordinator/run/run-request.js';
import { completeSettings } from '../../../coordinator/run/settings.js';
import { setUpRun } from '../../../coordinator/run/setup.js';
import { presets } from '../../../shared/model/presets.js';
import { withSettings } from '../../../shared/optimizer/optimizers.js';
import { referenceTrain } from '../../../shared/reference.js';
import { scalar } from '../../shared/arithmetic/backends.js';
import type { MemoryFiles } from '../archive/memory-files.js';
import { dataset, request, SmallRun } from './small-run.js';

const directory = '/runs/small';

/** An epoch has three rounds of three slots with two steps of two samples, and a round of one slot. */
const rounds: RunRequest = { batch: undefined, microBatch: 2, localSteps: 2, replicas: 3, epochs: 3 };
const roundsPerEpoch = 4;

function text(files: MemoryFiles, name: string): string {
  return Buffer.from(files.content(`${directory}/${name}`) ?? []).toString();
}

function linesOf(files: MemoryFiles): MetricsLine[] {
  const lines = text(files, 'metrics.jsonl').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** The hash after each round of the scalar reference loop. The index is the round. */
function referenceHashes(changes: RunRequest, steps: number): string[] {
  const { run } = setUpRun(completeSettings({ ...request, ...changes }, null), dataset, 0);
  const training = referenceTrain({ ...run, train: dataset.train }, scalar);
  return Array.from({ length: steps }, () => weightsSha256(training.next().value.weights));
}

/** Without the figures that depend on time. */
function lasting({ seconds, samplesPerSecond, ...rest }: Summary): Partial<Summary> {
  return rest;
}

describe('a run of rounds', () => {
  it('has the weights of the reference after every epoch, on one thread and on three', async () => {
    const hashes = referenceHashes(rounds, 3 * roundsPerEpoch);
    expect(new Set(hashes).size).toBe(hashes.length);
    for (const threads of [1, 3]) {
      const run = new SmallRun();
      const summary = await run.conduct(rounds, { site: localSite(threads) });
      expect(summary).toMatchObject({ steps: hashes.length, weightsSha256: hashes.at(-1) });
      const evaluated = linesOf(run.files).filter(({ weightsSha256: hash }) => hash !== undefined);
      expect(evaluated.map(({ step, weightsSha256: hash }) => [step, hash])).toEqual(
        [4, 8, 12].map((step) => [step, hashes[step - 1]]),
      );
    }
  });

  it('counts rounds where others count steps', async () => {
    const run = new SmallRun();
    await run.conduct({ ...rounds, maxSteps: 7, evalEvery: 3 });
    const lines = linesOf(run.files);
    expect(lines.map(({ step, epoch }) => [step, epoch])).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((step) => [step, step <= roundsPerEpoch ? 1 : 2]),
    );
    expect(lines.filter(({ testLoss }) => testLoss !== undefined).map(({ step }) => step)).toEqual([3, 6, 7]);
    for (const { loss, trainAccuracy } of lines) expect([loss > 0, trainAccuracy <= 1]).toEqual([true, true]);
  });

  it('says in its configuration what its rounds are', async () => {
    const run = new SmallRun();
    await run.conduct(rounds);
    const outer = { name: 'sgd', rate: Math.fround(0.7), momentum: Math.fround(0.8), nesterov: true };
    expect(JSON.parse(text(run.files, 'config.json'))).toMatchObject({
      batch: 12,
      microBatch: 2,
      rounds: { steps: 2, outer },
      optimizer: { name: 'sgd', rate: Math.fround(0.1), momentum: Math.fround(0.9) },
      schedule: presets.mlp.rounds?.schedule,
    });
  });

  it.each([1, 4, 8])('goes on after it was cut off at round %i, and keeps the best weights', async (cut) => {
    const changes: RunRequest = { ...rounds, validation: 8, keep: 'best', lr: 0.5, checkpointEvery: 0 };
    const quiet = await new SmallRun().conduct(changes);
    const run = new SmallRun();
    run.onEvent = (event) => event.type === 'stepped' && event.line.step === cut && run.wish.abort();
    await run.conduct(changes);
    const again = new SmallRun();
    const goOn: RunRequest = { ...request, batch: undefined, microBatch: undefined, lr: undefined, epochs: undefined };
    const summary = await again.conduct({ ...goOn, out: undefined, resume: directory }, { files: run.files });
    expect(lasting(summary)).toEqual({ ...lasting(quiet), resumedAtStep: cut });
  });

  it('cannot go on with other rounds', async () => {
    const run = new SmallRun();
    await run.conduct({ ...rounds, maxSteps: 3 });
    const again = (changes: RunRequest) => run.conduct({ ...rounds, maxSteps: 6, ...changes });
    await expect(again({ localSteps: 3 })).rejects.toThrow(/rounds.steps was 2 and would be 3/);
    await expect(again({ replicas: 2 })).rejects.toThrow(/batch was 12 and would be 8/);
    await expect(again({ outerLr: 0.5 })).rejects.toThrow(/rounds.outer.rate was 0.7 and would be 0.5/);
    await expect(again({ localSteps: 1, replicas: undefined })).rejects.toThrow(/rounds was .* and would be not set/);
    expect(await again({})).toMatchObject({ steps: 6 });
  });

  it.each([
    ['localSteps', 1],
    ['localSteps', 3],
    ['replicas', 2],
    ['outerLr', 0.6],
    ['outerMomentum', 0.6],
  ] as const)('trains other weights with another %s (%d)', async (setting, value) => {
    const changes = { ...rounds, [setting]: value };
    const other = setting === 'localSteps' && value === 1 ? { ...changes, replicas: undefined, batch: 12 } : changes;
    const [a, b] = [await new SmallRun().conduct(rounds), await new SmallRun().conduct(other)];
    expect(a.weightsSha256).not.toBe(b.weightsSha256);
  });

  it('ends with a sentence that names the round, if it diverges in the middle of a slot', async () => {
    const run = new SmallRun();
    await expect(
      run.conduct({ ...rounds, lr: 1e38, schedule: 'constant', localSteps: 8, replicas: 1 }),
    ).rejects.toThrow(/training diverged in round 1: .*--outer-lr/);
    expect(run.of('ended')).toMatchObject([{ reason: 'diverged' }]);
  });
});

describe('one local step', () => {
  it('is the ordinary run: the same configuration and the same weights', async () => {
    const [ordinary, one] = [new SmallRun(), new SmallRun()];
    const summary = await ordinary.conduct();
    expect(lasting(await one.conduct({ localSteps: 1 }))).toEqual(lasting(summary));
    const config = JSON.parse(text(one.files, 'config.json'));
    expect(config).toEqual(JSON.parse(text(ordinary.files, 'config.json')));
    expect(Object.keys(config)).not.toContain('rounds');
    expect(configSha256({ ...config, rounds: undefined })).toBe(configSha256(config));
  });
});

describe('settings that do not fit rounds', () => {
  it.each<[RunRequest, RegExp]>([
    [{ localSteps: 4, batch: 128 }, /--batch 128 does not go with rounds of --local-steps 4: .*8 x 4 x 32 = 1024/],
    [{ replicas: 4 }, /--replicas is a setting of rounds: add --local-steps/],
    [{ localSteps: 1, outerLr: 1 }, /--outer-lr is a setting of rounds/],
    [{ outerMomentum: 0 }, /--outer-momentum is a setting of rounds/],
    [{ localSteps: 65_536, replicas: 1_000 }, /a round of 1000 replicas x 65536 local steps x 32 samples has/],
  ])('are refused: %j', (given, sentence) => {
    expect(() => completeSettings(given, null)).toThrow(sentence);
  });

  it.each(['mlp', 'cnn-small', 'softmax'] as const)('are no others: %s has what suits it in rounds', (name) => {
    const settings = completeSettings({ preset: name, localSteps: 4 }, null);
    const { batch: _, rounds: none, ...ordinary } = completeSettings({ preset: name }, null);
    expect(none).toBeUndefined();
    const { optimizer = ordinary.optimizer, ...others } = presets[name].rounds ?? {};
    const expected = { ...ordinary, ...others, optimizer: withSettings(optimizer, {}) };
    expect(settings).toMatchObject({ ...expected, batch: 8 * 4 * expected.microBatch, rounds: { steps: 4 } });
  });

  it('without an outer momentum, the outer optimizer is plain', () => {
    const { rounds: mean } = completeSettings({ localSteps: 4, outerLr: 1, outerMomentum: 0 }, null);
    expect(mean?.outer).toEqual({ name: 'sgd', rate: 1, momentum: 0 });
  });
});
