import { describe, expect, it } from 'vitest';
import { limits } from '../../../shared/limits.js';
import type { Message } from '../../../shared/protocol/messages.js';
import {
  fromCoordinatorValidators,
  fromWorkerValidators,
  invalidEnd,
  invalidHello,
  invalidPing,
  invalidResult,
  invalidSamples,
  invalidShard,
  invalidWelcome,
} from '../../../shared/protocol/validate.js';
import { fromCoordinator, fromWorker } from './specimens.js';

type Plain = Record<string, unknown>;

const all = [...fromWorker, ...fromCoordinator].map((message) => ({ type: message.type, message }));
const fields = all.flatMap(({ type, message }) => Object.keys(message).map((field) => ({ type, field, message })));

/** Values that are valid for these fields, and invalid for almost all others. */
const alsoGood: Readonly<Record<string, readonly unknown[]>> = {
  'welcome.smoothing': [0.5],
  'result.computeMs': [0.5, 2 ** 53],
  'welcome.augment': [null],
  'welcome.rounds': [null],
  'weights.base': [null],
  'progress.share': [0.5],
  'progress.testAccuracy': [null, 0.5],
};

function invalid(type: string, x: unknown): string | null {
  const validators: Record<string, (x: unknown) => string | null> = {
    ...fromWorkerValidators,
    ...fromCoordinatorValidators,
  };
  return validators[type](x);
}

function find(type: string): Plain {
  return { ...all.find((each) => each.type === type)!.message } as Message & Plain;
}

/** Fields that a message may lack. */
const optional = ['hello.device'];
const required = fields.filter(({ type, field }) => !optional.includes(`${type}.${field}`));

describe('every message', () => {
  it.each(all)('$type is valid as it should be', ({ type, message }) => {
    expect(invalid(type, message)).toBeNull();
  });

  it.each(required)('$type lacks $field', ({ type, field, message }) => {
    const { [field]: _, ...rest } = message as Message & Plain;
    expect(invalid(type, rest)).toContain(`${type} lacks ${field}`);
  });

  it.each(required)('$type inherits $field', ({ type, field, message }) => {
    const { [field]: value, ...rest } = message as Message & Plain;
    expect(invalid(type, Object.assign(Object.create({ [field]: value }), rest))).toContain(`${type} lacks ${field}`);
  });

  it.each(fields)('$type has a $field of a wrong type', ({ type, field, message }) => {
    const good = (message as Message & Plain)[field];
    for (const bad of [null, undefined, true, 'x\u0000', -1, 0.5, Number.NaN, 2 ** 53, 3n, {}, [], [good], () => 1]) {
      if (typeof bad === 'boolean' && typeof good === 'boolean') continue;
      if (alsoGood[`${type}.${field}`]?.includes(bad)) continue;
      expect(invalid(type, { ...message, [field]: bad }), `${type}.${field} = ${String(bad)}`).toContain(
        `${type}.${field}`,
      );
    }
  });

  it.each(all)('$type has a field that it may not have', ({ type, message }) => {
    expect(invalid(type, { ...message, extra: 1 })).toContain('unknown field "extra"');
  });

  it.each(all)('$type is no object', ({ type }) => {
    for (const x of [null, undefined, 1, 'x', [], () => 1, [type]]) expect(invalid(type, x)).not.toBeNull();
  });
});

describe('hello', () => {
  it.each(['', ' ', 'x'.repeat(65), 'a\nb', 'a\u001b[31m', '\u202eevil', 'a\u200bb', '\ud800'])(
    'is not from %j',
    (name) => {
      expect(invalidHello({ ...find('hello'), name })).toContain('hello.name');
    },
  );

  it.each(['a', 'Jürgen (Büro)', '実験室 2', 'x'.repeat(64), '🦦'])('may be from %j', (name) => {
    expect(invalidHello({ ...find('hello'), name })).toBeNull();
  });

  it.each(['', 'x'.repeat(65), 'a\tb', 7])('has no arithmetic and no kernels %j', (text) => {
    expect(invalidHello({ ...find('hello'), arithmetic: text })).toContain('hello.arithmetic');
    expect(invalidHello({ ...find('hello'), kernels: text })).toContain('hello.kernels');
  });

  it('may name no device, but no blank one', () => {
    const { device: _, ...rest } = find('hello');
    expect(invalidHello(rest)).toBeNull();
    for (const device of ['', ' ', 'x'.repeat(65)]) expect(invalidHello({ ...rest, device })).toContain('hello.device');
  });

  it.each(['', '  ', 'x'.repeat(33), 'a\tb'])('is of no kind %j', (kind) => {
    expect(invalidHello({ ...find('hello'), kind })).toContain('hello.kind');
  });

  it.each(['node', 'browser', 'python', 'Rust 1.83, on a phone'])('may be of kind %j', (kind) => {
    expect(invalidHello({ ...find('hello'), kind })).toBeNull();
  });

  it('lends 1 to threadsMax threads', () => {
    for (const threads of [0, limits.threadsMax + 1, -0.5, '4']) {
      expect(invalidHello({ ...find('hello'), threads })).toContain('hello.threads');
    }
  });
});

describe('numbers', () => {
  it('end where they should', () => {
    expect(invalidPing({ type: 'ping', id: 0xffffffff })).toBeNull();
    expect(invalidPing({ type: 'ping', id: 0x1_0000_0000 })).toContain('ping.id');
    expect(invalidResult({ type: 'result', lease: 0, computeMs: Number.POSITIVE_INFINITY })).toContain('computeMs');
    expect(invalidResult({ type: 'result', lease: 0, computeMs: 0 })).toBeNull();
    expect(invalidSamples({ type: 'samples', set: 'train', count: 0 })).toContain('count');
    expect(invalidSamples({ type: 'samples', set: 'train', count: limits.samplesMax + 1 })).toContain('count');
    const end = find('end');
    expect(invalidEnd({ ...end, message: 'x'.repeat(limits.messageLengthMax) })).toBeNull();
    expect(invalidEnd({ ...end, message: 'x'.repeat(limits.messageLengthMax + 1) })).toContain('end.message');
  });
});

describe('shard', () => {
  const shard = find('shard');

  it.each([
    [0, 3, 'power of two'],
    [4, 8, 'divide'],
    [2, 4, 'divide'],
    [0, 0, 'size'],
    [0, 2 ** 21, 'size'],
    [limits.slotsMax, 1, 'lo'],
    [-1, 1, 'lo'],
  ])('is not lo %i, size %i', (lo, size, fault) => {
    expect(invalidShard({ ...shard, lo, size })).toContain(fault);
  });

  it.each([
    [0, 2 ** 20],
    [limits.slotsMax - 1, 1],
    [8, 8],
  ])('may be lo %i, size %i', (lo, size) => {
    expect(invalidShard({ ...shard, lo, size })).toBeNull();
  });

  it('has no place in an epoch when it is an evaluation', () => {
    const evaluation = { ...shard, work: 'evaluation', epoch: 0, stepInEpoch: 0 };
    expect(invalidShard(evaluation)).toBeNull();
    expect(invalidShard({ ...evaluation, epoch: 1 })).toContain('epoch');
    expect(invalidShard({ ...evaluation, stepInEpoch: 1 })).toContain('epoch');
  });
});

describe('welcome', () => {
  const welcome = find('welcome') as { model: Plain; data: Plain } & Plain;

  it('brings a model that can be built', () => {
    const dense = { dense: 1e9, activation: 'relu' };
    expect(invalidWelcome({ ...welcome, model: { ...welcome.model, layers: [dense] } })).toContain('welcome.model');
  });

  it('brings a model that fits the data', () => {
    expect(invalidWelcome({ ...welcome, data: { ...welcome.data, shape: [14, 14] } })).toContain('welcome.model');
    expect(invalidWelcome({ ...welcome, data: { ...welcome.data, classes: 11 } })).toContain('welcome.model');
  });

  it.each(Object.keys(welcome.data))('describes data.%s', (field) => {
    for (const bad of [null, 'x\n', -1, {}, [[]], true]) {
      const data = { ...welcome.data, [field]: bad };
      expect(invalidWelcome({ ...welcome, data })).toContain(`welcome.data.${field}`);
    }
  });

  it('distorts only images', () => {
    expect(invalidWelcome({ ...welcome, augment: { shift: 2 } })).toBeNull();
    const [model, data] = [
      { ...welcome.model, input: [784] },
      { ...welcome.data, shape: [784] },
    ];
    expect(invalidWelcome({ ...welcome, model, data, augment: null })).toBeNull();
    expect(invalidWelcome({ ...welcome, model, data, augment: { shift: 2 } })).toContain(
      'welcome.augment: augmentation',
    );
    expect(invalidWelcome({ ...welcome, augment: { shift: 65 } })).toContain('welcome.augment.shift');
  });

  it('smooths the targets of one loss alone', () => {
    const quadratic = { ...welcome, model: { ...welcome.model, loss: 'quadratic' } };
    expect(invalidWelcome({ ...quadratic, smoothing: 0.1 })).toBe('welcome.smoothing must be 0 for the loss quadratic');
    expect(invalidWelcome({ ...quadratic, smoothing: 0 })).toBeNull();
  });

  it.each(Object.keys(welcome.rounds as Plain))('describes rounds.%s', (field) => {
    for (const bad of [undefined, 'x\n', -1, {}, [[]], true]) {
      const rounds = { ...(welcome.rounds as Plain), [field]: bad };
      expect(invalidWelcome({ ...welcome, rounds })).toContain(`welcome.rounds.${field}`);
    }
  });

  it('gives every slot of a round all of its micro-batches', () => {
    const [batch, microBatch] = [96, 16];
    expect(invalidWelcome({ ...welcome, batch, microBatch, rounds: null })).toBeNull();
    expect(invalidWelcome({ ...welcome, batch, microBatch })).toContain('slots of 4 micro-batches of 16');
    expect(invalidWelcome({ ...welcome, batch: 128, microBatch })).toBeNull();
  });

  it('cuts a step into micro-batches, whole and within the limit', () => {
    const data = { ...welcome.data, train: limits.samplesMax };
    expect(invalidWelcome({ ...welcome, data, batch: 0, microBatch: 1 })).toContain('use a larger micro-batch');
    expect(invalidWelcome({ ...welcome, data, batch: 32, microBatch: 1 })).toBeNull();
    expect(invalidWelcome({ ...welcome, data, batch: 0, microBatch: 10 })).toBeNull();
    expect(invalidWelcome({ ...welcome, data, batch: 100, microBatch: 16 })).toContain('does not divide');
  });
});
