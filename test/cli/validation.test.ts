/** Real commands with a validation set, with the best weights, and with first weights from a file. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { MetricsLine, Summary } from '../../coordinator/archive/config.js';
import type { EvaluationState, RunState } from '../../coordinator/web/state.js';
import { lockstep, scratch, smallDataset, startCoordinator, summaryOf } from './fixture.js';

const safety = { timeout: 120_000 };

let data: string;
let one: string;
beforeAll(async () => {
  data = smallDataset();
  one = join(scratch(), 'one');
  expect(await lockstep('train', '--workers', 1, ...options(one)).ended).toMatchObject({ code: 0, stderr: '' });
}, safety.timeout);

/** A run whose best evaluation is not the last one: its learning rate is large. */
function options(out: string): (string | number)[] {
  const set = ['--data', data, '--validation', 250, '--keep', 'best'];
  return [...set, '--epochs', 6, '--lr', 0.3, '--eval-every', 5, '--out', out, '--log-format', 'json'];
}

function linesOf(run: string): MetricsLine[] {
  const lines = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((text) => JSON.parse(text));
}

/** What does not depend on time or on the fleet. */
function lasting({ seconds, samplesPerSecond, resumedAtStep, ...rest }: Summary): Partial<Summary> {
  return rest;
}

describe('a run with a validation set that keeps its best weights', () => {
  test('names both sets and both weights in its last line and its summary', safety, async () => {
    const summary = summaryOf(one);
    const lines = linesOf(one).filter(({ validationLoss }) => validationLoss !== undefined);
    const best = lines.reduce((a, b) => (b.validationLoss! < a.validationLoss! ? b : a));
    expect(lines.length).toBe(Math.ceil(84 / 5));
    expect(summary).toMatchObject({
      steps: 84,
      weightsStep: best.step,
      weightsSha256: best.weightsSha256,
      validationAccuracy: best.validationAccuracy,
      last: { step: 84, accuracy: lines.at(-1)?.validationAccuracy },
      best: { step: best.step, accuracy: best.validationAccuracy },
    });
    const again = lockstep('train', ...options(join(scratch(), 'last-line')));
    const text = (await again.ended).stdout;
    const percent = (x: number | null | undefined) => `${(100 * x!).toFixed(2)} %`;
    const accuracies = `test accuracy ${percent(summary.testAccuracy)}, validation accuracy ${percent(best.validationAccuracy)}`;
    if (best.step === 84) expect(text).toContain(`${accuracies}, weights`);
    else {
      const last = percent(summary.last?.accuracy);
      expect(text).toContain(`the best weights, after step ${best.step}: ${accuracies} (last ${last}), weights`);
    }
    expect(text.match(/the test set, evaluated once/g)).toHaveLength(1);
  });

  test('is the same on three threads, and on two workers of a coordinator', safety, async () => {
    const three = join(scratch(), 'three');
    expect(await lockstep('train', '--workers', 3, ...options(three)).ended).toMatchObject({ code: 0, stderr: '' });
    expect(lasting(summaryOf(three))).toEqual(lasting(summaryOf(one)));
    const fleet = join(scratch(), 'fleet');
    const { coordinator, url } = await startCoordinator('--min-workers', 2, ...options(fleet));
    const workers = [1, 2].map((threads) => lockstep('worker', url, '--threads', threads, '--name', `w${threads}`));
    expect(await coordinator.ended).toMatchObject({ code: 0, stderr: '' });
    for (const worker of workers) expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });
    expect(lasting(summaryOf(fleet))).toEqual(lasting(summaryOf(one)));
    expect(readFileSync(join(fleet, 'model.safetensors'))).toEqual(readFileSync(join(one, 'model.safetensors')));
  });

  test('is the same after it was stopped in the middle', safety, async () => {
    const run = join(scratch(), 'stopped');
    const first = await lockstep('train', ...options(run), '--max-steps', 33).ended;
    expect(first).toMatchObject({ code: 0, stderr: '' });
    const rest = lockstep('train', '--resume', run, '--max-steps', 84, '--log-format', 'json');
    expect(await rest.ended).toMatchObject({ code: 0, stderr: '' });
    const { stopReason, best, ...summary } = lasting(summaryOf(run));
    const expected = summaryOf(one);
    expect(summary).toMatchObject({ steps: 84, weightsSha256: expected.weightsSha256, testLoss: expected.testLoss });
    expect(best).toEqual(expected.best);
  });

  test('is shown by a view with the weights that it kept', safety, async () => {
    const running = lockstep('view', one, '--port', 0);
    const [link] = await running.prints(/http:\/\/\S+/);
    const get = async <T>(path: string) => (await fetch(new URL(path, link))).json() as Promise<T>;
    const { weightsStep, weightsSha256, testAccuracy, validationAccuracy } = summaryOf(one);
    const state = await get<RunState>('/api/state');
    expect(state).toMatchObject({ weightsStep, weightsSha256, testAccuracy, validationAccuracy, phase: 'finished' });
    expect(state.dataset).toMatchObject({ train: 1750, validation: 250, test: 300 });
    const { set, step, samples, correct } = await get<EvaluationState>('/api/evaluation');
    expect([set, step, samples, correct / samples]).toEqual(['test', weightsStep, 300, testAccuracy]);
    running.process.kill('SIGINT');
    expect((await running.ended).code).toBe(0);
  });
});

test('a run begins with the weights of another one, and refuses what does not fit', safety, async () => {
  const init = join(one, 'model.safetensors');
  const begin = (name: string, ...words: (string | number)[]) => {
    const out = join(scratch(), name);
    return lockstep('train', '--data', data, '--out', out, '--epochs', 1, '--log-format', 'json', ...words).ended;
  };
  expect(await begin('unchanged', '--init', init, '--lr', 0)).toMatchObject({ code: 0, stderr: '' });
  expect(summaryOf(join(scratch(), 'unchanged')).weightsSha256).toBe(summaryOf(one).weightsSha256);
  const other = await begin('other', '--init', init, '--preset', 'sigmoid-16');
  expect(other.code).toBe(1);
  expect(other.stderr).toMatch(
    /its tensor layers.0.weight has the shape \[784, 128\], and the model needs \[784, 16\]/,
  );
  const damaged = join(scratch(), 'damaged.safetensors');
  writeFileSync(damaged, readFileSync(init).subarray(0, -4));
  expect(await begin('damaged', '--init', damaged)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^lockstep: .*damaged.safetensors cannot be used for the first weights: its tensors need/,
    ),
  });
});
