/** Tests `lockstep plan` from outside. */
import { expect, test } from 'vitest';
import { lockstep } from './fixture.js';

const safety = { timeout: 60_000 };
const phones = ['plan', '--samples-per-second', 35_000, '--mbps', 100] as const;

test('a class of slow devices is told that its network is the limit, in 80 columns', safety, async () => {
  const { code, stdout, stderr } = await lockstep(...phones, '--fleet', 12).ended;
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^mlp: 101,770 parameters; 128 samples a step, in 8 slots$/m);
  expect(stdout).toMatch(/^One device alone: 35,000 samples\/s \(as you say\), 17 s$/m);
  expect(stdout).toMatch(/^A run: 10 epochs, 97.85 % on MNIST$/m);
  expect(stdout).toMatch(/^ +8 /m);
  expect(stdout.replace(/\n/g, ' ')).toContain('12 devices share 8 slots, so 4 have nothing to do');
  expect(stdout.replace(/\n/g, ' ')).toContain(
    'Rounds of local steps send far less: `lockstep coordinator --fleet 12` with',
  );
  expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
});

test('a run of rounds is planned, too, with its accuracy', safety, async () => {
  const { code, stdout } = await lockstep(...phones, '--local-steps', 16, '--wire-bits', 4).ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/^mlp: 101,770 parameters; 4,096 samples a round$/m);
  expect(stdout).toMatch(/^A round: 8 replicas x 16 local steps x 32 samples$/m);
  expect(stdout).toMatch(/^On the wire: 4 bits for each number$/m);
  expect(stdout).toMatch(/^A run: 10 epochs, 98.06 % on MNIST$/m);
  expect(stdout).toMatch(/ round ms /);
  expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
});

test('where nothing helps, one device should train alone', safety, async () => {
  const { stdout } = await lockstep(...phones, '--local-steps', 2, '--wire-bits', 8, '--mbps', 1).ended;
  expect(stdout).toContain('lockstep train');
});

test('programs get the plan as JSON', safety, async () => {
  const { stdout } = await lockstep(...phones, '--preset', 'cnn-small', '--json').ended;
  const { fleets, work, request } = JSON.parse(stdout) as { fleets: unknown[]; work: unknown; request: unknown };
  expect(fleets).toHaveLength(5);
  expect(work).toMatchObject({ parameters: 15_578, samples: 256, slots: 16 });
  expect(request).toMatchObject({ device: { samplesPerSecond: 35_000, threads: 1 }, link: { mbps: 100, rttMs: 2 } });
});

test('without a speed, this machine is measured, and no run stays behind', safety, async () => {
  const { code, stdout, stderr } = await lockstep('plan', '--preset', 'softmax', '--threads', 1).ended;
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^One device alone: [\d,]+ samples\/s \(measured here, 1 thread\)/m);
});
