/** The promise of Lockstep: the weights hash is that of the scalar reference, whatever the fleet and its faults. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { weightsSha256 } from '../../coordinator/archive/floats.js';
import { loadDataset } from '../../coordinator/data/load.js';
import type { RunState } from '../../coordinator/web/state.js';
import { openScalar } from '../../shared/arithmetic/scalar/backend.js';
import { findPreset, presetModel } from '../../shared/model/presets.js';
import { type ReferenceRun, referenceTrain } from '../../shared/reference.js';
import { lockstep, scratch, smallDataset, startCoordinator, summaryOf } from './fixture.js';

const safety = { timeout: 120_000 };
const steps = 40;

let data: string;
beforeAll(() => {
  data = smallDataset();
});

/** Options of a short run. `out` is the name of its directory. */
function options(out: string, maxSteps: number): (string | number)[] {
  return [
    '--data',
    data,
    '--epochs',
    1000,
    '--max-steps',
    maxSteps,
    '--out',
    join(scratch(), out),
    '--log-format',
    'json',
  ];
}

async function referenceHash(preset: string, stepCount: number): Promise<string> {
  const { train, classes } = await loadDataset({ dataset: 'auto', directory: data });
  const { optimizer } = findPreset(preset);
  const model = presetModel(preset, train.shape, classes);
  const run: ReferenceRun = { model, train, batch: 128, microBatch: 16, seed: 1, optimizer };
  for (const { step, weights } of referenceTrain(run, openScalar())) {
    if (step === stepCount) return weightsSha256(weights);
  }
  throw new Error('the reference ended early');
}

describe('the weights hash of', () => {
  test.each(['mlp', 'sigmoid-16'])('%s on threads is that of the scalar reference', safety, async (preset) => {
    const expected = await referenceHash(preset, steps);
    for (const workers of [1, 2, 3, 5]) {
      const out = `threads-${preset}-${workers}`;
      const { code, stderr } = await lockstep('train', '--workers', workers, '--preset', preset, ...options(out, steps))
        .ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(summaryOf(join(scratch(), out)).weightsSha256).toBe(expected);
    }
  });

  test.each([1, 2, 3])('a fleet of %i processes is that of the scalar reference', safety, async (workers) => {
    const out = `fleet-${workers}`;
    const { coordinator, url } = await startCoordinator('--min-workers', workers, ...options(out, steps));
    const fleet = Array.from({ length: workers }, (_, i) =>
      lockstep('worker', url, '--threads', 1 + (i % 2), '--name', `w${i}`),
    );
    expect(await coordinator.ended).toMatchObject({ code: 0, stderr: '' });
    for (const worker of fleet) expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });
    expect(summaryOf(join(scratch(), out)).weightsSha256).toBe(await referenceHash('mlp', steps));
  });

  test("a coordinator's own threads, alone and beside workers, is that of the scalar reference", safety, async () => {
    const serving = (out: string) => ['coordinator', '--port', 0, ...options(out, steps)];
    const alone = await lockstep(...serving('own'), '--threads', 2).ended;
    expect(alone).toMatchObject({ code: 0, stderr: '' });
    expect(alone.stdout).toContain('training on this machine, with 2 threads; join with');
    const coordinator = lockstep(...serving('own-and-workers'), '--threads', 1, '--min-workers', 2);
    const [, url] = await coordinator.prints(/lockstep worker (ws:\/\/[\d.:]+)/);
    const fleet = ['a', 'b'].map((name) => lockstep('worker', url, '--threads', 1, '--name', name));
    expect(await coordinator.ended).toMatchObject({ code: 0, stderr: '' });
    for (const worker of fleet) expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });
    const hashes = ['own', 'own-and-workers'].map((out) => summaryOf(join(scratch(), out)).weightsSha256);
    expect(hashes).toEqual(Array(2).fill(await referenceHash('mlp', steps)));
  });

  test(
    "a coordinator's own threads is the same when a worker joins them in the middle, and has work",
    safety,
    async () => {
      const out = join(scratch(), 'joined');
      const options = ['--preset', 'sigmoid-16', '--data', data, '--epochs', 1_000_000, '--log-format', 'json'];
      const coordinator = lockstep('coordinator', '--port', 0, '--threads', 1, ...options, '--out', out);
      const [, url] = await coordinator.prints(/lockstep worker (ws:\/\/[\d.:]+)/);
      await coordinator.prints(/"epoch":3,/);
      const state = async () =>
        (await (await fetch(new URL('/api/state', url.replace('ws:', 'http:')))).json()) as RunState;
      expect(await state()).toMatchObject({ phase: 'training', workers: [{ own: true }] });
      const worker = lockstep('worker', url, '--threads', 1);
      while (((await state()).workers[1]?.shards ?? 0) < 10) await new Promise((resolve) => setImmediate(resolve));
      coordinator.process.kill('SIGINT');
      expect(await coordinator.ended).toMatchObject({ code: 130, stderr: '' });
      worker.process.kill('SIGINT');
      await worker.ended;
      const { steps, weightsSha256 } = summaryOf(out);
      const quiet = join(scratch(), 'not-joined');
      await lockstep('train', '--workers', 1, ...options, '--max-steps', steps, '--out', quiet).ended;
      expect(summaryOf(quiet).weightsSha256).toBe(weightsSha256);
    },
  );

  test('a fleet is the same when a worker is killed and another joins in the middle', safety, async () => {
    const many = 1500;
    const { coordinator, url } = await startCoordinator(
      '--min-workers',
      2,
      '--eval-every',
      50,
      ...options('chaos', many),
    );
    const [killed, stays] = ['killed', 'stays'].map((name) => lockstep('worker', url, '--threads', 1, '--name', name));
    await coordinator.prints(/"step":100,/);
    killed.process.kill('SIGKILL');
    await coordinator.prints(/"msg":"killed left/);
    const late = lockstep('worker', url, '--threads', 1, '--name', 'late');
    await coordinator.prints(/"msg":"late joined/);
    expect(await coordinator.ended).toMatchObject({ code: 0, stderr: '' });
    expect(await stays.ended).toMatchObject({ code: 0 });
    expect(await late.ended).toMatchObject({ code: 0 });
    const quiet = lockstep('train', '--workers', 1, ...options('quiet', many));
    expect(await quiet.ended).toMatchObject({ code: 0, stderr: '' });
    const [chaos, calm] = ['chaos', 'quiet'].map((out) => summaryOf(join(scratch(), out)));
    expect(chaos.steps).toBe(many);
    expect(chaos.weightsSha256).toBe(calm.weightsSha256);
  });

  test(
    'rounds are the same on threads, and on a fleet in which a worker is killed and another joins',
    safety,
    async () => {
      const rounds = ['--local-steps', 4, '--replicas', 6, '--eval-every', 50];
      const many = 300;
      const { coordinator, url } = await startCoordinator('--min-workers', 2, ...rounds, ...options('rounds', many));
      const [killed, stays] = ['killed', 'stays'].map((name) =>
        lockstep('worker', url, '--threads', 1, '--name', name),
      );
      await coordinator.prints(/"step":50,/);
      killed.process.kill('SIGKILL');
      await coordinator.prints(/"msg":"killed left/);
      const late = lockstep('worker', url, '--threads', 2, '--name', 'late', '--kernels', 'wasm');
      expect(await coordinator.ended).toMatchObject({ code: 0, stderr: '' });
      for (const worker of [stays, late]) expect(await worker.ended).toMatchObject({ code: 0 });
      const { weightsSha256, steps: made } = summaryOf(join(scratch(), 'rounds'));
      expect(made).toBe(many);
      for (const workers of [1, 3]) {
        const out = `rounds-${workers}`;
        const ended = await lockstep('train', '--workers', workers, ...rounds, ...options(out, many)).ended;
        expect(ended).toMatchObject({ code: 0, stderr: '' });
        expect(summaryOf(join(scratch(), out)).weightsSha256).toBe(weightsSha256);
      }
    },
  );

  const mnist = process.env.LOCKSTEP_DATA;
  test.skipIf(!mnist)('the defaults on MNIST is what the README says', safety, async () => {
    const out = join(scratch(), 'mnist');
    expect(await lockstep('train', '--data', mnist ?? '', '--out', out).ended).toMatchObject({ code: 0, stderr: '' });
    const { weightsSha256, testAccuracy } = summaryOf(out);
    expect(testAccuracy).toBeGreaterThanOrEqual(0.978);
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    expect(readme).toContain(`${(100 * (testAccuracy ?? 0)).toFixed(2)} % test accuracy`);
    expect(readme).toContain(`weights ${weightsSha256}`);
  });
});
