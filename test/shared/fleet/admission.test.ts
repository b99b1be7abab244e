import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Admission, type AdmissionEffect, type AdmissionEvent } from '../../../shared/fleet/admission.js';
import { limits } from '../../../shared/limits.js';
import { protocolError } from '../../../shared/protocol/errors.js';
import { type FromWorker, type Hello, protocolVersion } from '../../../shared/protocol/messages.js';
import { type Course, converse } from './conversation.js';

const terms = {
  arithmetic: { specification: 'a-1', knownAnswer: 'b'.repeat(64) },
  bannedFor: ({ name }: Pick<Hello, 'name'>) => (name === 'liar' ? 'it lied' : null),
};

const hello: Hello = {
  type: 'hello',
  protocol: protocolVersion,
  version: '1',
  name: 'w',
  kind: 'node',
  threads: 2,
  arithmetic: terms.arithmetic.specification,
  kernels: 'k',
};

type Untimed<Event> = Event extends unknown ? Omit<Event, 'nowMs'> : never;

class Bench {
  nowMs = 1_000;
  readonly admission = new Admission(terms, this.nowMs);

  send(event: Untimed<AdmissionEvent>): AdmissionEffect[] {
    return this.admission.step({ ...event, nowMs: this.nowMs } as AdmissionEvent);
  }

  receive(message: FromWorker): AdmissionEffect[] {
    return this.send({ type: 'message', message });
  }

  /** Ticks every second for so long, or until something happens. */
  wait(ms: number): AdmissionEffect[] {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs += 1_000;
      const effects = this.send({ type: 'tick' });
      if (effects.length > 0) return effects;
    }
    return [];
  }
}

function having(bench: Bench, ...messages: FromWorker[]): Bench {
  for (const message of messages) bench.receive(message);
  return bench;
}

const ready: FromWorker = { type: 'ready', knownAnswer: terms.arithmetic.knownAnswer };

/** The states, each by the way that leads to it. */
const states = {
  greeting: () => new Bench(),
  preparing: () => having(new Bench(), hello),
  member: () => having(new Bench(), hello, ready),
  closed: () => having(new Bench(), hello, ready, { type: 'leave' }),
} as const;

/** Every event, with a short name. */
const events: Record<string, Untimed<AdmissionEvent>> = {
  hello: { type: 'message', message: hello },
  otherVersion: { type: 'message', message: { ...hello, protocol: 99 as typeof protocolVersion } },
  otherArithmetic: { type: 'message', message: { ...hello, arithmetic: 'c-1' } },
  banned: { type: 'message', message: { ...hello, name: 'liar' } },
  ready: { type: 'message', message: ready },
  wrongAnswer: { type: 'message', message: { type: 'ready', knownAnswer: 'd'.repeat(64) } },
  gradient: { type: 'message', message: { type: 'gradient', lease: 1, part: 0 } },
  result: { type: 'message', message: { type: 'result', lease: 1, computeMs: 1 } },
  pong: { type: 'message', message: { type: 'pong', id: 0 } },
  leave: { type: 'message', message: { type: 'leave' } },
  failure: { type: 'message', message: { type: 'failure', code: 'internal', message: 'out of memory' } },
  failed: { type: 'failed', error: protocolError('slow-reader') },
  convicted: { type: 'convicted', detail: 'step 3' },
  dismissed: { type: 'dismissed', message: 'the operator dropped this worker' },
  ended: { type: 'ended', reason: 'finished', again: false, message: 'over' },
  disconnected: { type: 'disconnected' },
  tick: { type: 'tick' },
};

/** An effect in a word or two. */
function word(effect: AdmissionEffect): string {
  if (effect.type === 'fail') return `fail ${effect.error.code}`;
  if (effect.type === 'end') return `end ${effect.reason}${effect.again ? ' again' : ''}`;
  if (effect.type === 'depart') return effect.wasMember ? 'depart' : 'depart unadmitted';
  return effect.type;
}

const words = (effects: readonly AdmissionEffect[]) => effects.map(word).join(', ');

/** What happens in every state but the last. */
const always = (departs: string) => ({
  leave: `end dropped, ${departs}`,
  failure: `fail internal, ${departs}`,
  failed: `fail slow-reader, ${departs}`,
  ended: `end finished, ${departs}`,
  disconnected: departs,
});
const unexpected = (departs: string, ...names: string[]) =>
  Object.fromEntries(names.map((name) => [name, `fail unexpected-message, ${departs}`]));
const hellos = ['hello', 'otherVersion', 'otherArithmetic', 'banned'];
const readies = ['ready', 'wrongAnswer'];
const refused = 'depart unadmitted';

/** What each event does in each state; nothing where it is not named. */
const table: Record<keyof typeof states, Record<string, string>> = {
  greeting: {
    ...always(refused),
    ...unexpected(refused, ...readies, 'gradient', 'result'),
    hello: 'welcome',
    otherVersion: `fail version-mismatch, ${refused}`,
    otherArithmetic: `fail arithmetic-mismatch, ${refused}`,
    banned: `fail banned, ${refused}`,
    // Nobody knows its name yet.
    convicted: `fail bad-result, ${refused}`,
    dismissed: `end dropped, ${refused}`,
  },
  preparing: {
    ...always(refused),
    ...unexpected(refused, ...hellos, 'gradient', 'result'),
    ready: 'join',
    wrongAnswer: `fail known-answer-wrong, ${refused}`,
    convicted: `ban, fail bad-result, ${refused}`,
    dismissed: `ban, end dropped, ${refused}`,
  },
  member: {
    ...always('depart'),
    // Gradients and results of a member go to its transport.
    ...unexpected('depart', ...hellos, ...readies, 'gradient', 'result'),
    convicted: 'ban, fail bad-result, depart',
    dismissed: 'ban, end dropped, depart',
  },
  closed: { convicted: 'ban' },
};

describe('every event in every state', () => {
  for (const state of Object.keys(states) as (keyof typeof states)[]) {
    it(`while ${state}`, () => {
      for (const [name, event] of Object.entries(events)) {
        expect(`${name}: ${words(states[state]().send(event))}`).toBe(`${name}: ${table[state][name] ?? ''}`);
      }
    });
  }
});

describe('a departure', () => {
  const errorOf = (effects: AdmissionEffect[]) =>
    effects.flatMap((effect) => (effect.type === 'depart' ? [effect.error] : []));

  it('has a reason exactly if it was not the worker’s own wish', () => {
    for (const name of ['leave', 'ended', 'dismissed', 'disconnected']) {
      expect(errorOf(states.member().send(events[name])), name).toEqual([null]);
    }
    expect(errorOf(states.member().send(events.failed))).toEqual([protocolError('slow-reader').message]);
    expect(errorOf(states.greeting().send(events.banned))).toEqual([protocolError('banned', 'it lied').message]);
  });

  it('of a convicted worker tells the ban why', () => {
    const [ban] = states.member().send(events.convicted);
    expect(ban).toEqual({ type: 'ban', reason: protocolError('bad-result', 'step 3').message });
    expect(states.closed().send(events.convicted)).toEqual([ban]);
  });
});

describe('a deadline', () => {
  it.each([
    ['greeting', limits.helloMsMax],
    ['preparing', limits.prepareMsMax],
  ] as const)('ends the %s', (state, ms) => {
    const bench = states[state]();
    expect(words(bench.wait(ms))).toBe('');
    expect(words(bench.wait(1_000))).toBe(`fail heartbeat-lost, ${refused}`);
  });

  it('begins anew with each state, and ends with membership', () => {
    const bench = new Bench();
    bench.wait(limits.helloMsMax);
    bench.receive(hello);
    expect(words(bench.wait(limits.prepareMsMax))).toBe('');
    bench.receive(ready);
    expect(words(bench.wait(2 * limits.prepareMsMax))).toBe('');
  });

  it('does not count our own standstill', () => {
    const bench = new Bench();
    bench.nowMs += 10 * limits.helloMsMax;
    expect(words(bench.send({ type: 'tick' }))).toBe('');
    expect(words(bench.wait(limits.helloMsMax - 1_000))).toBe('');
    expect(words(bench.wait(1_000))).toContain('heartbeat-lost');
  });
});

describe('an admission and a session', () => {
  const course: fc.Arbitrary<Course> = fc.record({
    knowsArithmetic: fc.boolean(),
    answersRightly: fc.boolean(),
    isBanned: fc.boolean(),
    delayMs: fc.integer({ min: 0, max: 2_000 }),
    prepareMs: fc.integer({ min: 0, max: 45_000 }),
    cutsMs: fc.array(fc.integer({ min: 0, max: 60_000 }), { maxLength: 4 }),
    seed: fc.nat(),
  });

  const expected = ({ knowsArithmetic, answersRightly, isBanned }: Course): string => {
    if (isBanned) return 'refused: banned';
    if (!knowsArithmetic) return 'refused: arithmetic-mismatch';
    return answersRightly ? 'member' : 'refused: known-answer-wrong';
  };

  it('always come to membership or to a clear refusal, whenever the connection breaks', () => {
    fc.assert(
      fc.property(course, (course) => {
        expect(converse(course)).toBe(expected(course));
      }),
      { numRuns: 300 },
    );
  });
});
