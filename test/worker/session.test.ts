import { describe, expect, it } from 'vitest';
import { limits } from '../../shared/limits.js';
import { protocolErrors } from '../../shared/protocol/errors.js';
import {
  type FromCoordinator,
  protocolVersion,
  type ShardLease,
  type Welcome,
} from '../../shared/protocol/messages.js';
import { Random } from '../../shared/random.js';
import { Session, sessionTimes } from '../../worker/session.js';
import type { SessionEffect, SessionEvent } from '../../worker/session-events.js';

const config = { version: '1', name: 'w', kind: 'node', threads: 2, kernels: 'webassembly 1f3a' } as const;

const welcome: Welcome = {
  type: 'welcome',
  protocol: protocolVersion,
  version: '1',
  run: 'run-1',
  member: 7,
  model: { input: [2], layers: [{ dense: 2, activation: 'linear' }], loss: 'softmaxCrossEntropy' },
  data: { name: 'd', shape: [2], classes: 2, train: 8, test: 8, sha256: 'b'.repeat(64) },
  batch: 4,
  microBatch: 2,
  seed: 1,
  smoothing: 0,
  wireBits: 32,
  augment: null,
  rounds: null,
  heartbeatMs: 1000,
};

const shard = (lease: number, step = 0): ShardLease => ({
  type: 'shard',
  lease,
  work: 'gradient',
  step,
  epoch: 0,
  stepInEpoch: 0,
  lo: 0,
  size: 1,
});

const weights = (step: number): FromCoordinator => ({ type: 'weights', step, base: null, part: 0 });

type Untimed<Event> = Event extends unknown ? Omit<Event, 'nowMs'> : never;

class Bench {
  nowMs = 0;
  readonly session: Session;

  constructor(seed = 1) {
    this.session = new Session(config, new Random(seed));
  }

  send(event: Untimed<SessionEvent>): SessionEffect[] {
    return this.session.step({ ...event, nowMs: this.nowMs } as SessionEvent);
  }

  receive(message: FromCoordinator): SessionEffect[] {
    return this.send({ type: 'message', message });
  }

  /** Ticks until a tick has effects, for at most `ms`. Returns the effects. */
  wait(ms: number): SessionEffect[] {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs += 50;
      const effects = this.send({ type: 'tick' });
      if (effects.length > 0) return effects;
    }
    return [];
  }

  /** Opens a connection, and brings the session to the state `working`. */
  work(): this {
    this.send({ type: 'opened' });
    this.receive(welcome);
    this.send({ type: 'prepared', knownAnswer: 'c'.repeat(64) });
    return this;
  }
}

/** For each state, a function that makes a session in this state. */
const states = {
  idle: () => new Bench(),
  connecting: () => started(),
  greeting: () => having(started(), (b) => b.send({ type: 'opened' })),
  preparing: () => having(states.greeting(), (b) => b.receive(welcome)),
  working: () => started().work(),
  closing: () => having(states.working(), (b) => b.send({ type: 'garbage', code: 'bad-frame', detail: 'x' })),
  leaving: () => having(states.working(), (b) => b.send({ type: 'stop' })),
  waiting: () => having(started(), (b) => b.send({ type: 'closed' })),
  ended: () => having(states.waiting(), (b) => b.send({ type: 'stop' })),
} as const;

type StateName = keyof typeof states;
const stateNames = Object.keys(states) as StateName[];

function started(): Bench {
  return having(new Bench(), (b) => b.send({ type: 'start' }));
}

function having(bench: Bench, act: (bench: Bench) => void): Bench {
  act(bench);
  return bench;
}

/** Every event, with a short name. */
const events: Record<string, Untimed<SessionEvent>> = {
  start: { type: 'start' },
  opened: { type: 'opened' },
  garbage: { type: 'garbage', code: 'field-invalid', detail: 'hello.threads is 0' },
  closed: { type: 'closed' },
  prepared: { type: 'prepared', knownAnswer: 'c'.repeat(64) },
  tick: { type: 'tick' },
  wake: { type: 'wake' },
  stop: { type: 'stop' },
  welcome: { type: 'message', message: welcome },
  weights: { type: 'message', message: weights(0) },
  samples: { type: 'message', message: { type: 'samples', set: 'train', count: 1 } },
  shard: { type: 'message', message: shard(1) },
  cancel: { type: 'message', message: { type: 'cancel', lease: 1 } },
  ping: { type: 'message', message: { type: 'ping', id: 3 } },
  progress: { type: 'message', message: { type: 'progress', share: 0.5, spare: false, testAccuracy: null } },
  end: { type: 'message', message: { type: 'end', reason: 'finished', again: false, message: 'done' } },
  endAgain: { type: 'message', message: { type: 'end', reason: 'interrupted', again: true, message: 'later' } },
  refusal: { type: 'message', message: { type: 'failure', code: 'arithmetic-mismatch', message: 'no' } },
  failure: { type: 'message', message: { type: 'failure', code: 'slow-reader', message: 'slow' } },
};

/** Describes an effect in one or two words. */
function word(effect: SessionEffect): string {
  if (effect.type === 'send') return `send ${effect.message.type}`;
  if (effect.type === 'status') return effect.status.state;
  if (effect.type === 'exit') return effect.ok ? 'exit ok' : 'exit failed';
  return effect.type;
}

const words = (effects: readonly SessionEffect[]) => effects.map(word).join(', ');

const refused = 'send failure, close';
const lost = 'drop-work, waiting';

/** The effects of each event in each state. An event that is not listed has no effects. */
const table: Record<StateName, Record<string, string>> = {
  idle: { start: 'connecting, connect', stop: 'close, exit ok' },
  connecting: {
    opened: 'send hello',
    garbage: refused,
    closed: lost,
    stop: 'close, exit ok',
    welcome: refused,
    weights: refused,
    samples: refused,
    shard: refused,
    ping: 'send pong',
    progress: 'progress',
    end: 'close, exit ok',
    endAgain: 'close',
    refusal: 'close, exit failed',
    failure: 'close',
  },
  greeting: {
    garbage: refused,
    closed: lost,
    stop: 'close, exit ok',
    welcome: 'prepare, joined',
    weights: refused,
    samples: refused,
    shard: refused,
    ping: 'send pong',
    progress: 'progress',
    end: 'close, exit ok',
    endAgain: 'close',
    refusal: 'close, exit failed',
    failure: 'close',
  },
  preparing: {
    garbage: refused,
    closed: lost,
    prepared: 'send ready',
    stop: 'send leave',
    welcome: refused,
    weights: refused,
    samples: refused,
    shard: refused,
    ping: 'send pong',
    progress: 'progress',
    end: 'close, exit ok',
    endAgain: 'close',
    refusal: 'close, exit failed',
    failure: 'close',
  },
  working: {
    garbage: refused,
    closed: lost,
    stop: 'send leave',
    welcome: refused,
    weights: 'store-weights',
    samples: 'store-samples',
    shard: refused,
    ping: 'send pong',
    progress: 'progress',
    end: 'close, exit ok',
    endAgain: 'close',
    refusal: 'close, exit failed',
    failure: 'close',
  },
  closing: { closed: lost, stop: 'close, exit ok' },
  leaving: {
    garbage: refused,
    closed: 'exit ok',
    stop: 'close, exit ok',
    welcome: refused,
    weights: 'store-weights',
    samples: 'store-samples',
    ping: 'send pong',
    progress: 'progress',
    end: 'close, exit ok',
    endAgain: 'close',
    refusal: 'close, exit failed',
    failure: 'close',
  },
  waiting: { start: 'connecting, connect', wake: 'connecting, connect', stop: 'close, exit ok' },
  ended: {},
};

describe('every event in every state', () => {
  for (const state of stateNames) {
    it(`while ${state}`, () => {
      for (const [name, event] of Object.entries(events)) {
        expect(`${name}: ${words(states[state]().send(event))}`).toBe(`${name}: ${table[state][name] ?? ''}`);
      }
    });
  }

  it('leads to the end when it is stopped, whatever the coordinator does, within the time for leaving', () => {
    for (const state of stateNames.filter((name) => name !== 'ended')) {
      const bench = states[state]();
      let said = words(bench.send({ type: 'stop' }));
      for (let i = 0; i < 60 && !said.includes('exit'); i++) {
        said = words(bench.receive({ type: 'ping', id: i }));
        if (words(bench.wait(50)) === 'close') said = words(bench.send({ type: 'closed' }));
      }
      expect(`${state}: ${said}`).toContain('exit ok');
    }
  });
});

describe('leases', () => {
  const leased = () =>
    having(states.working(), (b) => [b.receive(weights(0)), b.receive(shard(1)), b.receive(shard(2))]);

  it('wait for all parts of their weights, which come in order and on a base that is held', () => {
    // The model has 49,152 parameters, so its weights have two parts.
    const layers = [{ dense: 16_384, activation: 'linear' }] as const;
    const large: Welcome = { ...welcome, model: { ...welcome.model, layers } };
    const bench = started();
    bench.send({ type: 'opened' });
    bench.receive(large);
    bench.send({ type: 'prepared', knownAnswer: 'c'.repeat(64) });
    const part = (step: number, base: number | null, n: number) =>
      bench.receive({ type: 'weights', step, base, part: n }).map(({ type }) => type);
    const refusedThen = (act: () => string[]) => expect(act()).toEqual(['send', 'close']);
    expect(part(5, null, 0)).toEqual(['store-weights']);
    expect(part(5, null, 1)).toEqual(['store-weights']);
    expect(bench.receive(shard(1, 5)).map(({ type }) => type)).toEqual(['compute']);
    expect(part(6, 5, 0)).toEqual(['store-weights']);
    refusedThen(() => bench.receive(shard(2, 5)).map(({ type }) => type));
  });

  it.each([
    ['a part left out', { type: 'weights', step: 1, base: null, part: 1 }],
    ['a base that is not held', { type: 'weights', step: 1, base: 7, part: 0 }],
  ] as const)('get no weights with %s', (_, message) => {
    const bench = having(states.working(), (b) => b.receive(weights(0)));
    expect(bench.receive(message).map(({ type }) => type)).toEqual(['send', 'close']);
  });

  it('are computed with the weights of their step only', () => {
    const bench = states.working();
    bench.receive(weights(0));
    expect(words(bench.receive(shard(1, 0)))).toBe('compute');
    expect(words(bench.receive(shard(2, 1)))).toBe(refused);
  });

  it('are answered once, and not when they were cancelled', () => {
    const bench = leased();
    expect(bench.session.answers(1)).toBe(true);
    expect(bench.session.answers(1)).toBe(false);
    bench.receive(shard(3));
    expect(words(bench.receive({ type: 'cancel', lease: 3 }))).toBe('cancel');
    expect(bench.session.answers(3)).toBe(false);
    expect(words(bench.receive({ type: 'cancel', lease: 3 }))).toBe('');
  });

  it('that were cancelled while they are computed may be answered, until other weights come', () => {
    const bench = leased();
    expect(words(bench.receive({ type: 'cancel', lease: 1 }))).toBe('');
    expect(bench.session.answers(1)).toBe(true);
    expect(words(bench.receive({ type: 'cancel', lease: 2 }))).toBe('');
    expect(words(bench.receive(weights(1)))).toBe('cancel, store-weights');
    expect(bench.session.answers(2)).toBe(false);
    expect(words(bench.receive(weights(2)))).toBe('store-weights');
  });

  it('that were cancelled do not count against the limit', () => {
    const bench = having(states.working(), (b) => b.receive(weights(0)));
    for (let i = 1; i <= limits.leasesPerMemberMax; i++) bench.receive(shard(i));
    bench.receive({ type: 'cancel', lease: 1 });
    expect(words(bench.receive(shard(1000)))).toBe('compute');
    expect(words(bench.receive(shard(1001)))).toBe(refused);
  });

  it('cannot be given twice, nor more than the limit', () => {
    expect(words(leased().receive(shard(1)))).toBe(refused);
    const bench = having(states.working(), (b) => b.receive(weights(0)));
    for (let i = 1; i <= limits.leasesPerMemberMax; i++) expect(words(bench.receive(shard(i)))).toBe('compute');
    expect(words(bench.receive(shard(1000)))).toBe(refused);
  });

  it('of an earlier connection are never answered, nor computed with its weights', () => {
    const bench = leased();
    bench.send({ type: 'closed' });
    expect(bench.session.answers(1)).toBe(false);
    expect(words(bench.wait(1_000))).toBe('connecting, connect');
    bench.work();
    expect(bench.session.answers(2)).toBe(false);
    expect(words(bench.receive(shard(1)))).toBe(refused);
  });

  it('are not answered on a connection that is being closed, nor by a worker that leaves', () => {
    for (const act of ['garbage', 'endAgain', 'failure', 'stop', 'refusal', 'end']) {
      const bench = leased();
      bench.send(events[act]);
      expect(bench.session.answers(1)).toBe(false);
    }
  });
});

describe('a refusal', () => {
  const outcome = (code: keyof typeof protocolErrors) =>
    states.greeting().receive({ type: 'failure', code, message: 'because' });

  it('that no second attempt can change is the end, and not a good one', () => {
    const codes = Object.keys(protocolErrors) as (keyof typeof protocolErrors)[];
    const final = codes.filter((code) => outcome(code).some(({ type }) => type === 'exit'));
    expect(final.sort()).toEqual([
      'arithmetic-mismatch',
      'bad-result',
      'banned',
      'known-answer-wrong',
      'token-wrong',
      'version-mismatch',
    ]);
    for (const code of final) {
      expect(outcome(code).at(-1)).toEqual({ type: 'exit', ok: false, message: 'because' });
    }
  });

  it('of another kind is followed by another attempt', () => {
    const bench = having(states.greeting(), (b) =>
      b.receive({ type: 'failure', code: 'too-many-members', message: '' }),
    );
    expect(words(bench.send({ type: 'closed' }))).toBe(lost);
    expect(words(bench.wait(1_000))).toBe('connecting, connect');
  });
});

describe('attempts to connect', () => {
  const delays = (seed: number, count: number): number[] => {
    const bench = having(new Bench(seed), (b) => b.send({ type: 'start' }));
    return Array.from({ length: count }, () => {
      const waiting = bench.send({ type: 'closed' }).at(-1);
      expect(words(bench.wait(20_000))).toBe('connecting, connect');
      if (waiting?.type !== 'status' || waiting.status.state !== 'waiting') throw new Error('not waiting');
      return waiting.status.retryMs;
    });
  };

  it('are made at growing intervals, up to a limit, each with jitter over its upper half', () => {
    for (const [i, delay] of delays(1, 12).entries()) {
      const fullMs = Math.min(sessionTimes.retryMsMin * 2 ** i, sessionTimes.retryMsMax);
      expect(delay).toBeGreaterThanOrEqual(fullMs / 2);
      expect(delay).toBeLessThan(fullMs);
    }
  });

  it('are spread over workers that lost the same coordinator', () => {
    const first = Array.from({ length: 50 }, (_, seed) => delays(seed, 1)[0]);
    expect(new Set(first.map((ms) => Math.round(ms))).size).toBeGreaterThan(25);
  });

  it('begin anew after a connection that worked', () => {
    const bench = started();
    for (let i = 0; i < 6; i++) {
      bench.send({ type: 'closed' });
      bench.wait(20_000);
    }
    const [, waiting] = bench.work().send({ type: 'closed' });
    expect(waiting).toMatchObject({ status: { state: 'waiting', wasJoined: true, firstAttempt: true } });
    expect(words(bench.wait(sessionTimes.retryMsMin))).toBe('connecting, connect');
  });

  it('begin anew, and at once, when a machine wakes up between two of them', () => {
    const bench = started();
    for (let i = 0; i < 8; i++) {
      bench.send({ type: 'closed' });
      bench.wait(20_000);
    }
    bench.send({ type: 'closed' });
    bench.nowMs += 3_600_000;
    expect(words(bench.send({ type: 'tick' }))).toBe('connecting, connect');
    bench.nowMs += 50;
    expect(bench.send({ type: 'closed' }).at(-1)).toMatchObject({ status: { firstAttempt: true } });
    expect(words(bench.wait(sessionTimes.retryMsMin))).toBe('connecting, connect');
  });

  it('go on after a machine slept for an hour', () => {
    const bench = states.working();
    bench.nowMs += 3_600_000;
    expect(words(bench.send({ type: 'tick' }))).toBe('close');
    expect(words(bench.send({ type: 'closed' }))).toBe(lost);
    expect(words(bench.wait(1_000))).toBe('connecting, connect');
    expect(words(bench.send({ type: 'opened' }))).toBe('send hello');
  });
});

describe('what is not a message', () => {
  it('is answered with its name, once, and a reconnect', () => {
    const bench = states.working();
    expect(bench.send({ type: 'garbage', code: 'header-invalid', detail: 'x'.repeat(5_000) })).toEqual([
      {
        type: 'send',
        message: { type: 'failure', code: 'header-invalid', message: 'x'.repeat(limits.messageLengthMax) },
      },
      { type: 'close', code: 'header-invalid' },
    ]);
    expect(bench.send({ type: 'garbage', code: 'header-invalid', detail: 'again' })).toEqual([]);
    expect(bench.receive(weights(1))).toEqual([]);
    expect(words(bench.send({ type: 'closed' }))).toBe(lost);
    expect(words(bench.wait(1_000))).toBe('connecting, connect');
  });
});

describe('silence', () => {
  it('of the coordinator ends each stage after its time, once', () => {
    const times = {
      connecting: 'openMs',
      greeting: 'welcomeMs',
      preparing: 'prepareMs',
      working: 'silenceMs',
    } as const;
    for (const state of ['connecting', 'greeting', 'preparing', 'working'] as const) {
      const bench = states[state]();
      const beganMs = bench.nowMs;
      while (words(bench.wait(200_000)) === 'send pong');
      expect(bench.nowMs - beganMs).toBeGreaterThan(sessionTimes[times[state]]);
      expect(bench.nowMs - beganMs).toBeLessThanOrEqual(sessionTimes[times[state]] + 100);
      expect(bench.wait(60_000)).toEqual([]);
      expect(words(bench.send({ type: 'closed' }))).toBe(lost);
    }
  });

  it('is broken by any message while it works', () => {
    const bench = states.working();
    for (let i = 0; i < 10; i++) {
      bench.nowMs += sessionTimes.sleptMs - 1_000;
      bench.receive({ type: 'ping', id: i });
      expect(bench.wait(sessionTimes.probeMs - 100)).toEqual([]);
    }
  });

  it('is followed by a word now and then, which breaks a connection that leads nowhere', () => {
    const bench = states.working();
    expect(bench.wait(sessionTimes.probeMs)).toEqual([{ type: 'send', message: { type: 'pong', id: 0 } }]);
    expect(words(bench.wait(sessionTimes.probeMs))).toBe('send pong');
    // The machine slept, and its clock stood still. Meanwhile the coordinator has closed the connection.
    expect(words(bench.send({ type: 'closed' }))).toBe(lost);
    expect(words(bench.wait(1_000))).toBe('connecting, connect');
  });

  it('of half a minute, for which the coordinator was stopped, makes no worker leave', () => {
    const bench = states.working();
    for (const endMs = bench.nowMs + 30_000; bench.nowMs < endMs; ) {
      expect(words(bench.wait(1_000))).toMatch(/^(send pong)?$/);
    }
    expect(words(bench.receive({ type: 'ping', id: 1 }))).toBe('send pong');
    expect(words(bench.receive(weights(0)))).toBe('store-weights');
  });

  it('cannot be put off by messages other than the one that is waited for', () => {
    const bench = states.greeting();
    for (let i = 0; i < 20; i++) {
      bench.receive({ type: 'ping', id: i });
      if (words(bench.wait(1_000)) === 'close') return;
    }
    throw new Error('it waits for ever');
  });
});
