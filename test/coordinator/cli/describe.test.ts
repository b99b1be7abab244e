/** The lines of the log: what people read, and the fields that programs match on. */
import { expect, test } from 'vitest';
import type { ConfigFile, Summary } from '../../../coordinator/archive/config.js';
import { describe } from '../../../coordinator/cli/describe.js';
import type { FleetPlan } from '../../../coordinator/run/fleet-plan.js';
import type { LiveRun } from '../../../coordinator/run/live-run.js';
import type { RunEvent } from '../../../coordinator/run/run-event.js';
import { outerDefault } from '../../../shared/optimizer/rounds.js';
import { line, summary } from '../archive/samples.js';

const place = { host: 'h', port: 80, how: 'join with X' };
const worker = { member: 3, worker: 'ann', workers: 2 };
const score = { loss: 0.25, accuracy: 0.5 };
const hash = summary.weightsSha256;

const plan: FleetPlan = {
  ...{ devices: 8, chosen: {}, kept: '--micro-batch 16', isFixed: false, stepsFor: null, unit: 'step', slots: 8 },
  ...{ samples: 128, bytes: 814_160, remedy: null, few: null, size: { batch: 128, microBatch: 16 } },
};
const options = { localSteps: 16, replicas: 30, microBatch: 25, wireBits: 8 } as const;
const shape = { unit: 'round', slots: 30, samples: 12_000, bytes: 203_540 } as const;
const rounds: FleetPlan = { ...plan, ...shape, devices: 30, chosen: options, kept: null };
const bound = {
  ...{ samplesPerSecond: 1500, computedPerSecond: 4000, remedy: '--wire-bits 4' },
  fastest: { name: 'ann', samplesPerSecond: 3000 },
};
const exchange = 'and a device with one of them sends and receives about 814 kB in it';

const rows: readonly (readonly [RunEvent, string, string])[] = [
  [{ type: 'warned', warning: { code: 'dataset-replaced', message: 'No MNIST.' } }, 'warn', 'No MNIST.'],
  [
    { type: 'warned', warning: { code: 'too-many-workers', workers: 3, threads: 0, slots: 1 } },
    'warn',
    '3 workers share 1 slot, so 2 of them have nothing to do, and help only where another one is late: use a smaller --micro-batch, a larger --batch, or fewer workers',
  ],
  [
    { type: 'warned', warning: { code: 'too-many-workers', workers: 7, threads: 2, slots: 8 } },
    'warn',
    '2 own threads and 7 workers share 8 slots, so one of them has nothing to do, and helps only where another one is late: use a smaller --micro-batch, a larger --batch, or fewer workers',
  ],
  [
    { type: 'warned', warning: { code: 'loss-grows', set: 'test', loss: 8, firstLoss: 2, rate: Math.fround(0.1) } },
    'warn',
    'the test loss is 4 times the loss of the first step: training does not converge; try a smaller learning rate (--lr 0.01 instead of 0.1)',
  ],
  [
    { type: 'warned', warning: { code: 'evaluation-wrong', worker: 'ann', step: 5 } },
    'error',
    'the evaluation after step 5 is wrong: ann computed a part of it',
  ],
  [
    { type: 'planned', plan: { ...plan, devices: 30, chosen: { microBatch: 4 }, kept: null, slots: 32 } },
    'info',
    `for 30 devices: --micro-batch 4, so that each has a slot; a step of 128 samples has 32 slots, ${exchange}; any fleet gets the same weights with the same options`,
  ],
  [
    { type: 'planned', plan: rounds },
    'info',
    'for 30 devices: --local-steps 16 --replicas 30 --micro-batch 25 --wire-bits 8, so that each has a slot, and less is sent; a round of 12,000 samples has 30 slots, and a device with one of them sends and receives about 204 kB in it; any fleet gets the same weights with the same options',
  ],
  [
    {
      type: 'planned',
      plan: { ...rounds, chosen: { localSteps: 16 }, kept: '--replicas 16', isFixed: true, slots: 16, samples: 8_192 },
    },
    'warn',
    'for 30 devices: --local-steps 16, so that more of them have a slot, and less is sent; --replicas 16 stays as it is; a round of 8,192 samples has 16 slots, and a device with one of them sends and receives about 204 kB in it; any fleet gets the same weights with the same options; 14 devices are spares, which help only where another one is late',
  ],
  [
    { type: 'planned', plan: { ...rounds, few: { rounds: 10, epochs: 8 } } },
    'warn',
    expect.stringMatching(/; 10 rounds in all are few and cost accuracy: --epochs 8 has enough$/),
  ],
  [
    { type: 'planned', plan },
    'info',
    `for 8 devices: --micro-batch 16 is enough; a step of 128 samples has 8 slots, ${exchange}`,
  ],
  [
    { type: 'planned', plan: { ...plan, isFixed: true, stepsFor: '--micro-batch 16' } },
    'info',
    `for 8 devices: --micro-batch 16 stays as it is; a step of 128 samples has 8 slots, ${exchange}; because of --micro-batch 16, these are ordinary steps and not rounds, in which less is sent`,
  ],
  [
    { type: 'planned', plan: { ...plan, devices: 9, isFixed: true, remedy: '--batch 144' } },
    'warn',
    `for 9 devices: --micro-batch 16 stays as it is; a step of 128 samples has 8 slots, ${exchange}; one device is a spare, which helps only where another one is late; with --batch 144, each has a slot`,
  ],
  [
    { type: 'warned', warning: { code: 'network-bound', bound } },
    'warn',
    expect.stringMatching(/^this run waits for its network most of the time: it makes 1,500 samples\/s/),
  ],
  [
    { type: 'resumed', step: 5, checkpoint: 'step-00000005.safetensors', directory: 'd' },
    'info',
    'resumed at step 5, from step-00000005.safetensors',
  ],
  [
    { type: 'resumed', step: 0, checkpoint: null, directory: 'd' },
    'info',
    'resumed at step 0, from the beginning: there is no whole checkpoint',
  ],
  [{ type: 'waiting', workersMin: 1, threads: 0 }, 'info', 'waiting for 1 worker; join with X'],
  [{ type: 'waiting', workersMin: 2, threads: 3 }, 'info', 'waiting for 2 workers; join with X'],
  [{ type: 'waiting', workersMin: 0, threads: 3 }, 'info', 'training on this machine, with 3 threads; join with X'],
  [{ type: 'joined', ...worker, threads: 4, kernels: 'scalar' }, 'info', 'ann joined (2 at work)'],
  [{ type: 'left', ...worker, wasMember: true, reason: null }, 'info', 'ann left (2 at work)'],
  [{ type: 'left', ...worker, wasMember: true, reason: 'it lied' }, 'warn', 'ann is out: it lied (2 at work)'],
  [
    { type: 'banned', member: 3, worker: 'ann', address: '192.0.2.1', reason: 'it lied' },
    'warn',
    'ann at 192.0.2.1 is not admitted any more: it lied',
  ],
  [{ type: 'stranded' }, 'warn', 'no workers left: paused until one joins; join with X'],
  [{ type: 'manned' }, 'info', 'going on'],
  [
    {
      type: 'evaluated',
      line: line(10),
      train: score,
      samplesPerSecond: 2500,
      validation: null,
      test: score,
      epochs: 4,
    },
    'info',
    'epoch 2/4, step 10: loss 0.2500, train 50.00 %, test 50.00 % (loss 0.2500), 2,500 samples/s, 2 workers',
  ],
  [
    {
      type: 'evaluated',
      line: line(10),
      train: score,
      samplesPerSecond: 2500,
      validation: score,
      test: null,
      epochs: 4,
    },
    'info',
    'epoch 2/4, step 10: loss 0.2500, train 50.00 %, validation 50.00 % (loss 0.2500), 2,500 samples/s, 2 workers',
  ],
  [
    { type: 'tested', evaluation: { step: 5, ...score } },
    'info',
    'the test set, evaluated once: 50.00 % (loss 0.2500)',
  ],
  [
    { type: 'warned', warning: { code: 'best-lost' } },
    'warn',
    'the best weights so far are not on the disk: the run goes on, and keeps the best ones from here on',
  ],
  [{ type: 'alarm-raised', alarm: 'metrics', message: 'full' }, 'error', 'full'],
  [{ type: 'alarm-cleared', alarm: 'metrics', message: 'free' }, 'info', 'free'],
  [{ type: 'checkpoint-trouble', message: 'damaged' }, 'error', 'damaged'],
  [
    { type: 'controlled', action: 'pause', step: 5, member: null },
    'info',
    'paused by the operator, after the step under way',
  ],
  [{ type: 'controlled', action: 'drop', step: 5, member: 3 }, 'info', 'the operator dropped worker 3'],
  [
    { type: 'ended', reason: 'epochs', summary, directory: 'runs/a' },
    'info',
    `done after 10 steps and 1.0 s: test accuracy 90.00 %, weights ${hash}; run in runs/a, model in ` +
      'runs/a/model.safetensors; next: lockstep view runs/a',
  ],
  [
    {
      type: 'ended',
      reason: 'interrupted',
      summary: { ...summary, stopReason: 'interrupted', testAccuracy: null, steps: 1, last: null, best: null },
      directory: 'runs/a',
    },
    'info',
    `interrupted after 1 step and 1.0 s: not evaluated, weights ${hash}; run in runs/a; next: go on with --resume runs/a`,
  ],
];

test('the line of an evaluation says whether this machine computes too', () => {
  const scores = { train: score, samplesPerSecond: 2500, validation: null, test: score, epochs: 4 };
  const ending = (workers: number, threads: number) =>
    describe({ type: 'evaluated', line: { ...line(10), workers, threads }, ...scores }, null)?.text.split('/s, ')[1];
  expect([ending(0, 1), ending(0, 2)]).toEqual(['this machine, 1 thread', 'this machine, 2 threads']);
  expect([ending(1, 2), ending(3, 0)]).toEqual(['this machine and 1 worker', '3 workers']);
});

/** The last line of a run whose best evaluation was after step 5, and whose last one was after step 10. */
function lastLine(changes: Partial<Summary>): string {
  const best = { step: 5, loss: 0.2, accuracy: 0.95 };
  const event = { type: 'ended', reason: 'epochs', summary: { ...summary, best, ...changes }, directory: 'd' } as const;
  return /s: (.*), weights/.exec(describe(event, null)?.text ?? '')?.[1] ?? '';
}

test('the last line names the last and the best weights, and both sets', () => {
  expect(lastLine({})).toBe('test accuracy 90.00 % (best 95.00 % after step 5)');
  const kept = { weightsStep: 5, testAccuracy: 0.95 };
  expect(lastLine(kept)).toBe('the best weights, after step 5: test accuracy 95.00 % (last 90.00 %)');
  expect(lastLine({ validationAccuracy: 0.9, testAccuracy: 0.875 })).toBe(
    'test accuracy 87.50 %, validation accuracy 90.00 % (best 95.00 % after step 5)',
  );
  expect(lastLine({ ...kept, validationAccuracy: 0.95, testAccuracy: 0.875 })).toBe(
    'the best weights, after step 5: test accuracy 87.50 %, validation accuracy 95.00 % (last 90.00 %)',
  );
  expect(lastLine({ validationAccuracy: 0.9, testAccuracy: null })).toBe(
    'validation accuracy 90.00 % (best 95.00 % after step 5)',
  );
});

test.each(rows)('%j', (event, level, text) => {
  expect(describe(event, place)).toMatchObject({ level, text });
});

/** As much of a run as its line needs. */
function loadedWith(config: Pick<ConfigFile, 'batch' | 'microBatch' | 'rounds'>): RunEvent {
  return { type: 'loaded', run: { setup: { config } } as LiveRun, history: [] };
}

test('a run of rounds says how large they are, and counts rounds', () => {
  const rounds = { steps: 16, outer: outerDefault };
  expect(describe(loadedWith({ batch: 4096, microBatch: 32, rounds }), null)).toEqual({
    level: 'info',
    fields: { replicas: 8, localSteps: 16, microBatch: 32 },
    text: 'rounds of 8 replicas x 16 local steps x 32 samples: 4,096 samples from one update to the next',
  });
  expect(describe(loadedWith({ batch: 128, microBatch: 16 }), null)).toBeNull();
  const texts = rows.map(([event]) => describe(event, place, 'round')?.text ?? '');
  const counted = texts.filter((text) => /(?<!-)\bsteps? \d/.test(text));
  // What has happened before the run was loaded counts steps, as the names of its files do.
  expect(counted.every((text) => text.startsWith('resumed at step'))).toBe(true);
  expect(texts.some((text) => /epoch 2\/4, round 10: loss/.test(text))).toBe(true);
});

test('fields have stable names', () => {
  const fields = (event: RunEvent) => describe(event, place)?.fields;
  expect(fields({ type: 'waiting', workersMin: 1, threads: 0 })).toEqual({ host: 'h', port: 80 });
  expect(fields({ type: 'waiting', workersMin: 0, threads: 3 })).toEqual({ threads: 3, host: 'h', port: 80 });
  expect(fields({ type: 'joined', ...worker, threads: 4, kernels: 'scalar' })).toEqual({
    ...worker,
    threads: 4,
    kernels: 'scalar',
  });
  expect(fields({ type: 'left', ...worker, wasMember: true, reason: 'r' })).toEqual({ ...worker, reason: 'r' });
  expect(fields({ type: 'planned', plan: rounds })).toEqual({ devices: 30, chosen: options, slots: 30 });
  expect(fields({ type: 'resumed', step: 5, checkpoint: null, directory: 'd' })).toEqual({ step: 5, run: 'd' });
  expect(fields({ type: 'alarm-raised', alarm: 'metrics', message: 'm' })).toEqual({ alarm: 'run-directory' });
  expect(fields({ type: 'ended', reason: 'epochs', summary, directory: 'd' })).toEqual({ ...summary, run: 'd' });
  // The means since the previous evaluation replace the values of the last step.
  expect(
    fields({
      type: 'evaluated',
      line: line(10),
      train: score,
      samplesPerSecond: 2500,
      validation: null,
      test: score,
      epochs: 4,
    }),
  ).toEqual({
    ...line(10),
    loss: 0.25,
    trainAccuracy: 0.5,
    samplesPerSecond: 2500,
  });
});

test('what comes with every step is not logged, and a divergence is left to its error', () => {
  expect(describe({ type: 'stepped', line: line(1) }, null)).toBe(null);
  expect(describe({ type: 'downloading', file: 'f', bytes: 1, bytesTotal: 2 }, null)).toBe(null);
  expect(describe({ type: 'ended', reason: 'diverged', summary, directory: 'd' }, null)).toBe(null);
});
