/** Runs whose first weights are in a file. The run directories are in memory, and that file is on the disk. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigFile, Summary } from '../../../coordinator/archive/config.js';
import { limits } from '../../../shared/limits.js';
import type { MemoryFiles } from '../archive/memory-files.js';
import { SmallRun } from './small-run.js';

const directory = '/runs/small';
let scratch: string;
/** The model and the last checkpoint of a run, and its summary. */
let init: string;
let checkpoint: string;
let origin: Summary;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'lockstep-init-'));
  const run = new SmallRun();
  origin = await run.conduct();
  init = put('model.safetensors', run.files.content(`${directory}/model.safetensors`)!);
  checkpoint = put('checkpoint.safetensors', run.files.content(`${directory}/checkpoints/step-00000010.safetensors`)!);
});
afterAll(() => rmSync(scratch, { recursive: true }));

function put(name: string, bytes: Uint8Array): string {
  const path = join(scratch, name);
  writeFileSync(path, bytes);
  return path;
}

function configOf(files: MemoryFiles): ConfigFile {
  return JSON.parse(Buffer.from(files.content(`${directory}/config.json`)!).toString());
}

describe('a run with first weights from a file', () => {
  it('begins with them: a rate of 0 leaves them as they are', async () => {
    const run = new SmallRun();
    const summary = await run.conduct({ init, lr: 0 });
    expect(summary.weightsSha256).toBe(origin.weightsSha256);
    expect(configOf(run.files).init).toEqual({ file: init, weightsSha256: origin.weightsSha256 });
  });

  it('trains on from them, the same from a model and from a checkpoint', async () => {
    const fromModel = await new SmallRun().conduct({ init });
    const fromCheckpoint = await new SmallRun().conduct({ init: checkpoint });
    expect(fromCheckpoint.weightsSha256).toBe(fromModel.weightsSha256);
    expect(fromModel.weightsSha256).not.toBe(origin.weightsSha256);
  });

  it('goes on without the file, and ends on the same weights', async () => {
    const quiet = await new SmallRun().conduct({ init });
    const moved = put('moved.safetensors', Buffer.from([]));
    const run = new SmallRun();
    run.onEvent = (event) => event.type === 'stepped' && event.line.step === 7 && run.wish.abort();
    await run.conduct({ init });
    const config = configOf(run.files);
    const gone = { ...config, init: { ...config.init, file: moved } };
    run.files.put(`${directory}/config.json`, Buffer.from(JSON.stringify(gone)));
    const summary = await new SmallRun().conduct({ out: undefined, resume: directory }, { files: run.files });
    expect(summary).toMatchObject({ weightsSha256: quiet.weightsSha256, resumedAtStep: 7 });
  });

  it('begins again from the file if no checkpoint is whole, and only if the file is the same', async () => {
    const file = put('first.safetensors', Buffer.from([]));
    const copy = (bytes: Uint8Array) => writeFileSync(file, bytes);
    const model = new SmallRun();
    const other = new SmallRun();
    await model.conduct();
    await other.conduct({ seed: 2 });
    const bytesOf = ({ files }: SmallRun) => files.content(`${directory}/model.safetensors`)!;
    copy(bytesOf(model));
    const quiet = await new SmallRun().conduct({ init: file });
    const run = new SmallRun();
    run.interruptAt('begun');
    await run.conduct({ init: file });
    run.files.put(`${directory}/checkpoints/step-00000000.safetensors`, Buffer.from([]));
    const again = () => new SmallRun().conduct({ out: undefined, resume: directory }, { files: run.files });
    copy(bytesOf(other));
    await expect(again()).rejects.toMatchObject({
      code: 'weights-invalid',
      message: expect.stringMatching(
        /first.safetensors has other weights than before; the run began with those of SHA-256/,
      ),
    });
    copy(bytesOf(model));
    expect(await again()).toMatchObject({ weightsSha256: quiet.weightsSha256, resumedAtStep: 0 });
  });

  it('cannot go on with others, or with those of the seed', async () => {
    const run = new SmallRun();
    await run.conduct({ init, maxSteps: 3 });
    const seeded = new SmallRun();
    await seeded.conduct({ maxSteps: 3 });
    const again = ({ files }: SmallRun, file: string) => new SmallRun().conduct({ init: file, maxSteps: 6 }, { files });
    await expect(again(seeded, init)).rejects.toThrow(/init was not set and would be [0-9a-f]{12}…/);
    // The same weights in another file are the same.
    expect(await again(run, checkpoint)).toMatchObject({ steps: 6, resumedAtStep: 3 });
  });

  it('is refused a file that is not there, damaged, too large, or of another model, before it leaves anything', async () => {
    const run = new SmallRun();
    const refused = (file: string, changes = {}) => run.conduct({ init: file, ...changes });
    const damaged = put('damaged.safetensors', Buffer.alloc(64, 1));
    const code = 'weights-invalid';
    const named = (what: RegExp) => ({ code, message: expect.stringMatching(what) });
    await expect(refused(join(scratch, 'none'))).rejects.toMatchObject(named(/none cannot be used .*no such file/));
    await expect(refused(scratch)).rejects.toMatchObject(named(/is a directory, not a file/));
    await expect(refused(damaged)).rejects.toMatchObject(named(/damaged.safetensors cannot be used .*its header/));
    const layers = [{ dense: 5, activation: 'linear' as const }];
    const model = { input: [4], layers, loss: 'softmaxCrossEntropy' as const };
    await expect(refused(init, { model })).rejects.toMatchObject(
      named(/its tensor layers.0.weight has the shape \[4, 3\], and the model needs \[4, 5\]/),
    );
    const large = put('large.safetensors', Buffer.from([]));
    truncateSync(large, limits.weightsFileBytesMax + 1);
    await expect(refused(large)).rejects.toMatchObject(named(/it has \d+ bytes, allowed are 268435456/));
    expect(await run.files.list('/runs')).toEqual([]);
  });
});
