/** A run with distorted images has one weights hash, whatever the fleet and its faults, and its options say what is wrong. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { weightsSha256 } from '../../coordinator/archive/floats.js';
import { augmentOption } from '../../coordinator/cli/augment-option.js';
import { loadDataset } from '../../coordinator/data/load.js';
import { openScalar } from '../../shared/arithmetic/scalar/backend.js';
import { findPreset, presetModel } from '../../shared/model/presets.js';
import { referenceTrain } from '../../shared/reference.js';
import { lockstep, scratch, smallDataset, startCoordinator, summaryOf } from './fixture.js';

const safety = { timeout: 120_000 };
const steps = 40;
const augment = { shift: 2, rotate: 10, scale: 0.1, elastic: 3 };
const text = 'shift=2,rotate=10,scale=0.1,elastic=3';

let data: string;
let expected: string;
beforeAll(async () => {
  data = smallDataset();
  expected = await referenceHash();
}, 120_000);

const place = (out: string) => join(scratch(), out);

function options(out: string, maxSteps = steps): (string | number)[] {
  const run = ['--data', data, '--augment', text, '--epochs', 1000, '--max-steps', maxSteps, '--checkpoint-every', 0];
  return [...run, '--out', place(out), '--log-format', 'json'];
}

async function referenceHash(): Promise<string> {
  const { train, classes } = await loadDataset({ dataset: 'auto', directory: data });
  const { optimizer } = findPreset('mlp');
  const model = presetModel('mlp', train.shape, classes);
  for (const { step, weights } of referenceTrain(
    { model, train, batch: 128, microBatch: 16, seed: 1, augment, optimizer },
    openScalar(),
  )) {
    if (step === steps) return weightsSha256(weights);
  }
  throw new Error('the reference ended early');
}

describe('the weights hash of a run with augmentation', () => {
  test.each([
    ['native', 1],
    ['wasm', 3],
    ['auto', 2],
  ])('with %s kernels on %i threads is that of the scalar reference', safety, async (kernels, workers) => {
    const out = `${kernels}-${workers}`;
    const words = ['--workers', workers, ...(kernels === 'native' ? [] : ['--kernels', kernels])];
    expect(await lockstep('train', ...words, ...options(out)).ended).toMatchObject({ code: 0, stderr: '' });
    expect(summaryOf(place(out)).weightsSha256).toBe(expected);
    expect(JSON.parse(readFileSync(join(place(out), 'config.json'), 'utf8')).augment).toEqual(augment);
  });

  test('with two processes, one of which comes late, is that one too', safety, async () => {
    const { coordinator, url } = await startCoordinator(...options('fleet'));
    const fleet = ['a', 'b'].map((name) => lockstep('worker', url, '--threads', 1, '--name', name));
    expect(await coordinator.ended).toMatchObject({ code: 0, stderr: '' });
    for (const worker of fleet) expect((await worker.ended).stderr).toBe('');
    expect(summaryOf(place('fleet')).weightsSha256).toBe(expected);
  });

  test('after a kill in the middle of an epoch is that one too', safety, async () => {
    const running = lockstep('train', '--workers', 2, ...options('killed', 1_000_000));
    const checkpoints = join(place('killed'), 'checkpoints');
    const isThere = () =>
      existsSync(checkpoints) && readdirSync(checkpoints).some((name) => /^step-0*\d+\./.test(name));
    while (!isThere()) await new Promise((resolve) => setTimeout(resolve, 10));
    running.process.kill('SIGKILL');
    await running.ended;
    const { step } = linesOf('killed').at(-1)!;
    const end = Math.ceil((step + 100) / 16) * 16 + 5;
    const resumed = lockstep('train', '--resume', place('killed'), '--max-steps', end, '--log-format', 'json');
    expect(await resumed.ended).toMatchObject({ code: 0, stderr: '' });
    expect(await lockstep('train', ...options('uncut', end)).ended).toMatchObject({ code: 0, stderr: '' });
    expect(summaryOf(place('killed')).weightsSha256).toBe(summaryOf(place('uncut')).weightsSha256);
  });
});

function linesOf(out: string): { step: number }[] {
  const lines = readFileSync(join(place(out), 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.flatMap((line) => (line.endsWith('}') ? [JSON.parse(line)] : []));
}

describe('a run in a directory', () => {
  test('does not go on with another augmentation', safety, async () => {
    expect(await lockstep('train', ...options('first', 3)).ended).toMatchObject({ code: 0 });
    const on = ['train', '--resume', place('first'), '--max-steps', 6, '--log-format', 'json'];
    const other = await lockstep(...on, '--augment', 'shift=1').ended;
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('augment.shift was 2 and would be 1');
    const without = await lockstep(...on, '--augment', 'none').ended;
    expect(without.stderr).toContain('and would be not set');
    expect(await lockstep(...on).ended).toMatchObject({ code: 0, stderr: '' });
  });

  test('takes its augmentation from a configuration file, as text or as an object', safety, async () => {
    const hashes = await Promise.all(
      [text, augment].map(async (given, i) => {
        const file = place(`augment-${i}.json`);
        writeFileSync(file, JSON.stringify({ data, 'max-steps': 2, augment: given }));
        const out = place(`from-file-${i}`);
        expect(await lockstep('train', '--config', file, '--out', out).ended).toMatchObject({ code: 0 });
        expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')).augment).toEqual(augment);
        return summaryOf(out).weightsSha256;
      }),
    );
    expect(hashes[0]).toBe(hashes[1]);
  });
});

describe('the option', () => {
  test.each([
    ['shift=2', { shift: 2 }],
    [' rotate = 7.5 , scale=.1', { rotate: 7.5, scale: 0.1 }],
    ['shift=2,elastic=0', { shift: 2 }],
    ['shift=0', null],
    ['none', null],
    [{ shift: 3 }, { shift: 3 }],
  ])('%j means %j', (given, meaning) => {
    expect(augmentOption(given)).toEqual(meaning);
  });

  test.each([
    ['', '"" is not NAME=NUMBER'],
    ['shift', '"shift" is not NAME=NUMBER'],
    ['shift=two', 'augment.shift must be a whole number from 1 to 64'],
    ['shift=1,shift=2', 'it has shift twice'],
    ['flip=1', 'augment has an unknown field "flip"'],
    ['scale=-0.1', 'augment.scale must be a number above 0, and 0.5 at most'],
    [{}, 'it is empty'],
    [2, 'it must have fields'],
    [true, 'it must have fields'],
  ])('%j is refused, with an example', (given, sentence) => {
    expect(() => augmentOption(given)).toThrow(sentence);
    expect(() => augmentOption(given)).toThrow('for example --augment shift=2,rotate=10');
  });

  test('that is wrong ends the command with 2', safety, async () => {
    const { code, stderr } = await lockstep('train', '--data', data, '--augment', 'shift=0.5').ended;
    expect(code).toBe(2);
    expect(stderr).toContain('augment.shift must be a whole number');
  });
});
