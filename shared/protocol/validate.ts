/**
 * Checks every field of a message, once, when the message arrives. After that the types hold.
 *
 * What this is not: a check that needs the run or the state of the conversation. The length of a payload is checked in
 * payload.ts; the state machines at both ends check whether a message may come now.
 */
import { checkAugment, undistortable } from '../data/augment.js';
import { invalidOrder } from '../data/order.js';
import {
  boolean,
  both,
  type Check,
  fraction,
  list,
  notNegative,
  object,
  oneOf,
  optional,
  orNull,
  positive,
  sha256,
  text,
  uint32,
  wholeNumber,
} from '../fields.js';
import { limits } from '../limits.js';
import { wireBitsChoices } from '../model/coding.js';
import { checkModel, misfit } from '../model/description.js';
import { smoothedLoss } from '../model/smoothing.js';
import { checkOptimizer } from '../optimizer/optimizers.js';
import { checkSchedule } from '../optimizer/schedule.js';
import { kinds, workNames } from '../work/kinds.js';
import { protocolErrors } from './errors.js';
import * as messages from './messages.js';
import { codedSlotsMax } from './route.js';
import { partsOf } from './tensor.js';

/** Axes of one sample. */
const axesMax = 8;
/** The longest time between two pings. */
const heartbeatMsMax = 60 * 60 * 1000;
/** A shard of a whole step covers the slots with the next power of two. */
const shardSizeMax = 2 ** (32 - Math.clz32(limits.slotsMax - 1));

const protocol = oneOf(messages.protocolVersion);
const name = text(1, limits.nameLengthMax);
const notBlank: Check = (path, x) => (/^ *$/.test(x as string) ? `${path} must not be blank` : null);
const partNumber = wholeNumber(0, partsOf(limits.parametersMax) - 1);
const gradientPartNumber = wholeNumber(0, codedSlotsMax({ bits: 4 }) * partsOf(limits.parametersMax) - 1);
const message = text(0, limits.messageLengthMax);

const checkHello = object<messages.Hello>({
  type: oneOf('hello'),
  protocol,
  version: name,
  name: both(name, notBlank),
  device: optional(both(name, notBlank)),
  kind: both(text(1, limits.kindLengthMax), notBlank),
  threads: wholeNumber(1, limits.threadsMax),
  arithmetic: text(1, limits.arithmeticLengthMax),
  kernels: text(1, limits.kernelsLengthMax),
});
const checkReady = object<messages.Ready>({ type: oneOf('ready'), knownAnswer: sha256 });
const checkGradient = object<messages.Gradient>({ type: oneOf('gradient'), lease: uint32, part: gradientPartNumber });
const checkResult = object<messages.ResultMessage>({ type: oneOf('result'), lease: uint32, computeMs: notNegative });
const checkPong = object<messages.Pong>({ type: oneOf('pong'), id: uint32 });
const checkLeave = object<messages.Leave>({ type: oneOf('leave') });

const checkWelcomeFields = object<messages.Welcome>({
  type: oneOf('welcome'),
  protocol,
  version: name,
  run: name,
  member: uint32,
  model: checkModel,
  data: object<messages.DataDescription>({
    name,
    shape: list(1, axesMax, wholeNumber(1, limits.layerWidthMax)),
    classes: wholeNumber(1, limits.classesMax),
    train: wholeNumber(1, limits.samplesMax),
    validation: optional(wholeNumber(1, limits.samplesMax)),
    test: wholeNumber(0, limits.samplesMax),
    sha256,
  }),
  batch: wholeNumber(0, limits.samplesMax),
  microBatch: wholeNumber(1, limits.microBatchMax),
  seed: uint32,
  smoothing: fraction,
  wireBits: oneOf(...wireBitsChoices),
  augment: orNull(checkAugment),
  rounds: orNull(
    object<messages.Rounds>({
      steps: wholeNumber(2, limits.localStepsMax),
      optimizer: checkOptimizer,
      schedule: orNull(checkSchedule),
      epochs: wholeNumber(1, limits.epochsMax),
      clip: orNull(positive),
    }),
  ),
  heartbeatMs: wholeNumber(1, heartbeatMsMax),
});
const checkWeights = object<messages.WeightsMessage>({
  type: oneOf('weights'),
  step: uint32,
  base: orNull(uint32),
  part: partNumber,
});
const checkSamples = object<messages.SamplesMessage>({
  type: oneOf('samples'),
  set: oneOf('train', 'validation', 'test'),
  count: wholeNumber(1, limits.samplesMax),
});
const checkShardFields = object<messages.ShardLease>({
  type: oneOf('shard'),
  lease: uint32,
  work: oneOf(...workNames),
  step: uint32,
  epoch: uint32,
  stepInEpoch: uint32,
  lo: wholeNumber(0, limits.slotsMax - 1),
  size: wholeNumber(1, shardSizeMax),
});
const checkCancel = object<messages.Cancel>({ type: oneOf('cancel'), lease: uint32 });
const checkProgress = object<messages.Progress>({
  type: oneOf('progress'),
  share: fraction,
  spare: boolean,
  testAccuracy: orNull(fraction),
});
const checkPing = object<messages.Ping>({ type: oneOf('ping'), id: uint32 });
const checkEnd = object<messages.End>({
  type: oneOf('end'),
  reason: oneOf('finished', 'interrupted', 'diverged', 'dropped'),
  again: boolean,
  message,
});
const checkFailure = object<messages.Failure>({
  type: oneOf('failure'),
  code: oneOf(...Object.keys(protocolErrors)),
  message,
});

export const invalidHello = (x: unknown): string | null => checkHello('hello', x);
export const invalidReady = (x: unknown): string | null => checkReady('ready', x);
export const invalidGradient = (x: unknown): string | null => checkGradient('gradient', x);
export const invalidResult = (x: unknown): string | null => checkResult('result', x);
export const invalidPong = (x: unknown): string | null => checkPong('pong', x);
export const invalidLeave = (x: unknown): string | null => checkLeave('leave', x);
export const invalidWeights = (x: unknown): string | null => checkWeights('weights', x);
export const invalidSamples = (x: unknown): string | null => checkSamples('samples', x);
export const invalidCancel = (x: unknown): string | null => checkCancel('cancel', x);
export const invalidProgress = (x: unknown): string | null => checkProgress('progress', x);
export const invalidPing = (x: unknown): string | null => checkPing('ping', x);
export const invalidEnd = (x: unknown): string | null => checkEnd('end', x);
export const invalidFailure = (x: unknown): string | null => checkFailure('failure', x);

export function invalidWelcome(x: unknown): string | null {
  const fault = checkWelcomeFields('welcome', x);
  if (fault !== null) return fault;
  const { model, data, batch, microBatch, seed, smoothing, augment } = x as messages.Welcome;
  const rounds = (x as messages.Welcome).rounds ?? undefined;
  if (smoothing > 0 && model.loss !== smoothedLoss) return `welcome.smoothing must be 0 for the loss ${model.loss}`;
  const disorder = invalidOrder({ samples: data.train, batch, microBatch, seed, rounds });
  const misshapen = augment === null ? null : undistortable(data.shape);
  return (
    prefixed('welcome', disorder) ??
    prefixed('welcome.model', misfit(model, data.shape, data.classes)) ??
    prefixed('welcome.augment', misshapen)
  );
}

export function invalidShard(x: unknown): string | null {
  const fault = checkShardFields('shard', x);
  if (fault !== null) return fault;
  const { work, epoch, stepInEpoch, lo, size } = x as messages.ShardLease;
  if ((size & (size - 1)) !== 0) return 'shard.size must be a power of two';
  if (lo % size !== 0) return 'shard.size must divide shard.lo';
  if (kinds[work].hasPlace || (epoch === 0 && stepInEpoch === 0)) return null;
  return `shard.epoch and shard.stepInEpoch must be 0 for work "${work}"`;
}

type Validators<M extends messages.Message> = { readonly [T in M['type']]: (x: unknown) => string | null };

export const fromWorkerValidators: Validators<messages.FromWorker> = {
  hello: invalidHello,
  ready: invalidReady,
  gradient: invalidGradient,
  result: invalidResult,
  pong: invalidPong,
  leave: invalidLeave,
  failure: invalidFailure,
};

export const fromCoordinatorValidators: Validators<messages.FromCoordinator> = {
  welcome: invalidWelcome,
  weights: invalidWeights,
  samples: invalidSamples,
  shard: invalidShard,
  cancel: invalidCancel,
  ping: invalidPing,
  progress: invalidProgress,
  end: invalidEnd,
  failure: invalidFailure,
};

function prefixed(path: string, fault: string | null): string | null {
  return fault === null ? null : `${path}: ${fault}`;
}
