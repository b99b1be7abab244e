/** Runs with a validation set, and runs that end with their best weights, on a disk in memory. */
import { describe, expect, it } from 'vitest';
import { configSha256, type MetricsLine, type Summary } from '../../../coordinator/archive/config.js';
import { weightsSha256 } from '../../../coordinator/archive/floats.js';
import { decode } from '../../../coordinator/archive/safetensors.js';
import { localSite } from '../../../coordinator/run/local-site.js';
import type { RunRequest } from '../../../coordinator/run/run-request.js';
import { fault, type MemoryFiles } from '../archive/memory-files.js';
import { dataset, SmallRun } from './small-run.js';

const directory = '/runs/small';

/** Eight epochs whose validation loss has its minimum in the middle: the learning rate is large. */
const validated: RunRequest = { validation: 8, epochs: 8, lr: 0.5 };

/** Goes on with the run, with its settings. */
const goOn: RunRequest = { out: undefined, resume: directory, epochs: undefined, lr: undefined };

function text(files: MemoryFiles, name: string): string {
  return Buffer.from(files.content(`${directory}/${name}`) ?? []).toString();
}

function linesOf(files: MemoryFiles): MetricsLine[] {
  return text(files, 'metrics.jsonl')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** The line with the lowest validation loss. */
function bestOf(lines: readonly MetricsLine[]): MetricsLine {
  const evaluated = lines.filter(({ validationLoss }) => validationLoss !== undefined);
  return evaluated.reduce((best, line) => (line.validationLoss! < best.validationLoss! ? line : best));
}

function modelHash(files: MemoryFiles): string {
  const { tensors } = decode(files.content(`${directory}/model.safetensors`)!);
  return weightsSha256(Float32Array.from(tensors.flatMap(({ values }) => [...values])));
}

/** Without the figures that depend on time. */
function lasting({ seconds, samplesPerSecond, ...rest }: Summary): Partial<Summary> {
  return rest;
}

describe('a run with a validation set', () => {
  it('trains on the other samples, and has the weights of a run that has no others', async () => {
    const { train } = dataset;
    const fewer = {
      ...dataset,
      train: { ...train, count: 32, images: train.images.slice(0, 4 * 32), labels: train.labels.slice(0, 32) },
    };
    const without = await new SmallRun().conduct({ epochs: 3 }, { loadDataset: async () => fewer });
    const run = new SmallRun();
    const summary = await run.conduct({ epochs: 3, validation: 8 });
    expect(summary).toMatchObject({ steps: 12, weightsSha256: without.weightsSha256 });
    // The validation set is no part of what the other run knows, and the test set is the same.
    expect(summary.testAccuracy).toBe(without.testAccuracy);
    expect(summary.testLoss).toBe(without.testLoss);
  });

  it('evaluates it, records it, and evaluates the test set once at the end', async () => {
    const run = new SmallRun();
    const summary = await run.conduct(validated);
    const lines = linesOf(run.files);
    expect(lines.filter(({ validationLoss }) => validationLoss !== undefined).map(({ step }) => step)).toEqual([
      4, 8, 12, 16, 20, 24, 28, 32,
    ]);
    expect(lines.some(({ testLoss }) => testLoss !== undefined)).toBe(false);
    for (const { validation, test } of run.of('evaluated')) expect([validation === null, test]).toEqual([false, null]);
    const [tested, ...others] = run.of('tested');
    expect(others).toEqual([]);
    expect(tested.evaluation).toEqual({ step: 32, loss: summary.testLoss, accuracy: summary.testAccuracy });
    const last = lines.at(-1);
    expect(summary).toMatchObject({
      validationLoss: last?.validationLoss,
      validationAccuracy: last?.validationAccuracy,
      bestTestAccuracy: null,
      weightsStep: 32,
      best: { step: bestOf(lines).step, loss: bestOf(lines).validationLoss },
    });
  });

  it('judges by the samples that are held out, and not by the test set', async () => {
    const run = new SmallRun();
    await run.conduct(validated);
    const other = new SmallRun();
    const test = { ...dataset.test, labels: dataset.test.labels.map((label) => (label + 1) % 3) };
    await other.conduct(validated, { loadDataset: async () => ({ ...dataset, test }) });
    const scores = (files: MemoryFiles) => linesOf(files).map(({ validationLoss }) => validationLoss);
    expect(scores(other.files)).toEqual(scores(run.files));
    const [a, b] = [run, other].map((one) => one.of('tested')[0].evaluation.loss);
    expect(a).not.toBe(b);
  });

  it('is the same on three threads', async () => {
    const one = await new SmallRun().conduct({ ...validated, keep: 'best' });
    const three = await new SmallRun().conduct({ ...validated, keep: 'best' }, { site: localSite(3) });
    expect(lasting(three)).toEqual(lasting(one));
  });

  it('cannot go on with another one, or without', async () => {
    const run = new SmallRun();
    await run.conduct({ ...validated, maxSteps: 6 });
    const again = (validation: number) => run.conduct({ ...validated, validation, maxSteps: 12 });
    await expect(again(9)).rejects.toThrow(/dataset.validation was 8 and would be 9/);
    await expect(again(0)).rejects.toThrow(/dataset.validation was 8 and would be not set/);
    expect(await run.conduct({ ...goOn, maxSteps: 12 })).toMatchObject({ steps: 12 });
  });

  it('is stopped by it', async () => {
    const run = new SmallRun();
    const summary = await run.conduct({ ...validated, epochs: 40, patience: 2 });
    expect(summary).toMatchObject({ stopReason: 'converged', last: { step: summary.steps } });
    expect(summary.best!.step).toBe(summary.steps - 8);
  });
});

describe('a run that ends with its best weights', () => {
  const kept: RunRequest = { ...validated, keep: 'best' };

  it('has them in its model, with their hash, and evaluates them on the test set', async () => {
    const run = new SmallRun();
    const summary = await run.conduct(kept);
    const best = bestOf(linesOf(run.files));
    expect(best.step).toBeLessThan(32);
    expect(summary).toMatchObject({
      steps: 32,
      weightsStep: best.step,
      weightsSha256: best.weightsSha256,
      validationLoss: best.validationLoss,
      validationAccuracy: best.validationAccuracy,
      last: { step: 32 },
    });
    expect(modelHash(run.files)).toBe(best.weightsSha256);
    const upToThen = await new SmallRun().conduct({ ...validated, maxSteps: best.step });
    expect(upToThen).toMatchObject({ weightsSha256: best.weightsSha256, testLoss: summary.testLoss });
  });

  it('needs no validation set', async () => {
    const run = new SmallRun();
    const summary = await run.conduct({ ...kept, validation: 0 });
    const evaluated = linesOf(run.files).filter(({ testLoss }) => testLoss !== undefined);
    const best = evaluated.reduce((a, b) => (b.testLoss! < a.testLoss! ? b : a));
    expect(best.step).toBeLessThan(40);
    const { step, testLoss, testAccuracy, weightsSha256: hash } = best;
    expect(summary).toMatchObject({ weightsStep: step, testLoss, testAccuracy, weightsSha256: hash });
    expect(run.types).not.toContain('tested');
  });

  it.each([3, 9, 15, 21, 27, 31])('ends on the same ones after it was cut off at step %i', async (step) => {
    const quiet = await new SmallRun().conduct(kept);
    const run = new SmallRun();
    run.onEvent = (event) => event.type === 'stepped' && event.line.step === step && run.wish.abort();
    expect(await run.conduct(kept)).toMatchObject({ stopReason: 'interrupted', testAccuracy: null });
    const again = new SmallRun();
    const summary = await again.conduct(goOn, { files: run.files });
    expect(lasting(summary)).toEqual({ ...lasting(quiet), resumedAtStep: step });
    expect(modelHash(run.files)).toBe(quiet.weightsSha256);
  });

  it('ends on the same ones though the disk refused their checkpoint', async () => {
    const quiet = await new SmallRun().conduct(kept);
    const run = new SmallRun();
    const name = `step-${String(quiet.weightsStep).padStart(8, '0')}`;
    run.files.failing = ({ kind, path }) => (kind === 'write' && path.includes(name) ? fault('ENOSPC', path) : null);
    expect(await run.conduct(kept)).toMatchObject({ weightsSha256: quiet.weightsSha256 });
    expect(run.files.paths().join()).not.toContain(name);
  });

  it('says so if they were lost while it did not run, and ends with the last ones', async () => {
    const quiet = await new SmallRun().conduct(kept);
    const run = new SmallRun();
    run.onEvent = (event) => event.type === 'stepped' && event.line.step === 30 && run.wish.abort();
    await run.conduct(kept);
    run.files.put(
      `${directory}/checkpoints/step-${String(quiet.weightsStep).padStart(8, '0')}.safetensors`,
      Buffer.of(),
    );
    const again = new SmallRun();
    const summary = await again.conduct(kept, { files: run.files });
    expect(again.of('warned').map(({ warning }) => warning.code)).toEqual(['best-lost']);
    expect(summary).toMatchObject({ weightsStep: 32, steps: 32 });
  });

  it('goes on if it was interrupted while the test set was evaluated', async () => {
    const quiet = await new SmallRun().conduct(kept);
    const run = new SmallRun();
    run.onEvent = (event) => event.type === 'evaluated' && event.line.step === 32 && run.wish.abort();
    expect(await run.conduct(kept)).toMatchObject({ stopReason: 'interrupted', steps: 32, testAccuracy: null });
    const again = new SmallRun();
    const summary = await again.conduct(kept, { files: run.files });
    expect(lasting(summary)).toEqual({ ...lasting(quiet), resumedAtStep: 32 });
    await expect(new SmallRun().conduct(kept, { files: run.files })).rejects.toMatchObject({ code: 'run-finished' });
  });
});

it('a run without any of it leaves the files that it left before there was such a thing', async () => {
  const run = new SmallRun();
  const { weightsSha256: hash } = await run.conduct();
  const config = JSON.parse(text(run.files, 'config.json'));
  expect(Object.keys(config.dataset)).toEqual(['name', 'sha256', 'train', 'test', 'shape', 'classes']);
  for (const field of ['init', 'keep']) expect(Object.keys(config)).not.toContain(field);
  expect(Object.keys(linesOf(run.files).at(-1)!)).not.toContain('validationLoss');
  expect(Object.keys(JSON.parse(text(run.files, 'summary.json')))).not.toContain('validationAccuracy');
  expect(hash).toBe((await new SmallRun().conduct({ validation: 0, keep: 'last' })).weightsSha256);
  // An older configuration has null, or no field.
  expect(configSha256({ ...config, keep: 'best' })).toBe(configSha256(config));
});
