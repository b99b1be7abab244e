/** Faults of real processes: the run goes on, and its weights are those of an undisturbed run. */
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { patience } from '../../shared/pool/member.js';
import { lockstep, type Running, scratch, smallDataset, startCoordinator, summaryOf } from './fixture.js';

const safety = { timeout: 120_000 };
let data: string;
beforeAll(() => {
  data = smallDataset();
});

/** Options of a run that goes on until it is interrupted. */
const options = (out: string) => [
  ...['--data', data, '--epochs', 1_000_000, '--eval-every', 100],
  ...['--out', join(scratch(), out), '--log-format', 'json'],
];

const worker = (url: string, name: string) => lockstep('worker', url, '--threads', 1, '--name', name);

/** Resolves when the coordinator has logged two further evaluations, so the run makes progress. */
async function goesOn(coordinator: Running): Promise<void> {
  const [last] = [...coordinator.stdout.matchAll(/"step":(\d+)/g)].slice(-1);
  const done = Number(last?.[1] ?? 0);
  for (let step = done + 100 - (done % 100), i = 0; i < 2; i++)
    await coordinator.prints(new RegExp(`"step":${step + 100 * i},`));
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Interrupts the run, and expects the weights of an undisturbed run with the same number of steps. */
async function expectQuietHash(coordinator: Running, out: string): Promise<void> {
  coordinator.process.kill('SIGINT');
  expect(await coordinator.ended).toMatchObject({ code: 130, stderr: '' });
  const { steps, weightsSha256 } = summaryOf(join(scratch(), out));
  const quiet = lockstep('train', '--workers', 1, '--max-steps', steps, ...options(`${out}-quiet`));
  expect(await quiet.ended).toMatchObject({ code: 0, stderr: '' });
  expect(weightsSha256).toBe(summaryOf(join(scratch(), `${out}-quiet`)).weightsSha256);
}

test(
  'a frozen worker is out, comes back by itself when it thaws, and its late results do no harm',
  safety,
  async () => {
    const { coordinator, url } = await startCoordinator('--min-workers', 2, ...options('frozen'));
    const [frozen] = [worker(url, 'frozen'), worker(url, 'other')];
    await goesOn(coordinator);
    frozen.process.kill('SIGSTOP');
    await coordinator.prints(/frozen is out: The worker was silent for too long/);
    await goesOn(coordinator);
    frozen.process.kill('SIGCONT');
    await coordinator.prints(/frozen is out.*\n(.*\n)*.*frozen joined/);
    await goesOn(coordinator);
    expect(coordinator.stdout).not.toMatch(/other (left|is out)|wrong/);
    await expectQuietHash(coordinator, 'frozen');
  },
);

test('a coordinator that was stopped blames nobody', safety, async () => {
  const { coordinator, url } = await startCoordinator('--min-workers', 2, ...options('stopped'));
  for (const name of ['a', 'b']) worker(url, name);
  await goesOn(coordinator);
  coordinator.process.kill('SIGSTOP');
  // The pause is longer than the silence for which a member would be evicted.
  await pause(patience.silenceMs + 2_000);
  coordinator.process.kill('SIGCONT');
  await goesOn(coordinator);
  expect(coordinator.stdout).not.toMatch(/ left | is out/);
  await expectQuietHash(coordinator, 'stopped');
});

test('a run that nobody works for pauses, says once how to join, and goes on', safety, async () => {
  const { coordinator, url } = await startCoordinator('--min-workers', 1, ...options('alone'));
  const first = worker(url, 'first');
  await goesOn(coordinator);
  first.process.kill('SIGKILL');
  await coordinator.prints(/no workers left: paused until one joins; join with: {2}npx lockstep worker ws:/);
  await pause(500);
  worker(url, 'second');
  await coordinator.prints(/going on/);
  await goesOn(coordinator);
  expect(coordinator.stdout.match(/no workers left/g)?.length).toBe(1);
  await expectQuietHash(coordinator, 'alone');
});

test('a worker that is interrupted hands back what it holds; a second time, it ends at once', safety, async () => {
  const { coordinator, url } = await startCoordinator('--min-workers', 3, ...options('interrupted'));
  const [polite, hasty] = ['polite', 'hasty', 'stays'].map((name) => worker(url, name));
  await goesOn(coordinator);
  polite.process.kill('SIGINT');
  expect(await polite.ended).toMatchObject({ code: 130, stderr: '', stdout: expect.stringMatching(/left .*computed/) });
  await coordinator.prints(/"msg":"polite left \(2 at work\)/);
  // The stopped coordinator does not answer the worker's goodbye.
  coordinator.process.kill('SIGSTOP');
  hasty.process.kill('SIGINT');
  await hasty.prints(/Ctrl-C again/);
  hasty.process.kill('SIGINT');
  const { code, stdout } = await hasty.ended;
  expect(code).toBe(130);
  expect(stdout).not.toMatch(/computed/);
  coordinator.process.kill('SIGCONT');
  await goesOn(coordinator);
  await expectQuietHash(coordinator, 'interrupted');
});
