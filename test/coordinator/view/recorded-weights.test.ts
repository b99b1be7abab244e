import { describe, expect, it } from 'vitest';
import { floatsOf } from '../../../coordinator/archive/floats.js';
import { RecordedWeights } from '../../../coordinator/view/recorded-weights.js';
import { summary, vector } from '../archive/samples.js';
import { Heard, openRecorded, WrittenRun } from './fixture.js';

async function begin(prepare: (files: WrittenRun) => Promise<void>) {
  const files = new WrittenRun();
  await prepare(files);
  const run = await openRecorded(files);
  await run.look(new Heard());
  const faults: string[] = [];
  const weights = new RecordedWeights(run, (message) => faults.push(message));
  const newest = async () => {
    const found = await weights.newest();
    return found && { step: found.step, floats: floatsOf(found.floats) };
  };
  return { files, run, weights, faults, newest };
}

describe('the newest weights of a run directory', () => {
  it('are none before the first checkpoint', async () => {
    const { weights, newest } = await begin(async () => {});
    expect([weights.newestStep, await newest()]).toEqual([null, null]);
  });

  it('are those of the newest checkpoint, read once for all who ask', async () => {
    const { files, run, weights, newest } = await begin(async (files) => {
      for (const step of [5, 10, 15]) await files.putCheckpoint(step);
    });
    expect(weights.newestStep).toBe(15);
    const all = await Promise.all([newest(), newest(), newest()]);
    for (const found of [...all, await newest()]) expect(found).toEqual({ step: 15, floats: vector(15) });
    expect(files.reads.filter((name) => name.startsWith('step-'))).toEqual(['step-00000015.safetensors']);
    await files.putCheckpoint(20);
    await run.look(new Heard());
    expect(await newest()).toEqual({ step: 20, floats: vector(20) });
  });

  it('are those before, where the newest checkpoint is damaged, which is said once', async () => {
    const { files, weights, faults, newest } = await begin(async (files) => {
      await files.putCheckpoint(5);
      files.put('checkpoints/step-00000010.safetensors', new Uint8Array(100));
    });
    expect(await newest()).toEqual({ step: 5, floats: vector(5) });
    expect(await newest()).toEqual({ step: 5, floats: vector(5) });
    expect(weights.newestStep).toBe(5);
    expect(faults).toEqual([expect.stringMatching(/step-00000010.safetensors cannot be used: .*before it are shown/)]);
    expect(files.reads.filter((name) => name === 'step-00000010.safetensors')).toHaveLength(1);
  });

  it('are those before, where a checkpoint was removed between two looks, which is no fault', async () => {
    const { files, faults, newest } = await begin(async (files) => {
      for (const step of [5, 10]) await files.putCheckpoint(step);
    });
    files.remove('checkpoints/step-00000010.safetensors');
    expect(await newest()).toEqual({ step: 5, floats: vector(5) });
    expect(faults).toEqual([]);
  });

  it('are the model of a run that has ended, where no checkpoint has its step', async () => {
    const { weights, newest } = await begin(async (files) => {
      await files.putCheckpoint(summary.steps - 5);
      await files.putModel(99);
      files.put('summary.json', JSON.stringify(summary));
    });
    expect(weights.newestStep).toBe(summary.steps);
    expect(await newest()).toEqual({ step: summary.steps, floats: vector(99) });
  });

  it('are no model that is left from before the run was resumed', async () => {
    const { newest } = await begin(async (files) => {
      await files.putModel(99);
      await files.putCheckpoint(5);
    });
    expect(await newest()).toEqual({ step: 5, floats: vector(5) });
  });
});
