/** Every mistake of a user gets a sentence that says what to do, the right exit code, and no stack trace. */

import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type Ended, lockstep, scratch, smallDataset } from './fixture.js';

const safety = { timeout: 60_000 };

let data: string;
beforeAll(() => {
  data = smallDataset();
});

/** Expects a sentence on standard error that matches `pattern`, without a stack trace of the program. */
function expectSentence({ code, stderr }: Ended, exitCode: number, pattern: RegExp): void {
  expect(stderr).toMatch(pattern);
  expect(stderr).toMatch(/^lockstep: /);
  expect(stderr).not.toMatch(/\n\s+at |node:internal/);
  expect(code).toBe(exitCode);
}

test.each([
  [
    ['train', '--preset', 'nope'],
    /no preset "nope": use one of mlp, sigmoid-16, sigmoid-100, softmax, cnn-small, lenet5/,
  ],
  [['train', '--batch', '100'], /batch of 100 does not divide into micro-batches of 16: use a batch of 96 or 112/],
  [['train', '--batch', '128', '--local-steps', '4'], /--batch 128 does not go with rounds of --local-steps 4/],
  [['train', '--replicas', '4'], /--replicas is a setting of rounds: add --local-steps 2 or more/],
  [['train', '--optimizer', 'adam', '--momentum', '0.9'], /--momentum is no setting of the optimizer adam/],
  [['train', '--schedule', 'cosine', '--warm-up', '0.3'], /--warm-up is no setting of the schedule cosine/],
  [['train', '--schedule', 'exponential'], /Argument: schedule, Given: "exponential", Choices: "constant"/],
  [
    ['train', '--preset', 'sigmoid-16', '--label-smoothing', '0.1'],
    /label smoothing needs the loss softmaxCrossEntropy/,
  ],
  [['train', '--lr', 'fast'], /--lr is "fast", but must be a number/],
  [['train', '--epochs', '0'], /--epochs is 0, but must be a whole number from 1/],
  [['train', '--epochs', '1', '--epochs', '2'], /given twice/],
  [['train', '--epoch', '1'], /Unknown argument: epoch/],
  [['train', '--config', 'missing.json'], /cannot read the configuration file .*missing.json/],
  [['train', '--model', 'missing.json'], /cannot read the model file/],
  [['train', '--validation', '2000'], /2000 training samples, and a validation set of 2000 leaves none of them/],
  [['train', '--validation', '-1'], /--validation is -1, but must be a whole number from 0/],
  [['train', '--keep', 'first'], /Choices: "best", "last"/],
  [['worker', 'ftp://somewhere'], /must begin with ws:\/\/ or wss:\/\//],
  [['worker'], /Not enough non-option arguments/],
  [['plan', '--preset', 'nope'], /no preset "nope"/],
  [['plan', '--mbps', '0'], /--mbps is 0, but must be a number from 0.01/],
  [['plan', '--batch', '100'], /batch of 100 does not divide into micro-batches of 16/],
  [['dance'], /Unknown argument: dance/],
  [[], /Say what to do: train, coordinator, worker, plan, view, eval, predict, export, presets, textbook or conform/],
])('%j is wrong usage', safety, async (words, pattern) => {
  expectSentence(await lockstep(...words, ...(words[0] === 'train' ? ['--data', data] : [])).ended, 2, pattern);
});

test('a model that does not fit is refused', safety, async () => {
  const model = join(scratch(), 'model.json');
  writeFileSync(model, '{"input": [28, 28], "layers": [{"dense": 10, "activation": "swish"}], "loss": "quadratic"}');
  expectSentence(
    await lockstep('train', '--data', data, '--model', model).ended,
    2,
    /layers\[0\].activation must be one of/,
  );
});

test('a data set that is missing, or corrupt, is named', safety, async () => {
  const missing = join(scratch(), 'nowhere');
  expectSentence(await lockstep('train', '--data', missing).ended, 1, /nowhere holds no data set/);
  const corrupt = join(scratch(), 'corrupt');
  mkdirSync(corrupt);
  for (const name of ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1']) {
    const file = readFileSync(join(data, `${name}-ubyte`));
    writeFileSync(join(corrupt, `${name}-ubyte`), name.startsWith('train-images') ? file.subarray(0, -1) : file);
  }
  expectSentence(await lockstep('train', '--data', corrupt).ended, 1, /corrupt\/train-images-idx3-ubyte/);
});

test('a port that is in use is named', safety, async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const out = join(scratch(), 'port');
  const { ended } = lockstep('coordinator', '--data', data, '--port', port, '--out', out);
  expectSentence(await ended, 1, new RegExp(`127.0.0.1:${port} is in use: .*another --port`));
  server.close();
});

test('an output directory that cannot be written is named, and one that is taken is left alone', safety, async () => {
  const file = join(scratch(), 'file');
  writeFileSync(file, 'mine');
  const blocked = lockstep('train', '--data', data, '--out', join(file, 'run'));
  expectSentence(await blocked.ended, 1, /cannot be written: .*--out/);
  const taken = join(scratch(), 'taken');
  mkdirSync(taken);
  writeFileSync(join(taken, 'config.json'), '{}');
  expectSentence(
    await lockstep('train', '--data', data, '--out', taken).ended,
    1,
    /config.json is not the configuration of a run/,
  );
  expect(readFileSync(join(taken, 'config.json'), 'utf8')).toBe('{}');
});

test(
  'a learning rate that diverges ends the run with what to try, one that is too large is warned of',
  safety,
  async () => {
    const out = ['--data', data, '--epochs', 2, '--log-format', 'json', '--out'];
    const model = join(scratch(), 'linear.json');
    writeFileSync(model, '{"input": [28, 28], "layers": [{"dense": 10, "activation": "linear"}], "loss": "quadratic"}');
    const diverged = await lockstep('train', '--model', model, '--lr', 10, ...out, join(scratch(), 'diverged')).ended;
    expectSentence(diverged, 1, /diverged at step \d+: .*try a smaller learning rate \(--lr 1 instead of 10\)/);
    const grown = await lockstep('train', '--lr', 30, ...out, join(scratch(), 'grown')).ended;
    expect(grown).toMatchObject({ code: 0, stderr: '' });
    expect(grown.stdout).toMatch(/"level":"warn".*try a smaller learning rate \(--lr 3 instead of 30\)/);
  },
);

test('more workers than slots is a warning that says what to change', safety, async () => {
  const words = [
    '--data',
    data,
    '--max-steps',
    2,
    '--batch',
    32,
    '--log-format',
    'json',
    '--out',
    join(scratch(), 'many'),
  ];
  const { code, stdout } = await lockstep('train', '--workers', 3, ...words).ended;
  expect(stdout).toMatch(/"level":"warn".*3 workers share 2 slots.*--micro-batch/);
  expect(code).toBe(0);
});

test('an interrupt writes a checkpoint and ends with 130', safety, async () => {
  const out = join(scratch(), 'interrupted');
  const running = lockstep('train', '--data', data, '--epochs', 100_000, '--out', out, '--log-format', 'json');
  await running.prints(/"epoch":2,/);
  running.process.kill('SIGINT');
  const { code, stdout, stderr } = await running.ended;
  expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
  const [, checkpointed] = stdout.match(/interrupted after (\d+) steps/) ?? [];
  expect(
    readFileSync(join(out, 'checkpoints', `step-${checkpointed.padStart(8, '0')}.safetensors`)).length,
  ).toBeGreaterThan(0);
});

test('the options of a configuration file count, and those of the command line count more', safety, async () => {
  const config = join(scratch(), 'config.json');
  writeFileSync(config, JSON.stringify({ data, 'max-steps': 3, microBatch: 32, seed: 9 }));
  const out = join(scratch(), 'configured');
  const { code } = await lockstep('train', '--config', config, '--seed', 4, '--out', out).ended;
  expect(code).toBe(0);
  expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'))).toMatchObject({
    microBatch: 32,
    maxSteps: 3,
    seed: 4,
  });
});
