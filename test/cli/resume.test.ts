/** An interrupted run resumes from its newest checkpoint, and ends with the weights of an undisturbed run. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../shared/random.js';
import { type Ended, lockstep, type Running, scratch, smallDataset, startCoordinator, summaryOf } from './fixture.js';

const steps = 3000;

let data: string;
let quiet: string;
beforeAll(async () => {
  data = smallDataset();
  quiet = join(scratch(), 'quiet');
  expect(await lockstep('train', '--workers', 1, ...options(quiet)).ended).toMatchObject({ code: 0, stderr: '' });
});

/** Options of a run that logs every 100th step. */
function options(out: string, maxSteps = steps): (string | number)[] {
  const run = [
    '--data',
    data,
    '--epochs',
    1_000_000,
    '--max-steps',
    maxSteps,
    '--eval-every',
    100,
    '--checkpoint-every',
    0.1,
  ];
  return [...run, '--out', out, '--log-format', 'json'];
}

/** Kills the process when the checkpoint of `step` or of a later step is complete. */
async function killAfter(running: Running, run: string, step: number): Promise<void> {
  await checkpointOf(run, step);
  running.process.kill('SIGKILL');
  expect((await running.ended).code).toBe(137);
}

async function checkpointOf(run: string, step: number): Promise<void> {
  const directory = join(run, 'checkpoints');
  const isThere = () => {
    const names = existsSync(directory) ? readdirSync(directory) : [];
    return names.some((name) => Number(/^step-(\d+)\.safetensors$/.exec(name)?.[1]) >= step);
  };
  while (!isThere()) await new Promise((resolve) => setTimeout(resolve, 10));
}

function linesOf(run: string): Record<string, unknown>[] {
  const lines = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((text) => JSON.parse(text));
}

/** The fields of the metrics that do not depend on time or on the fleet. */
function course(run: string) {
  return linesOf(run).map(({ step, epoch, loss, trainAccuracy, testLoss, testAccuracy, weightsSha256 }) => {
    return { step, epoch, loss, trainAccuracy, testLoss, testAccuracy, weightsSha256 };
  });
}

/** Compares two runs: the weights, the results over the whole run, and every line of the metrics. */
function expectLike(expected: string, run: string): void {
  const result = (directory: string) => {
    const { weightsSha256, bestTestAccuracy, testLoss, steps } = summaryOf(directory);
    return { weightsSha256, bestTestAccuracy, testLoss, steps };
  };
  expect(result(run)).toEqual(result(expected));
  expect(course(run)).toEqual(course(expected));
}

function expectLikeQuiet(run: string): void {
  expectLike(quiet, run);
}

describe('a run that is killed', () => {
  test('on one machine goes on with --resume, and with the same --out', async () => {
    const run = join(scratch(), 'killed');
    const endless = 1_000_000;
    await killAfter(lockstep('train', '--workers', 2, ...options(run, endless)), run, 200);
    await killAfter(lockstep('train', '--resume', run, '--workers', 1, '--log-format', 'json'), run, 500);
    const end = Number(linesOf(run).at(-1)?.step) + 500;
    const last = await lockstep('train', '--workers', 2, ...options(run, end)).ended;
    expect(last).toMatchObject({ code: 0, stderr: '' });
    expect(last.stdout).toMatch(/"msg":"resumed at step \d+, from step-\d+\.safetensors"/);
    expect(summaryOf(run).resumedAtStep).toBeGreaterThanOrEqual(500);
    const uncut = join(scratch(), 'uncut');
    expect(await lockstep('train', '--workers', 1, ...options(uncut, end)).ended).toMatchObject({ code: 0 });
    expectLike(uncut, run);
  });

  test('and has no whole checkpoint begins again, in its directory', async () => {
    const run = join(scratch(), 'damaged');
    const cut = lockstep('train', '--workers', 2, ...options(run));
    await checkpointOf(run, 100);
    cut.process.kill('SIGINT');
    expect(await cut.ended).toMatchObject({ code: 130 });
    for (const name of readdirSync(join(run, 'checkpoints'))) writeFileSync(join(run, 'checkpoints', name), 'damaged');
    const again = await lockstep('train', '--resume', run, '--log-format', 'json').ended;
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).toMatch(/"level":"error".*cannot be used/);
    expect(again.stdout).toMatch(/resumed at step 0, from the beginning/);
    expectLikeQuiet(run);
  });

  test('again and again, with a fleet that comes back by itself, ends on the same weights', async () => {
    const run = join(scratch(), 'fleet');
    const random = new Random(11);
    let { coordinator, url } = await startCoordinator('--min-workers', 2, ...options(run));
    const fleet = [1, 2].map((i) => lockstep('worker', url, '--threads', 1, '--name', `w${i}`));
    const { port } = new URL(url);
    for (const step of [100, 700, 1300].map((from) => from + random.below(500))) {
      await killAfter(coordinator, run, step);
      coordinator = lockstep('coordinator', '--threads', 0, '--resume', run, '--port', port, '--log-format', 'json');
    }
    expect(await coordinator.ended).toMatchObject({ code: 0, stderr: '' });
    for (const worker of fleet) expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });
    expectLikeQuiet(run);
  });
});

describe('a coordinator that is interrupted', () => {
  test('stops in good order while a worker is frozen, and finds its workers again', async () => {
    const run = join(scratch(), 'interrupted');
    const { coordinator, url } = await startCoordinator('--min-workers', 2, ...options(run));
    const fleet = ['frozen', 'awake'].map((name) =>
      lockstep('worker', url, '--threads', 1, '--name', name, '--log-format', 'json'),
    );
    await coordinator.prints(/"step":100,/);
    fleet[0].process.kill('SIGSTOP');
    coordinator.process.kill('SIGINT');
    const { code, stdout, stderr } = await coordinator.ended;
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    const [, made] = stdout.match(/interrupted after (\d+) steps.*next: go on with --resume/) ?? [];
    expect(linesOf(run).map(({ step }) => step)).toEqual(Array.from({ length: Number(made) }, (_, i) => i + 1));
    fleet[0].process.kill('SIGCONT');
    await fleet[1].prints(/lost the coordinator/);
    const again = ['--resume', run, '--port', new URL(url).port, '--log-format', 'json'];
    const resumed = lockstep('coordinator', '--threads', 0, ...again);
    expect(await resumed.ended).toMatchObject({ code: 0, stderr: '' });
    for (const worker of fleet) expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });
    expectLikeQuiet(run);
    expect(summaryOf(run).resumedAtStep).toBe(Number(made));
  });

  test('twice stops at once', async () => {
    const { coordinator, url } = await startCoordinator(...options(join(scratch(), 'twice'), 1e6));
    const frozen = lockstep('worker', url, '--threads', 1);
    await coordinator.prints(/"step":100,/);
    frozen.process.kill('SIGSTOP');
    coordinator.process.kill('SIGTERM');
    await coordinator.prints(/interrupted after/);
    coordinator.process.kill('SIGINT');
    expect(await coordinator.ended).toMatchObject({ code: 130, stderr: '' });
  });

  test.skipIf(process.platform === 'win32')('stops while the disk does not answer', async () => {
    const run = join(scratch(), 'hung');
    const running = lockstep('train', ...options(run, 1e6));
    await running.prints(/"step":100,/);
    // The process will hang when it opens this pipe, because the pipe has no reader.
    execFileSync('mkfifo', [join(run, 'model.safetensors.tmp')]);
    running.process.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect(stderr).toMatch(/stopped before all was written/);
    expect(code).toBe(130);
    const again = lockstep('train', '--resume', run, '--max-steps', steps, '--log-format', 'json');
    expect((await again.ended).stdout).toMatch(/resumed at step [1-9]/);
  });

  test('goes on with the token that it made', async () => {
    const run = join(scratch(), 'token');
    const begin = (...words: string[]) =>
      lockstep('coordinator', '--threads', 0, '--host', '0.0.0.0', '--port', 0, '--log-format', 'json', ...words);
    const command = () => readFileSync(join(run, 'join-command'), 'utf8').replace(/:\d+\//, '');
    const first = begin('--data', data, '--out', run);
    await first.prints(/the command to join is in/);
    const before = command();
    first.process.kill('SIGKILL');
    await first.ended;
    writeFileSync(join(run, 'join-command'), '');
    chmodSync(join(run, 'join-command'), 0o644);
    const second = begin('--resume', run);
    await second.prints(/the command to join is in/);
    expect(command()).toBe(before);
    expect(before).toMatch(/#[0-9a-f]{32}'/);
    for (const file of ['token', 'join-command', 'links']) {
      expect(statSync(join(run, file)).mode & 0o777).toBe(0o600);
    }
  });
});

describe('a run that is to go on', () => {
  const refused = (run: string, ...words: (string | number)[]): Promise<Ended> =>
    lockstep('train', '--resume', run, ...words).ended;

  /** Copies the undisturbed run to another directory. */
  const copy = (name: string): string => {
    const run = join(scratch(), name);
    cpSync(quiet, run, { recursive: true });
    return run;
  };

  test('is refused other settings, each by name, and left as it was', async () => {
    const run = copy('differs');
    const { code, stderr } = await refused(run, '--epochs', 2000, '--seed', 2, '--lr', 0.2, '--preset', 'sigmoid-16');
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /cannot go on .*model.layers was .*rate was 0.1 and would be 0.2; seed was 1 and would be 2;/,
    );
    const otherData = await refused(run, '--dataset', 'digits');
    expect(otherData.stderr).toMatch(/dataset.sha256 was [0-9a-f]{12}… and would be/);
    expect(course(run)).toEqual(course(quiet));
    expect(readdirSync(run).sort()).toEqual(readdirSync(quiet).sort());
  });

  test('is refused an arithmetic that is not the one it was trained with', async () => {
    const run = copy('arithmetic');
    const file = join(run, 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(
      file,
      JSON.stringify({ ...config, arithmetic: { ...config.arithmetic, knownAnswer: '0'.repeat(64) } }),
    );
    expect((await refused(run)).stderr).toMatch(/arithmetic.knownAnswer was 0{12}… and would be/);
  });

  test('says what to raise when it is finished, and goes on when that is done', async () => {
    const run = copy('finished');
    const { code, stderr } = await refused(run);
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is finished, after 3000 steps: .*--epochs/),
    });
    expect(summaryOf(run)).toEqual(summaryOf(quiet));
    const further = lockstep('train', '--resume', run, '--max-steps', steps + 100, '--log-level', 'error');
    expect(await further.ended).toMatchObject({ code: 0, stderr: '' });
    expect(linesOf(run).map(({ step }) => step)).toEqual(Array.from({ length: steps + 100 }, (_, i) => i + 1));
    expect(course(run).slice(0, steps)).toEqual(course(quiet));
  });

  test('must be one', async () => {
    expect(await refused(join(scratch(), 'nowhere'))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/nowhere holds no run that could be resumed: /),
    });
    expect((await refused('a', '--out', 'b')).stderr).toMatch(/resume and out are mutually exclusive/);
  });

  test('belongs to one process at a time', async () => {
    const run = join(scratch(), 'locked');
    const owner = lockstep('train', '--data', data, '--epochs', 100_000, '--out', run, '--log-format', 'json');
    await owner.prints(/"epoch":2,/);
    const { code, stderr } = await refused(run);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`locked is in use by process ${owner.process.pid} on .*: stop that one first`));
    owner.process.kill('SIGINT');
    expect(await owner.ended).toMatchObject({ code: 130, stderr: '' });
    expect(readdirSync(run).filter((name) => name.startsWith('lock'))).toEqual([]);
  });
});
