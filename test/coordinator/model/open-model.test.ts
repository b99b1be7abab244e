/** Tests that a model can be opened by its run directory and by its files, and that everything else is refused clearly. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeCheckpoint, freeze, ownerOf } from '../../../coordinator/archive/checkpoint-file.js';
import { checkpointName } from '../../../coordinator/archive/checkpoints.js';
import { littleEndianBytes, weightsSha256 } from '../../../coordinator/archive/floats.js';
import { encodeModel } from '../../../coordinator/archive/model-file.js';
import { encodeHeader } from '../../../coordinator/archive/safetensors.js';
import { openModel } from '../../../coordinator/model/open-model.js';
import { limits } from '../../../shared/limits.js';
import { config, model, snapshot, summary, vector } from '../archive/samples.js';

const root = mkdtempSync(join(tmpdir(), 'lockstep-open-model-'));
afterAll(() => rmSync(root, { recursive: true }));

let runs = 0;
/** A run directory that has not ended. */
let run: string;
beforeEach(() => {
  run = join(root, `run-${runs++}`);
  mkdirSync(join(run, 'checkpoints'), { recursive: true });
  put('config.json', JSON.stringify(config));
});

/** Writes a file into the run directory, and returns its path. */
function put(name: string, content: string | Uint8Array): string {
  writeFileSync(join(run, name), content);
  return join(run, name);
}

async function putCheckpoint(step: number): Promise<string> {
  const parts = await encodeCheckpoint(ownerOf(config), freeze(snapshot(step)));
  return put(join('checkpoints', checkpointName(step)), Buffer.concat(parts));
}

/** Ends the run with the weights of this step. Returns the path of its model. */
async function end(step: number): Promise<string> {
  put(
    'summary.json',
    JSON.stringify({ ...summary, steps: step, weightsStep: step, weightsSha256: weightsSha256(vector(step)) }),
  );
  return put('model.safetensors', Buffer.concat(await encodeModel(config, littleEndianBytes(vector(step)))));
}

/** A file with these tensors, whose values are 1, 2, 3, …. */
function fileOf(shapes: Record<string, number[]>, metadata: Record<string, string>): Uint8Array {
  const tensors = Object.entries(shapes).map(([name, shape]) => ({ name, shape }));
  const count = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const values = Float32Array.from({ length: count }, (_, i) => i + 1);
  return Buffer.concat([encodeHeader(tensors, metadata), littleEndianBytes(values)]);
}

const described = { model: JSON.stringify(model) };

describe('a run directory', () => {
  it('gives the model that the run has ended with', async () => {
    await putCheckpoint(10);
    await end(15);
    const opened = await openModel(run);
    expect(opened).toMatchObject({ path: run, model, step: 15, config, datasetSha256: config.dataset.sha256 });
    expect(opened.weights).toEqual(vector(15));
    expect(opened.weightsSha256).toBe(weightsSha256(vector(15)));
  });

  it('gives the newest whole checkpoint while the run has not ended, and warns of a damaged one', async () => {
    await putCheckpoint(5);
    await putCheckpoint(10);
    const damaged = await putCheckpoint(15);
    writeFileSync(damaged, readFileSync(damaged).subarray(0, -1));
    const warnings: string[] = [];
    const opened = await openModel(run, (message) => warnings.push(message));
    expect([opened.step, opened.weights]).toEqual([10, vector(10)]);
    expect(warnings).toEqual([expect.stringContaining(checkpointName(15))]);
  });

  it('is refused without a configuration, without weights, and where its files contradict each other', async () => {
    await expect(openModel(run)).rejects.toMatchObject({
      code: 'run-invalid',
      message: expect.stringContaining('has no weights yet'),
    });
    const model = await end(15);
    writeFileSync(model, Buffer.concat(await encodeModel(config, littleEndianBytes(vector(14)))));
    await expect(openModel(run)).rejects.toMatchObject({
      code: 'run-invalid',
      message: expect.stringContaining('belongs to another run'),
    });
    rmSync(model);
    await expect(openModel(run)).rejects.toThrow(/model.safetensors cannot be used: there is no such file/);
    rmSync(join(run, 'config.json'));
    await expect(openModel(run)).rejects.toThrow(/is no run directory: it has no config.json. Name a run directory/);
  });
});

describe('a file', () => {
  it('gives the model of a run, and finds the configuration beside it', async () => {
    const path = await end(15);
    const opened = await openModel(path);
    expect(opened).toMatchObject({ path, model, step: null, config });
    expect(opened.weights).toEqual(vector(15));
  });

  it('may be a checkpoint, which has the vectors of the optimizer too', async () => {
    const opened = await openModel(await putCheckpoint(10));
    expect([opened.step, opened.weights, opened.config]).toEqual([10, vector(10), config]);
  });

  it('has no configuration where it lies alone, or beside that of another run', async () => {
    const path = await end(15);
    put('config.json', JSON.stringify({ ...config, dataset: { ...config.dataset, sha256: 'b'.repeat(64) } }));
    expect(await openModel(path)).toMatchObject({ config: null, datasetSha256: 'a'.repeat(64) });
    const checkpoint = await putCheckpoint(5);
    put('config.json', JSON.stringify({ ...config, seed: 2 }));
    expect(await openModel(checkpoint)).toMatchObject({ config: null, datasetSha256: null });
    rmSync(join(run, 'config.json'));
    expect(await openModel(path)).toMatchObject({ config: null });
  });

  it('may have its tensors in another order, as other programs write them, and no hash', async () => {
    const path = put('sorted', fileOf({ 'layers.0.bias': [3], 'layers.0.weight': [2, 3] }, described));
    const { weights } = await openModel(path);
    expect(weights).toEqual(Float32Array.of(4, 5, 6, 7, 8, 9, 1, 2, 3));
  });

  const whole = { 'layers.0.weight': [2, 3], 'layers.0.bias': [3] };
  it.each<[string, () => Uint8Array | string, RegExp]>([
    ['nothing', () => '', /has only 0 bytes/],
    ['text', () => 'a text file, not a model', /its header would have \d+ bytes/],
    ['no metadata', () => fileOf(whole, {}), /metadata have no field "model"/],
    ['a model that is not JSON', () => fileOf(whole, { model: '{' }), /description of the model .* is not JSON/],
    [
      'an unknown layer',
      () => fileOf(whole, { model: '{"input":[2],"layers":[{"dance":3}],"loss":"quadratic"}' }),
      /layers/,
    ],
    [
      'a missing tensor',
      () => fileOf({ 'layers.0.weight': [2, 3] }, described),
      /lacks the tensor layers.0.bias of shape \[3\]/,
    ],
    [
      'a wrong shape',
      () => fileOf({ ...whole, 'layers.0.weight': [3, 2] }, described),
      /tensor layers.0.weight has the shape \[3, 2\], and the model needs \[2, 3\]/,
    ],
    ['a surplus tensor', () => fileOf({ ...whole, more: [1] }, described), /has a tensor "more", which/],
    ['another hash', () => fileOf(whole, { ...described, weightsSha256: 'e'.repeat(64) }), /SHA-256 does not match/],
    ['a cut', () => fileOf(whole, described).subarray(0, -3), /its tensors need 36 bytes, but there are 33/],
  ])('with %s is refused', async (_, content, reason) => {
    const path = put('bad.safetensors', content());
    const refusal = openModel(path);
    await expect(refusal).rejects.toMatchObject({ code: 'weights-invalid' });
    await expect(refusal).rejects.toThrow(reason);
    await expect(refusal).rejects.toThrow(/bad.safetensors cannot be used: .* Name a run directory, or/);
  });

  it('with a weight that is not finite is refused', async () => {
    const weights = Float32Array.from(vector(5));
    weights[4] = Number.NaN;
    const path = put('diverged', Buffer.concat(await encodeModel(config, littleEndianBytes(weights))));
    await expect(openModel(path)).rejects.toThrow(/not finite numbers: its training has diverged/);
  });

  it('that is missing, or larger than any model, is refused before it is read', async () => {
    await expect(openModel(join(run, 'nowhere'))).rejects.toThrow(/nowhere cannot be used: there is no such file/);
    const path = put('huge', '');
    truncateSync(path, limits.weightsFileBytesMax + 1);
    await expect(openModel(path)).rejects.toThrow(/huge cannot be used: it has 268435457 bytes, more than/);
  });
});
