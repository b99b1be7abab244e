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

/** A view of the frame. */
function payloadOf(frame: Uint8Array): Uint8Array {
  return frame.subarray(2 + (frame[0] | (frame[1] << 8)));
}
