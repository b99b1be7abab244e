import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ArchiveEvent } from '../../../coordinator/archive/archive-event.js';
import { type ConfigFile, configSha256, differences } from '../../../coordinator/archive/config.js';
import { parseConfig } from '../../../coordinator/archive/config-file.js';
import { weightsSha256 } from '../../../coordinator/archive/floats.js';
import { RunDirectory } from '../../../coordinator/archive/run-directory.js';
import { decode } from '../../../coordinator/archive/safetensors.js';
import { fault, MemoryFiles } from './memory-files.js';
import { config, line, snapshot, summary, vector } from './samples.js';

let root: string;
let path: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lockstep-run-'));
  path = join(root, 'runs', 'first');
});
afterEach(() => rmSync(root, { recursive: true }));

const json = (name: string) => JSON.parse(readFileSync(join(path, name), 'utf8'));

function checkpoint(run: RunDirectory, step: number): void {
  const { position, weights, vectors, state, best } = snapshot(step);
  run.checkpoint(position, weights, vectors, { state, best });
}

/** Makes a run that was cut off after step 7, with a checkpoint of step 5. */
async function cutOffRun(): Promise<void> {
  const run = await RunDirectory.create(path, config);
  for (let step = 1; step <= 7; step++) {
    run.record(line(step));
    if (step === 5) checkpoint(run, 5);
  }
  await run.close();
}

describe('a new run', () => {
  it('leaves everything behind', async () => {
    const run = await RunDirectory.create(path, config);
    for (let step = 1; step <= 5; step++) run.record(line(step));
    checkpoint(run, 5);
    await run.finish(summary, vector(5));
    expect(readdirSync(path).sort()).toEqual([
      'checkpoints',
      'config.json',
      'metrics.jsonl',
      'model.safetensors',
      'summary.json',
    ]);
    expect(json('config.json')).toEqual(config);
    expect(json('summary.json')).toEqual(summary);
    expect(readdirSync(join(path, 'checkpoints'))).toEqual(['step-00000005.safetensors']);
    const lines = readFileSync(join(path, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines.map((text) => JSON.parse(text))).toEqual([1, 2, 3, 4, 5].map(line));
  });

  it('writes the weights alone, with their model', async () => {
    const run = await RunDirectory.create(path, config);
    const { tensors, metadata } = decode(readFileSync(await run.writeModel(vector(3))));
    expect(tensors.map(({ name }) => name)).toEqual(['layers.0.weight', 'layers.0.bias']);
    expect(tensors.flatMap(({ values }) => [...values])).toEqual([...vector(3)]);
    expect(JSON.parse(metadata.model)).toEqual(config.model);
    expect(metadata.weightsSha256).toBe(weightsSha256(vector(3)));
  });

  it.each(['config.json', 'metrics.jsonl', 'summary.json'])(
    'is not put where another has left its %s',
    async (name) => {
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, name), 'mine');
      await expect(RunDirectory.create(path, config)).rejects.toMatchObject({
        code: 'output-taken',
        message: `${path} holds another run (it has a ${name}). Choose another directory with --out.`,
      });
      expect(readdirSync(path)).toEqual([name]);
      expect(readFileSync(join(path, name), 'utf8')).toBe('mine');
    },
  );

  it('may be put in a directory with other files', async () => {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'notes.txt'), '');
    await (await RunDirectory.create(path, config)).close();
    expect(readdirSync(path)).toContain('config.json');
  });

  it('cannot be put under a file', async () => {
    writeFileSync(join(root, 'runs'), '');
    await expect(RunDirectory.create(path, config)).rejects.toMatchObject({
      code: 'output-unwritable',
      message: expect.stringMatching(/first cannot be written: .*--out/),
    });
  });

  it('cannot be put in place of a file', async () => {
    const place = join(root, 'file');
    writeFileSync(place, '');
    await expect(RunDirectory.create(place, config)).rejects.toMatchObject({ code: 'output-unwritable' });
  });

  it.each(['EACCES', 'EROFS', 'ENOSPC'])('says so when the disk answers %s', async (code) => {
    const files = new MemoryFiles();
    files.failing = ({ kind, path: at }) => (kind === 'makeDirectory' ? fault(code, at) : null);
    await expect(RunDirectory.create('/runs/first', config, { files })).rejects.toMatchObject({
      code: 'output-unwritable',
      message: expect.stringContaining(`(${code})`),
    });
  });

  it.each([
    ['sync', 'EIO'],
    ['write', 'ENOSPC'],
    ['syncDirectory', 'EIO'],
  ])('raises one alarm while checkpoints cannot be written (%s: %s), and goes on', async (kind, code) => {
    const files = new MemoryFiles();
    const said: string[] = [];
    const saved: number[] = [];
    const emit = (event: ArchiveEvent) => {
      if (event.type === 'checkpointed') saved.push(event.step);
      else said.push(event.message);
    };
    const run = await RunDirectory.create('/run', config, { files, emit });
    const save = async (step: number) => {
      checkpoint(run, step);
      await run.checkpoints.settled();
    };
    await save(3);
    const before = files.content('/run/checkpoints/step-00000003.safetensors');
    files.failing = (operation) =>
      operation.kind === kind && operation.path.includes('checkpoints') ? fault(code, operation.path) : null;
    for (const step of [4, 5, 6]) await save(step);
    expect(run.alarms).toMatchObject({ active: ['checkpoints'], faults: 3 });
    expect(said).toEqual([
      expect.stringMatching(/checkpoint of step 4 could not .*Training goes on, .*free or repair/),
    ]);
    expect(files.content('/run/checkpoints/step-00000003.safetensors')).toEqual(before);
    files.failing = () => null;
    await save(7);
    expect(run.alarms).toMatchObject({ active: [], faults: 3 });
    expect(said.slice(1)).toEqual(['Checkpoints are written again: /run/checkpoints/step-00000007.safetensors.']);
    expect(saved).toEqual([3, 7]);
    await run.finish(summary, vector(5));
    expect(files.content('/run/summary.json')).toBeDefined();
  });
});

describe('a run that goes on', () => {
  it('continues after its newest checkpoint', async () => {
    await cutOffRun();
    const run = await RunDirectory.open(path);
    expect(run.config).toEqual(config);
    expect((await run.checkpoints.loadNewest())?.position.step).toBe(5);
    await run.resumeMetrics(5);
    run.record(line(6));
    await run.close();
    const lines = readFileSync(join(path, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines.map((text) => JSON.parse(text).step)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('drops a torn last line', async () => {
    await cutOffRun();
    const file = join(path, 'metrics.jsonl');
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, -10));
    const run = await RunDirectory.open(path);
    await run.resumeMetrics(100);
    run.record(line(7));
    await run.close();
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines.map((text) => JSON.parse(text).step)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('may have lost its metrics', async () => {
    await cutOffRun();
    rmSync(join(path, 'metrics.jsonl'));
    const run = await RunDirectory.open(path);
    await run.resumeMetrics(5);
    run.record(line(6));
    await run.close();
    expect(json('metrics.jsonl').step).toBe(6);
  });

  it('takes a configuration with more epochs', async () => {
    await cutOffRun();
    await (await RunDirectory.open(path)).writeConfig({ ...config, epochs: 20 });
    const run = await RunDirectory.open(path);
    expect(run.config.epochs).toBe(20);
    expect((await run.checkpoints.loadNewest())?.position.step).toBe(5);
  });

  it('is refused where there is none', async () => {
    await expect(RunDirectory.open(path)).rejects.toMatchObject({
      code: 'run-invalid',
      message: expect.stringMatching(/holds no run .*no such file or directory/),
    });
  });
});

describe('config.json', () => {
  it('of an older format is refused, with what to do about it', () => {
    const text = JSON.stringify({ ...config, format: 'lockstep-run-1', arithmetic: undefined });
    expect(() => parseConfig(text, 'config.json')).toThrow(
      /config.json has the format lockstep-run-1, .* lockstep-run-2. Use the version that began the run .*or start a new run/,
    );
  });

  it.each<[string, unknown]>([
    ['optimizer', { ...config.optimizer, rate: 'fast' }],
    ['optimizer', { ...config.optimizer, name: 'toString' }],
    ['schedule', { name: 'cosine' }],
    ['clip', 0],
    ['smoothing', 2],
    ['wireBits', 7],
    ['batch', -1],
    ['model', {}],
    ['arithmetic', { ...config.arithmetic, knownAnswer: 'short' }],
    ['arithmetic', 'lockstep-arithmetic-2'],
    ['evaluateEvery', 'never'],
    ['maxSteps', undefined],
    ['dataset', { ...config.dataset, sha256: 1 }],
    ['dataset', null],
    ['dataset', { ...config.dataset, classNames: ['cat', ''] }],
    ['dataset', { ...config.dataset, classNames: 'cat' }],
  ])('is refused with an invalid %s', (field, value) => {
    const text = JSON.stringify({ ...config, [field]: value });
    expect(() => parseConfig(text, 'config.json')).toThrow(new RegExp(`config.json is not .*: config.*${field}`));
  });

  it('is refused when it is not JSON', () => {
    expect(() => parseConfig('{', 'config.json')).toThrow(/not the configuration of a run/);
  });
});

/** The same value, with the fields of every object in the opposite order. */
function reversed(x: unknown): unknown {
  if (Array.isArray(x)) return x.map(reversed);
  if (typeof x !== 'object' || x === null) return x;
  const entries = Object.entries(x).map(([name, value]) => [name, reversed(value)]);
  return Object.fromEntries(entries.reverse());
}

/** Variants of a value that differ from it in one place: an object has a further field, or a leaf is another value. */
function variants(x: unknown): unknown[] {
  if (Array.isArray(x))
    return [[...x, 'more'], ...x.flatMap((_, i) => variants(x[i]).map((value) => x.with(i, value)))];
  if (typeof x !== 'object' || x === null) return [{ other: x }];
  const fields = Object.entries(x);
  const changed = fields.flatMap(([name, value]) => variants(value).map((other) => ({ ...x, [name]: other })));
  return [{ ...x, oneMore: 'value' }, ...changed];
}

describe('differences', () => {
  const changed: [string, ConfigFile][] = [
    ['model.layers', { ...config, model: { ...config.model, layers: [{ dense: 3, activation: 'relu' }] } }],
    ['model.input', { ...config, model: { ...config.model, input: [1, 2] } }],
    ['model.loss', { ...config, model: { ...config.model, loss: 'quadratic' } }],
    ['dataset.sha256', { ...config, dataset: { ...config.dataset, sha256: '0'.repeat(64) } }],
    ['batch', { ...config, batch: 24 }],
    ['microBatch', { ...config, microBatch: 2 }],
    ['optimizer.rate', { ...config, optimizer: { ...config.optimizer, rate: 0.2 } }],
    ['optimizer.momentum', { ...config, optimizer: { name: 'sgd', rate: 0.1, momentum: 0 } }],
    ['optimizer.decay', { ...config, optimizer: { name: 'sgd', rate: 0.1, momentum: 0.9, decay: 0.5 } }],
    ['schedule', { ...config, schedule: { name: 'step', every: 2, factor: 0.5 } }],
    ['clip', { ...config, clip: 1 }],
    ['smoothing', { ...config, smoothing: 0.5 }],
    ['seed', { ...config, seed: 2 }],
    ['augment', { ...config, augment: { shift: 2 } }],
    ['arithmetic.specification', { ...config, arithmetic: { ...config.arithmetic, specification: 'fused-1' } }],
    ['arithmetic.knownAnswer', { ...config, arithmetic: { ...config.arithmetic, knownAnswer: '0'.repeat(64) } }],
  ];

  it.each(changed)('finds another %s', (field, other) => {
    expect(differences(config, other).map((difference) => difference.field)).toEqual([field]);
    expect(configSha256(other)).not.toBe(configSha256(config));
  });

  it('gives both values', () => {
    expect(differences(config, { ...config, seed: 2 })).toEqual([{ field: 'seed', a: 1, b: 2 }]);
  });

  it('finds a change of any field of any description, and none in the order of fields', () => {
    const descriptions = fc.object({ maxDepth: 4, values: [fc.nat(), fc.string(), fc.boolean()] });
    fc.assert(
      fc.property(descriptions, (description) => {
        const layers = [...config.model.layers, description];
        const of = (layers: unknown) => ({ ...config, model: { ...config.model, layers } }) as unknown as ConfigFile;
        expect(configSha256(of(layers.map(reversed)))).toBe(configSha256(of(layers)));
        expect(differences(of(layers.map(reversed)), of(layers))).toEqual([]);
        for (const other of variants(layers)) {
          expect(configSha256(of(other))).not.toBe(configSha256(of(layers)));
          expect(differences(of(other), of(layers)).map(({ field }) => field)).toEqual(['model.layers']);
        }
      }),
    );
  });

  it('counts the epochs only if the rates of the schedule depend on them', () => {
    const differing = (schedule: ConfigFile['schedule']) => {
      const planned: ConfigFile = { ...config, ...(schedule !== undefined && { schedule }) };
      return differences(planned, { ...planned, epochs: 99 });
    };
    expect(differing({ name: 'linear', to: 0 })).toEqual([{ field: 'epochs', a: 10, b: 99 }]);
    expect(differing({ name: 'step', every: 2, factor: 0.5 })).toEqual([]);
    expect(differing(undefined)).toEqual([]);
  });

  it('ignores what does not determine the weights', () => {
    const other: ConfigFile = { ...config, version: '9', preset: 'x', epochs: 99, maxSteps: 7 };
    const more: ConfigFile = { ...other, evaluateEvery: 3, targetAccuracy: 0.9, patience: 2 };
    expect(differences(config, more)).toEqual([]);
    expect(configSha256(more)).toBe(configSha256(config));
  });
});
