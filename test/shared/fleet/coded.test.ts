/** A fleet whose numbers travel in codes: what is sent, what is added, and what is refused. */
import { describe, expect, it } from 'vitest';
import { decodeFromCoordinator } from '../../../shared/protocol/codec.js';
import { maskBytes } from '../../../shared/protocol/tensor.js';
import { TestFleet, type TestWorker } from './fixture.js';

const coded = { wireBits: 4, optimizer: { name: 'sgd', rate: 0.1, momentum: 0.9 } } as const;

function answerAll(site: TestFleet, workers: readonly TestWorker[]): void {
  site.pass(20, workers);
  site.nowMs += 20;
  for (const worker of workers) while (worker.computed.length > 0) worker.answer();
}

function step(site: TestFleet, workers: readonly TestWorker[]): void {
  site.begin();
  answerAll(site, workers);
}

describe('in a coded run', () => {
  it('the sum of a step is the same, whether slots or sums travel', () => {
    const sumsOf = (count: number) => {
      const site = new TestFleet(coded);
      const workers = Array.from({ length: count }, (_, n) => site.join(`w${n}`));
      for (let i = 0; i < 4; i++) step(site, workers);
      expect(site.machine.buffers.inUse).toBe(0);
      return site.sums;
    };
    const alone = sumsOf(1);
    expect(alone.length).toBe(4);
    for (const count of [2, 3, 5, 8]) expect(sumsOf(count)).toEqual(alone);
  });

  it('a worker that holds the weights before gets the change, any other one gets all of them', () => {
    const site = new TestFleet(coded);
    const first = site.join('first');
    step(site, [first]);
    step(site, [first]);
    const second = site.join('second');
    for (let i = 0; i < 3; i++) step(site, [first, second]);
    expect(first.bases()).toEqual([null, 0, 1, 2, 3]);
    expect(second.bases()).toEqual([null, 2, 3]);
    for (const worker of [first, second]) {
      for (const [i, held] of worker.held.entries())
        expect(held.weights, `version ${i}`).toEqual(site.history[held.step]);
    }
  });

  it('weights that come back have no change that leads to them', () => {
    const site = new TestFleet(coded);
    const worker = site.join('w');
    for (let i = 0; i < 3; i++) step(site, [worker]);
    site.restore(1);
    const [frame] = site.fleet.weights.frames(1, 0);
    expect(decodeFromCoordinator(frame.bytes)).toMatchObject({ message: { type: 'weights', step: 1, base: null } });
    site.evaluate();
    answerAll(site, [worker]);
    expect(worker.bases()).toEqual([null, 0, 1, null]);
    expect(worker.held.at(-1)?.weights).toEqual(site.history[1]);
  });

  it('a part of another length than its codes have is refused before there is memory for it', () => {
    for (const change of [-1, 1]) {
      const site = new TestFleet(coded);
      const [worker, other] = [site.join('w'), site.join('other')];
      site.begin();
      const [{ frames }] = worker.computed;
      const longer = new Uint8Array(frames[0].length + change);
      longer.set(frames[0].subarray(0, longer.length));
      worker.member.receive(longer);
      expect(worker.closeReason).toBe('payload-length');
      expect(site.machine.buffers.inUse).toBe(0);
      expect(other.closeReason).toBeNull();
    }
  });

  it('a slot that is not finite is wrong, though its codes are whole numbers', () => {
    const site = new TestFleet(coded);
    const [worker] = [site.join('w'), site.join('other')];
    site.begin();
    const [{ frames }] = worker.computed;
    payloadOf(frames[0])[maskBytes] = 255;
    worker.answer();
    expect(worker.closeReason).toBe('bad-result');
  });
});

describe('while the slots of a shard are on their way', () => {
  /** The parts of the first two of a worker's four slots have come. */
  function halfway() {
    const site = new TestFleet(coded);
    const [fast, slow] = [site.join('fast'), site.join('slow')];
    for (let i = 0; i < 4; i++) step(site, [fast, slow]);
    site.begin();
    site.nowMs += 20;
    const sent = slow.computed[0];
    expect(sent.shard.size).toBe(4);
    for (const frame of sent.frames.slice(0, 2)) slow.member.receive(frame);
    const rest = { shard: sent.shard, frames: sent.frames.slice(2) };
    return { site, fast, slow, rest };
  }

  /** The other worker is first with the shard. */
  function overtaken() {
    const all = halfway();
    const { site, fast, slow } = all;
    fast.answer();
    site.pass(400, [fast, slow]);
    expect(fast.computed[0].shard).toMatchObject({ lo: slow.computed[0].shard.lo, size: 4 });
    fast.answer();
    expect(site.sums.length).toBe(5);
    expect(slow.types().at(-1)).toBe('cancel');
    return all;
  }

  it('the worker leaves: others compute the shard, and its sum is the same', () => {
    const { site, fast, slow } = halfway();
    slow.member.disconnected();
    answerAll(site, [fast]);
    expect(site.machine.buffers.inUse).toBe(0);
    const undisturbed = new TestFleet(coded);
    const alone = undisturbed.join('alone');
    for (let i = 0; i < 5; i++) step(undisturbed, [alone]);
    expect(site.sums).toEqual(undisturbed.sums);
  });

  it('another worker is first: the late copy is compared', () => {
    const { site, fast, slow, rest } = overtaken();
    slow.deliver(rest);
    expect([fast.member.transport.copiesAgreed, slow.member.transport.copiesAgreed]).toEqual([1, 1]);
    expect(site.machine.buffers.inUse).toBe(0);
  });

  it('another worker is first: a late copy with a wrong slot is found', () => {
    const { site, fast, slow, rest } = overtaken();
    payloadOf(rest.frames[0])[maskBytes + 1] ^= 1;
    slow.deliver(rest);
    expect([fast.closeReason, slow.closeReason]).toEqual([null, 'bad-result']);
    expect(site.machine.buffers.inUse).toBe(0);
  });

  it('another worker is first: the worker stops when other weights come, and nothing is kept after it has left', () => {
    const { site, fast, slow } = overtaken();
    slow.computed.shift();
    for (let i = 0; i < 3; i++) step(site, [fast, slow]);
    expect(site.sums.length).toBe(8);
    slow.member.disconnected();
    expect(site.machine.buffers.inUse).toBe(0);
  });
});

/** A view of the frame. */
function payloadOf(frame: Uint8Array): Uint8Array {
  return frame.subarray(2 + (frame[0] | (frame[1] << 8)));
}
