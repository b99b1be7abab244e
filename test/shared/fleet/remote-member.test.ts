import { describe, expect, it } from 'vitest';
import { Bans } from '../../../shared/fleet/bans.js';
import { OwnThreads } from '../../../shared/fleet/own-threads.js';
import { limits } from '../../../shared/limits.js';
import { encodeFrame } from '../../../shared/protocol/codec.js';
import { maskBytes } from '../../../shared/protocol/tensor.js';
import { TestFleet, type TestWorker } from './fixture.js';
import { step, straggling } from './straggling.js';

describe('a result', () => {
  it('of a departed worker is of no use to whoever comes after it', () => {
    const site = new TestFleet();
    const [leaver, other] = [site.join('leaver'), site.join('other')];
    site.begin();
    const late = leaver.computed[0];
    const before = other.computed.length;
    leaver.send({ type: 'leave' });
    leaver.deliver(late);
    expect(other.computed.length).toBeGreaterThan(before);
    const again = site.join('leaver');
    again.deliver(late);
    while (other.computed.length > 0) other.answer();
    expect(site.sums.length).toBe(1);
    expect(again.closeReason).toBeNull();
    expect(site.machine.buffers.inUse).toBe(0);
  });

  it('of a lease that another coordinator gave, before it was started again, is ignored', () => {
    const former = new TestFleet();
    const worker = former.join('w');
    former.begin();
    while (worker.computed.length > 0) worker.answer();
    former.begin();
    const [late] = worker.computed;
    const site = new TestFleet();
    const both = [site.join('w'), site.join('other')];
    const answerAll = () => {
      for (const one of both) while (one.computed.length > 0) one.answer();
    };
    site.begin();
    answerAll();
    site.begin();
    // The numbers of leases begin anew: the same one is another shard here, and may be somebody else's.
    const [{ shard }] = both[0].computed;
    expect(shard.lease).toBe(late.shard.lease);
    expect(shard.size).not.toBe(late.shard.size);
    both[1].deliver(late);
    expect(both[1].closeReason).toBeNull();
    expect(site.sums.length).toBe(1);
    answerAll();
    expect(site.sums.length).toBe(2);
  });

  it('that is not finite is the worker’s fault when a recomputation is', () => {
    const site = new TestFleet();
    const worker = site.join('w');
    site.begin();
    const { frames } = worker.computed[0];
    frames[0].set([0, 0, 0x80, 0x7f], frames[0].length - 4);
    worker.answer();
    expect(site.log).toEqual(['w joined', 'w is out']);
    expect(worker.closeReason).toBe('bad-result');
    expect(site.machine.buffers.inUse).toBe(0);
  });
});

describe('a member', () => {
  it('has one number, which its welcome, the pool and the audits use, whoever connected before it', () => {
    const site = new TestFleet();
    site.connect('one that never joins');
    const workers = [site.join('b'), site.join('c')];
    const welcomed = workers.map(({ received: [welcome] }) => (welcome.type === 'welcome' ? welcome.member : null));
    const ids = workers.map(({ member }) => member.id);
    expect(welcomed).toEqual(ids);
    expect(Array.from(site.machine.pool.memberStates(), ({ id }) => id)).toEqual(ids);
    expect([...site.fleet.members.keys()]).toEqual(ids);
  });

  it('of a name that another one has is shown with a number, until it leaves', () => {
    const site = new TestFleet();
    new OwnThreads(site.fleet);
    const [first, second] = [site.join('tab'), site.join('tab')];
    const names = (...workers: readonly TestWorker[]) => workers.map(({ member }) => member.name);
    expect(names(first, second, site.join('this machine'))).toEqual(['tab', 'tab 2', 'this machine 2']);
    expect(names(site.join('tab 2'), site.connect('tab'))).toEqual(['tab 2 2', expect.stringMatching(/^connection /)]);
    first.send({ type: 'leave' });
    expect(names(first, second, site.join('tab'), site.join('tab'))).toEqual(['tab', 'tab 2', 'tab', 'tab 3']);
  });
});

describe('a ban', () => {
  const refused = (worker: TestWorker) => worker.closeReason === 'banned';

  it('keeps out whoever computed something wrong: that name at that address, and nobody else', () => {
    const { site, fast, slow } = straggling();
    fast.answer();
    slow.spoil();
    slow.answer();
    expect(slow.closeReason).toBe('bad-result');
    expect(site.banned).toEqual([expect.stringMatching(/^slow at 192\.0\.2\.1: .*recomputation gives something else/)]);
    const again = site.join('slow');
    expect(again.received).toMatchObject([{ type: 'failure', code: 'banned' }]);
    expect(JSON.stringify(again.received)).toContain('a recomputation gives something else');
    expect(site.log.slice(-2)).toEqual(['slow is out', 'slow is out']);
    for (const other of [site.join('slower'), site.join('slow', '192.0.2.2')]) expect(other.member.isMember).toBe(true);
  });

  it('counts for the name that a worker gives, and not for the one that is shown', () => {
    const site = new TestFleet();
    site.join('tab');
    site.join('tab').member.dismiss('the operator dropped this worker');
    expect(site.banned).toEqual([expect.stringMatching(/^tab at 192/)]);
    expect(refused(site.join('tab'))).toBe(true);
    expect(refused(site.join('tab 2'))).toBe(false);
  });

  it('is for one device where many have the same name and address, whatever name the device gives next', () => {
    const site = new TestFleet();
    const tab = (name: string, device: string) => site.join(name, undefined, device);
    tab('tab', 'a').member.dismiss('the operator dropped this worker');
    expect(refused(tab('tab', 'b'))).toBe(false);
    expect(refused(site.join('tab'))).toBe(false);
    expect(refused(tab('tab', 'a'))).toBe(true);
    expect(refused(tab('another', 'a'))).toBe(true);
  });

  it('keeps out whoever was gone when its wrong result was found', () => {
    const { site, fast, slow } = straggling();
    fast.spoil();
    fast.answer();
    fast.send({ type: 'leave' });
    expect(site.join('fast').member.isMember).toBe(true);
    slow.answer();
    expect(refused(site.join('fast'))).toBe(true);
  });

  it('keeps out whoever the operator has sent away, but nobody who left, broke the protocol or fell silent', () => {
    const site = new TestFleet();
    const goings: [string, (worker: TestWorker) => void, boolean][] = [
      ['dismissed', ({ member }) => member.dismiss('the operator dropped this worker'), true],
      ['left', (worker) => worker.send({ type: 'leave' }), false],
      ['broken', ({ member }) => member.receive(new Uint8Array(0)), false],
      ['silent', ({ member }) => member.transport.drop('silent'), false],
      ['over', ({ member }) => member.end('interrupted', true, 'The run was interrupted.'), false],
      ['accuser', (worker) => worker.send({ type: 'failure', code: 'bad-result', message: 'it is you' }), false],
    ];
    for (const [name, go, isBanned] of goings) {
      go(site.join(name));
      expect(refused(site.join(name)), name).toBe(isBanned);
    }
  });

  it('is forgotten when there are too many newer ones', () => {
    const bans = new Bans();
    const add = (name: string, reason: string) => bans.add('192.0.2.1', { name }, reason);
    const reasonFor = (name: string) => bans.reasonFor('192.0.2.1', { name });
    for (let i = 0; i <= limits.bansMax; i++) add(`worker ${i}`, `reason ${i}`);
    expect(reasonFor('worker 0')).toBeNull();
    expect(reasonFor('worker 1')).toBe('reason 1');
    add('worker 1', 'again');
    add('one more', 'new');
    expect(reasonFor('worker 1')).toBe('again');
    expect(reasonFor('worker 2')).toBeNull();
  });
});

describe('a connection', () => {
  it('that says nothing is closed in time, but not for our own standstill', () => {
    const site = new TestFleet();
    const mute = site.connect('mute');
    site.nowMs += 60_000;
    mute.member.tick();
    expect(mute.closeReason).toBeNull();
    for (let ms = 0; ms < limits.helloMsMax; ms += 1_000) {
      site.nowMs += 1_000;
      mute.member.tick();
    }
    expect(mute.closeReason).toBe('heartbeat-lost');
  });

  it('that reads too slowly is closed, and what waits for it does not grow', () => {
    const site = new TestFleet();
    const [slow, other] = [site.join('slow'), site.join('other')];
    slow.queuedBytes = site.fleet.queueBytesMax + 1;
    site.begin();
    expect(slow.closeReason).toBe('slow-reader');
    const sent = slow.received.length;
    while (other.computed.length > 0) other.answer();
    expect(site.sums.length).toBe(1);
    expect(slow.received.length).toBe(sent);
  });

  it('is told how the run went before it is told that it is over', () => {
    const site = new TestFleet();
    const worker = site.join('worker');
    site.fleet.testAccuracy = 0.5;
    worker.member.end('finished', false, 'The run is finished.');
    expect(worker.received.slice(-2)).toMatchObject([{ type: 'progress', testAccuracy: 0.5 }, { type: 'end' }]);
  });

  it('is told that it is a spare once the steps are made without it, and that it is none when it has work', () => {
    const site = new TestFleet();
    const workers = Array.from({ length: 9 }, (_, i) => site.join(`w${i}`));
    const isSpare = (worker: TestWorker) => {
      worker.member.transport.ping();
      return worker.received.flatMap((message) => (message.type === 'progress' ? [message.spare] : [])).at(-1);
    };
    expect(workers.map(isSpare)).toEqual(Array(9).fill(false));
    step(site, workers);
    expect(workers.map(isSpare)).toEqual([...Array(8).fill(false), true]);
    expect(workers.map(({ member }) => member.transport.isSpare)).toEqual([...Array(8).fill(false), true]);
    workers[0].send({ type: 'leave' });
    for (let i = 0; i < 2; i++) step(site, workers.slice(1));
    expect(isSpare(workers[8])).toBe(false);
  });

  it('has its share counted in slots of training, from when it joined', () => {
    const site = new TestFleet();
    const [first, second] = [site.join('first'), site.join('second')];
    const answerAll = () => {
      for (const worker of [first, second]) while (worker.computed.length > 0) worker.answer();
    };
    const shareOf = (worker: TestWorker) => {
      worker.member.end('finished', false, 'The run is finished.');
      return worker.received.flatMap((message) => (message.type === 'progress' ? [message.share] : [])).at(-1);
    };
    site.begin();
    answerAll();
    const third = site.join('third');
    site.evaluate();
    while (third.computed.length + first.computed.length + second.computed.length > 0) {
      answerAll();
      if (third.computed.length > 0) third.answer();
    }
    expect(shareOf(first)! + shareOf(second)!).toBe(1);
    expect(shareOf(third)).toBe(0);
  });

  it('has its round trip measured by the pong of the newest ping alone, and once', () => {
    const site = new TestFleet();
    const worker = site.join('worker');
    const pinged = () => worker.received.flatMap((message) => (message.type === 'ping' ? [message.id] : [])).at(-1)!;
    site.pass(1_000, [worker]);
    const former = pinged();
    site.pass(1_000, [worker]);
    expect(pinged()).not.toBe(former);
    site.nowMs += 7;
    for (const id of [0, former, pinged() + 1]) worker.send({ type: 'pong', id });
    expect(worker.member.transport.roundTripMs).toBeNull();
    worker.send({ type: 'pong', id: pinged() });
    expect(worker.member.transport.roundTripMs).toBe(7);
    site.nowMs += 5;
    worker.send({ type: 'pong', id: pinged() });
    expect(worker.member.transport.roundTripMs).toBe(7);
  });

  it('that makes no progress is told so', () => {
    const site = new TestFleet();
    const worker = site.join('w');
    site.begin();
    site.pass(400_000, [worker]);
    expect(worker.closeReason).toBe('no-progress');
  });
});

describe('parts of a gradient', () => {
  /** A worker that has a shard, and what it would send. */
  const leased = () => {
    const site = new TestFleet();
    const worker = site.join('w');
    site.begin();
    const { shard, frames } = worker.computed[0];
    return { site, worker, lease: shard.lease, frames };
  };

  const payload = (...blocks: number[]) => {
    const bytes = new Uint8Array(maskBytes + 4 * 21);
    for (const block of blocks) bytes[block >> 3] |= 1 << (block & 7);
    return bytes;
  };

  it.each([
    ['a second time', 0, [0, 0], 'unexpected-message'],
    ['that do not exist', 1, [], 'unexpected-message'],
    ['far beyond the last', 2 ** 31, [], 'field-invalid'],
  ])('%s are refused', (_, part, before, code) => {
    const { site, worker, lease, frames } = leased();
    for (const _ of before.slice(1)) worker.member.receive(frames[0]);
    worker.member.receive(encodeFrame({ type: 'gradient', lease, part }, payload(0)));
    expect(worker.closeReason).toBe(code);
    expect(site.machine.buffers.inUse).toBe(0);
  });

  it.each([
    ['shorter than its mask', new Uint8Array(maskBytes - 1)],
    ['with a block beyond the end', payload(0, 1)],
    ['without the floats that its mask announces', payload(0).subarray(0, maskBytes + 8)],
    ['with more than its mask announces', payload()],
  ])('%s are refused', (_, bytes) => {
    const { site, worker, lease } = leased();
    worker.member.receive(encodeFrame({ type: 'gradient', lease, part: 0 }, bytes));
    expect(worker.closeReason).toBe('payload-length');
    expect(site.machine.buffers.inUse).toBe(0);
  });

  it('are all there before a result, and are none of an evaluation', () => {
    const { worker, frames } = leased();
    worker.member.receive(frames[1]);
    expect(worker.closeReason).toBe('unexpected-message');
    const site = new TestFleet();
    const evaluating = site.join('w');
    site.evaluate();
    const { lease } = evaluating.computed[0].shard;
    evaluating.member.receive(encodeFrame({ type: 'gradient', lease, part: 0 }, payload(0)));
    expect(evaluating.closeReason).toBe('unexpected-message');
  });
});

describe('frames that a turn has no time for', () => {
  /** Two workers that have made a step. */
  function standing() {
    const site = new TestFleet();
    const [a, b] = [site.join('a'), site.join('b')];
    step(site, [a, b]);
    site.turn();
    return { site, a, b };
  }

  /** A step for two workers, of which the first turn brings but the beginning. */
  function begun() {
    const { site, a, b } = standing();
    site.msPerFrame = 0.8;
    const [sentA, sentB] = [a.received.length, b.received.length];
    site.begin();
    const since = () => [a.types().slice(sentA), b.types().slice(sentB)];
    return { site, a, b, since };
  }

  function turns(site: TestFleet): void {
    for (let i = 0; i < 20; i++) site.turn();
  }

  it('go out in the next ones, in the order in which they were sent', () => {
    const { site, a, b, since } = begun();
    expect(since()).toEqual([['weights'], []]);
    turns(site);
    expect(since()).toEqual([
      ['weights', 'shard'],
      ['weights', 'shard'],
    ]);
    site.msPerFrame = 0;
    for (const worker of [a, b]) while (worker.computed.length > 0) worker.answer();
    expect(site.sums.length).toBe(2);
  });

  it('go out before what is sent meanwhile', () => {
    const { site, b, since } = begun();
    b.member.transport.ping();
    turns(site);
    expect(since()[1]).toEqual(['weights', 'shard', 'ping', 'progress']);
  });

  it('are those of their step, even when the weights have changed by then', () => {
    const { site, a, b } = standing();
    const weights: number[][] = [];
    for (let i = 0; i < 3; i++) {
      site.msPerFrame = 10;
      site.begin();
      weights.push(site.weights());
    }
    site.msPerFrame = 0;
    turns(site);
    for (const worker of [a, b]) expect(worker.weights.slice(-3)).toEqual(weights);
  });

  it('are not sent to a worker that has left, or was closed', () => {
    for (const go of [
      (worker: TestWorker) => worker.send({ type: 'leave' }),
      (worker: TestWorker) => worker.member.disconnected(),
      (worker: TestWorker) => worker.member.expel('lies'),
    ]) {
      const { site, a, b, since } = begun();
      go(b);
      turns(site);
      expect(since()[1].filter((type) => ['weights', 'samples', 'shard'].includes(type))).toEqual([]);
      expect(since()[0].slice(0, 2)).toEqual(['weights', 'shard']);
      site.msPerFrame = 0;
      while (a.computed.length > 0) a.answer();
      expect(site.sums.length).toBe(2);
      expect(site.machine.buffers.inUse).toBe(0);
    }
  });

  it('count against a slow reader once they are handed over', () => {
    const { site, b } = begun();
    b.queuedBytes = site.fleet.queueBytesMax + 1;
    expect(b.closeReason).toBeNull();
    turns(site);
    expect(b.closeReason).toBe('slow-reader');
  });

  it('are told of the end at once', () => {
    const { site, b, since } = begun();
    b.member.end('interrupted', true, 'The run was interrupted.');
    turns(site);
    expect(since()[1]).toEqual(['progress', 'end']);
  });
});
