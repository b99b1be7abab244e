/** A machine's sums and updates have the same bits with any number of threads, with or without its own thread. */
import { afterEach, expect, test } from 'vitest';
import type { KernelBackend } from '../../../shared/arithmetic/backend.js';
import { Machine } from '../../../shared/compute/machine.js';
import { storeSamples } from '../../../shared/compute/samples.js';
import type { RunDescription } from '../../../shared/compute/workspace.js';
import type { AugmentDescription } from '../../../shared/data/augment.js';
import type { SampleSet } from '../../../shared/data/dataset.js';
import type { Model } from '../../../shared/model/model.js';
import { rootShard } from '../../../shared/pool/tree.js';
import type { Phase } from '../../../shared/profile.js';
import { Random } from '../../../shared/random.js';
import { nodePlatform } from '../../../worker/node-platform.js';
import { scalar, webAssembly } from '../arithmetic/backends.js';

type Rules = Pick<RunDescription, 'optimizer' | 'schedule' | 'clip' | 'smoothing' | 'rounds' | 'wireBits'>;

const sgd: Rules = { optimizer: { name: 'sgd', rate: 0.1, momentum: 0.9 } };

/** Everything that shapes an update. */
const shaped: Rules = {
  optimizer: { name: 'adamw', rate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, decay: 0.1 },
  schedule: { schedule: { name: 'one-cycle', warmUp: 0.3, from: 0.04, to: 0.0001 }, epochs: 3, stepsPerEpoch: 1 },
  clip: 0.01,
  smoothing: Math.fround(0.1),
  wireBits: 8,
};

/** Two local steps of a slot, and an outer optimizer. */
const rounds: Rules = {
  optimizer: { name: 'sgd', rate: 0.7, momentum: 0.9, nesterov: true },
  rounds: { ...shaped, steps: 2, optimizer: { name: 'sgd', rate: 0.1, momentum: 0.5 } },
};

const machines: Machine[] = [];
afterEach(() => {
  for (const machine of machines.splice(0)) machine.stop();
});

/** In small steps, the machine's own thread takes part. In large steps it does not, and threads help to update. */
const shapes: Record<'small' | 'large', { width: number; batch: number }> = {
  small: { width: 20, batch: 64 },
  large: { width: 300, batch: 1024 },
};

interface Means {
  readonly sharesMemory?: boolean;
  readonly serves?: boolean;
  readonly backend?: KernelBackend;
  readonly augment?: AugmentDescription;
}

async function trained(
  { width, batch }: { width: number; batch: number },
  threads: number,
  { sharesMemory = true, serves = false, backend = webAssembly, augment }: Means = {},
  rules: Rules = sgd,
): Promise<string> {
  const layers = [
    { dense: width, activation: 'relu' },
    { dense: 10, activation: 'linear' },
  ] as const;
  const model: Model = { input: [28, 28], layers, loss: 'softmaxCrossEntropy' };
  const run: RunDescription = { model, train: batch, test: 300, batch, microBatch: 16, seed: 3, augment, ...rules };
  const machine = new Machine({ ...nodePlatform(), sharesMemory, backend }, run, threads, { serves });
  machines.push(machine);
  const random = new Random(1);
  const { weights, parameters } = machine.workspace;
  store(machine, 'train', batch, (i) => (i % 5 === 0 ? random.below(256) : 0));
  machine.floats(weights, parameters).forEach((_, i, out) => {
    out[i] = random.uniform() / 16 - 1 / 32;
  });
  machine.weightsChanged();
  await machine.start((error) => {
    throw error;
  });
  for (let step = 0; step < 3; step++) await advance(machine, step);
  const evaluation = await evaluated(machine);
  expect(machine.buffers.inUse).toBe(0);
  return `${nodePlatform().sha256(machine.bytes(weights, 4 * parameters).slice())} ${evaluation}`;
}

function store(machine: Machine, set: SampleSet, count: number, pixel: (i: number) => number): void {
  const ids = Uint32Array.from({ length: count }, (_, i) => i);
  const labels = Uint8Array.from(ids, (id) => id % 10);
  storeSamples(machine, set, { ids, labels, pixels: Uint8Array.from({ length: count * 784 }, (_, i) => pixel(i)) });
}

/** The loss and the predictions on a test set of random images, so that the predictions differ. */
function evaluated(machine: Machine): Promise<string> {
  const { predictions } = machine.workspace;
  const random = new Random(2);
  store(machine, 'test', 300, () => random.below(256));
  const task = { work: 'evaluation', step: 3, epoch: 0, stepInEpoch: 0 } as const;
  const { slots } = machine.orders.test;
  return new Promise((resolve) => {
    machine.pool.run(task, rootShard(slots), slots, (sum) => {
      const sums = machine.bytes(sum, 8).slice();
      machine.buffers.release(sum);
      resolve(`${sums} ${machine.bytes(predictions, 300).slice()}`);
    });
  });
}

function advance(machine: Machine, step: number): Promise<void> {
  const order = machine.orders.train;
  const slots = order.slotsIn(0);
  const task = { work: 'gradient', step, epoch: step, stepInEpoch: 0 } as const;
  return new Promise((resolve) => {
    machine.pool.run(task, rootShard(slots), slots, (sum) => {
      machine.update(sum, order.termsIn(0), step);
      machine.buffers.release(sum);
      resolve();
    });
  });
}

test.each(['small', 'large'] as const)('%s steps', { timeout: 60_000 }, async (shape) => {
  const alone = await trained(shapes[shape], 1);
  for (const threads of [2, 3, 5]) expect(await trained(shapes[shape], threads)).toBe(alone);
  for (const threads of [1, 2, 4]) expect(await trained(shapes[shape], threads, { sharesMemory: false })).toBe(alone);
  for (const threads of [1, 2]) expect(await trained(shapes[shape], threads, { serves: true })).toBe(alone);
});

/** A machine that serves, of a kind in which steps are short, and the shards that its own thread has computed. */
async function serving(threads: number) {
  const layers = [{ dense: 10, activation: 'linear' }] as const;
  const model: Model = { input: [28, 28], layers, loss: 'softmaxCrossEntropy' };
  const run: RunDescription = { model, train: 64, test: 300, batch: 64, microBatch: 4, seed: 3, ...sgd };
  const own = { shards: 0 };
  const enter = (phase: Phase) => {
    if (phase === 'compute') own.shards += 1;
  };
  const machine = new Machine({ ...nodePlatform(), profile: { enter, leave() {} } }, run, threads, { serves: true });
  machines.push(machine);
  await machine.start((error) => {
    throw error;
  });
  return { machine, own };
}

test("the machine's own thread computes in place of one of its threads until it has a member to serve", async () => {
  const { machine, own } = await serving(1);
  // The thread computes until one of its shards has shown that they are brief.
  await advance(machine, 0);
  expect(own.shards).toBe(0);
  while (own.shards === 0) await advance(machine, 0);
  for (let step = 1; step < 4; step++) await advance(machine, step);
  expect(own.shards).toBe(4);
  // As if a worker had a shard.
  let isServing = true;
  Object.defineProperty(machine.pool, 'remoteComputes', { get: () => isServing });
  await advance(machine, 4);
  expect(own.shards).toBe(4);
  isServing = false;
  await advance(machine, 5);
  expect(own.shards).toBe(5);
});

test('with distorted samples', { timeout: 60_000 }, async () => {
  const augment = { shift: 2, rotate: 10, scale: 0.1, elastic: 3 };
  const alone = await trained(shapes.small, 1, { augment });
  for (const threads of [2, 3]) expect(await trained(shapes.small, threads, { augment })).toBe(alone);
  expect(await trained(shapes.small, 2, { augment, sharesMemory: false })).toBe(alone);
  expect(await trained(shapes.small, 2, { augment, backend: scalar })).toBe(alone);
  expect(await trained(shapes.small, 1)).not.toBe(alone);
});

test.each([true, false])('by the scalar backend (shared memory: %s)', { timeout: 60_000 }, async (sharesMemory) => {
  const expected = await trained(shapes.small, 1);
  for (const threads of [1, 3]) {
    expect(await trained(shapes.small, threads, { sharesMemory, backend: scalar })).toBe(expected);
  }
});

test.each(['small', 'large'] as const)('%s steps with a shaped update', { timeout: 60_000 }, async (shape) => {
  const alone = await trained(shapes[shape], 1, {}, shaped);
  expect(alone).not.toBe(await trained(shapes[shape], 1));
  expect(await trained(shapes[shape], 3, {}, shaped)).toBe(alone);
  expect(await trained(shapes[shape], 2, { sharesMemory: false }, shaped)).toBe(alone);
  for (const lacking of ['schedule', 'clip', 'smoothing', 'wireBits'] as const) {
    expect(await trained(shapes[shape], 2, {}, { ...shaped, [lacking]: undefined }), lacking).not.toBe(alone);
  }
});

test.each(['small', 'large'] as const)('%s rounds', { timeout: 60_000 }, async (shape) => {
  const alone = await trained(shapes[shape], 1, {}, rounds);
  expect(await trained(shapes[shape], 3, {}, rounds)).toBe(alone);
  for (const threads of [1, 2]) {
    expect(await trained(shapes[shape], threads, { sharesMemory: false }, rounds)).toBe(alone);
  }
  expect(await trained(shapes[shape], 2, {}, { ...rounds, rounds: undefined })).not.toBe(alone);
  for (const lacking of ['schedule', 'clip'] as const) {
    const without = { ...rounds, rounds: { ...rounds.rounds!, [lacking]: undefined } };
    expect(await trained(shapes[shape], 2, {}, without), lacking).not.toBe(alone);
  }
});
