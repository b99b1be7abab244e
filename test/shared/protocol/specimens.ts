/** A valid message of each type, and generators of valid messages. The tests of this folder send and damage them. */
import fc from 'fast-check';
import { limits } from '../../../shared/limits.js';
import { type ProtocolErrorCode, protocolErrors } from '../../../shared/protocol/errors.js';
import { type FromCoordinator, type FromWorker, protocolVersion } from '../../../shared/protocol/messages.js';
import { isPrintable } from '../../../shared/text.js';

const sha256 = 'ab'.repeat(32);

export const fromWorker: readonly FromWorker[] = [
  {
    type: 'hello',
    protocol: protocolVersion,
    version: '0.1.0',
    name: 'Zoë’s lab 3',
    device: '3f0c',
    kind: 'node',
    threads: 8,
    arithmetic: 'lockstep-arithmetic-3',
    kernels: 'webassembly 1f3a5c7d9e2b',
  },
  { type: 'ready', knownAnswer: sha256 },
  { type: 'gradient', lease: 7, part: 3 },
  { type: 'result', lease: 7, computeMs: 1.25 },
  { type: 'pong', id: 70_000 },
  { type: 'leave' },
  { type: 'failure', code: 'internal', message: 'Out of memory.' },
];

export const fromCoordinator: readonly FromCoordinator[] = [
  {
    type: 'welcome',
    protocol: protocolVersion,
    version: '0.1.0',
    run: 'quiet-otter',
    member: 3,
    model: {
      input: [28, 28],
      layers: [
        { dense: 100, activation: 'relu' },
        { dense: 10, activation: 'linear' },
      ],
      loss: 'softmaxCrossEntropy',
    },
    data: { name: 'mnist', shape: [28, 28], classes: 10, train: 60_000, test: 10_000, sha256 },
    batch: 0,
    microBatch: 32,
    seed: 0xffffffff,
    smoothing: 0.125,
    wireBits: 8,
    augment: null,
    rounds: {
      steps: 4,
      optimizer: { name: 'sgd', rate: 0.125, momentum: 0.5 },
      schedule: { name: 'cosine', to: 0.25 },
      epochs: 10,
      clip: 1.5,
    },
    heartbeatMs: 5000,
  },
  { type: 'weights', step: 300, base: 299, part: 4 },
  { type: 'samples', set: 'test', count: 100 },
  { type: 'shard', lease: 9, work: 'gradient', step: 3, epoch: 1, stepInEpoch: 1, lo: 8, size: 4 },
  { type: 'cancel', lease: 9 },
  { type: 'ping', id: 1 },
  { type: 'progress', share: 0.5, spare: true, testAccuracy: 0.9779 },
  { type: 'end', reason: 'finished', again: false, message: '' },
  { type: 'failure', code: 'token-wrong', message: 'No.' },
];

const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const hex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const fraction = fc.double({ min: 0, max: 1, noNaN: true });
const duration = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true });
const line = (minLength: number, maxLength: number) =>
  fc
    .string({ unit: 'grapheme', minLength, maxLength: maxLength / 8 })
    .filter((s) => isPrintable(s) && s.length <= maxLength);
const name = line(1, limits.nameLengthMax).filter((s) => s.trim() !== '');
const message = line(0, limits.messageLengthMax);
const failure = fc.record({
  type: fc.constant('failure' as const),
  code: fc.constantFrom(...(Object.keys(protocolErrors) as ProtocolErrorCode[])),
  message,
});

export const anyFromWorker: fc.Arbitrary<FromWorker> = fc.oneof(
  fc.record(
    {
      type: fc.constant('hello' as const),
      protocol: fc.constant(protocolVersion),
      version: name,
      name,
      device: name,
      kind: line(1, limits.kindLengthMax).filter((s) => s.trim() !== ''),
      threads: fc.integer({ min: 1, max: limits.threadsMax }),
      arithmetic: line(1, limits.arithmeticLengthMax),
      kernels: line(1, limits.kernelsLengthMax),
    },
    { requiredKeys: ['type', 'protocol', 'version', 'name', 'kind', 'threads', 'arithmetic', 'kernels'] },
  ),
  fc.record({ type: fc.constant('ready' as const), knownAnswer: hex }),
  fc.record({ type: fc.constant('gradient' as const), lease: uint32, part: fc.nat(100) }),
  fc.record({ type: fc.constant('result' as const), lease: uint32, computeMs: duration }),
  fc.record({ type: fc.constant('pong' as const), id: uint32 }),
  fc.record({ type: fc.constant('leave' as const) }),
  failure,
);

const width = fc.integer({ min: 1, max: 40 });
const activation = fc.constantFrom('relu' as const, 'linear' as const);
const shape = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 });
const layers = fc.array(fc.record({ dense: width, activation }), { maxLength: limits.layersMax - 1 });

const anyWelcome = fc
  .record({ shape, layers, classes: width, sha256: hex, name, seed: uint32, batch: fc.nat({ max: limits.samplesMax }) })
  .map(({ shape, layers, classes, sha256, name, seed, batch }): FromCoordinator => {
    const last = { dense: classes, activation: 'linear' as const };
    const model = { input: shape, layers: [...layers, last], loss: 'softmaxCrossEntropy' as const };
    const data = { name, shape, classes, train: 60_000, test: 0, sha256 };
    const order = {
      batch: batch - (batch % 64),
      microBatch: 64,
      seed,
      smoothing: 0.5,
      wireBits: 32 as const,
      augment: null,
      rounds: null,
      heartbeatMs: 1000,
    };
    return { type: 'welcome', protocol: protocolVersion, version: '1', run: name, member: seed, model, data, ...order };
  });

const anyShard = fc
  .record({ lease: uint32, step: uint32, epoch: uint32, stepInEpoch: uint32, power: fc.nat(19), n: fc.nat(1_000_000) })
  .map(({ power, n, ...shard }): FromCoordinator => {
    const size = 2 ** power;
    const lo = Math.floor((n % limits.slotsMax) / size) * size;
    return { type: 'shard', work: 'gradient', ...shard, lo, size };
  });

export const anyFromCoordinator: fc.Arbitrary<FromCoordinator> = fc.oneof(
  anyWelcome,
  anyShard,
  fc.record({
    type: fc.constant('weights' as const),
    step: uint32,
    base: fc.option(uint32),
    part: fc.nat(100),
  }),
  fc.record({
    type: fc.constant('samples' as const),
    set: fc.constantFrom('train' as const, 'test' as const),
    count: fc.integer({ min: 1, max: limits.samplesMax }),
  }),
  fc.record({ type: fc.constant('cancel' as const), lease: uint32 }),
  fc.record({ type: fc.constant('ping' as const), id: uint32 }),
  fc.record({
    type: fc.constant('progress' as const),
    share: fraction,
    spare: fc.boolean(),
    testAccuracy: fc.option(fraction),
  }),
  fc.record({
    type: fc.constant('end' as const),
    reason: fc.constantFrom('finished' as const, 'interrupted' as const, 'diverged' as const, 'dropped' as const),
    again: fc.boolean(),
    message,
  }),
  failure,
);
