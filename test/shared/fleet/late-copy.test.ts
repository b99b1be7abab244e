/** Tests what becomes of the second result of a shard that two members have computed. */
import { describe, expect, it } from 'vitest';
import { OwnThreads } from '../../../shared/fleet/own-threads.js';
import { limits } from '../../../shared/limits.js';
import type { LeaseOrder, Transport } from '../../../shared/pool/pool-driver.js';
import { TestFleet } from './fixture.js';
import { step, straggling } from './straggling.js';

/** The sum that was counted, and the weights of its step. */
const buffersOfLateCopy = 2;

/** A thread of the coordinator itself, which answers when the test says so. */
class OwnThread implements Transport {
  readonly threads: OwnThreads;
  private readonly orders: LeaseOrder[] = [];
  private member = 0;

  constructor(private readonly site: TestFleet) {
    this.threads = new OwnThreads(site.fleet);
    site.machine.pool.join(this, false);
  }

  joined(member: number): void {
    this.member = member;
    this.site.fleet.members.set(member, this.threads);
  }

  lease(order: LeaseOrder): void {
    this.orders.push(order);
  }

  /** Finishes its oldest shard; `error` is added to the first number of the sum. */
  answer(error = 0): void {
    const { task, shard, lease } = this.orders.shift()!;
    const { machine } = this.site;
    const sum = machine.buffers.acquire();
    machine.compute(task, shard, sum);
    machine.floats(sum, 1)[0] += error;
    machine.pool.result(this.member, lease, sum);
  }

  answerAll(): void {
    while (this.orders.length > 0) this.answer();
  }

  revoke(): void {}
  overtaken(): void {}
  ping(): void {}
  drop(): void {}
}

/** The own thread has finished its part of the fifth step, and has the late shard of a worker as well. */
function overtakenByOwnThread() {
  const site = new TestFleet();
  const own = new OwnThread(site);
  const slow = site.join('slow');
  for (let i = 0; i < 4; i++) step(site, [slow], own);
  site.begin();
  site.pass(20, [slow]);
  own.answerAll();
  site.pass(400, [slow]);
  return { site, own, slow };
}

describe('a late copy', () => {
  it('that is the same is counted for both', () => {
    const { site, fast, slow } = straggling();
    fast.answer();
    expect(site.sums.length).toBe(5);
    expect(slow.types().at(-1)).toBe('cancel');
    slow.answer();
    expect([fast.member.transport.copiesAgreed, slow.member.transport.copiesAgreed]).toEqual([1, 1]);
    expect(site.log).toEqual(['fast joined', 'slow joined']);
    step(site, [fast, slow]);
    expect(site.sums.length).toBe(6);
    expect(site.machine.buffers.inUse).toBe(0);
  });

  it('is compared steps later too, with the weights of its own step', () => {
    const { site, fast, slow } = straggling();
    fast.answer();
    slow.spoil();
    const late = slow.computed.shift()!;
    for (let i = 0; i < 5; i++) step(site, [fast, slow]);
    const { weights, parameters } = site.machine.workspace;
    const before = [...site.machine.floats(weights, parameters)];
    slow.deliver(late);
    expect([...site.machine.floats(weights, parameters)]).toEqual(before);
    expect(slow.closeReason).toBe('bad-result');
    expect(fast.closeReason).toBeNull();
    expect(site.log.slice(2)).toEqual(['slow is out']);
    step(site, [fast]);
    expect(site.machine.buffers.inUse).toBe(0);
  });

  it('that is right says that the one which was counted is not', () => {
    const { site, fast, slow } = straggling();
    fast.spoil();
    fast.answer();
    slow.answer();
    expect(fast.closeReason).toBe('bad-result');
    expect(slow.closeReason).toBeNull();
    expect(site.log.slice(2)).toEqual(['fast is out', 'fast was wrong in step 4']);
    expect(slow.member.transport.copiesAgreed).toBe(0);
  });

  it("of a shard that the coordinator's own thread was first with is compared with its result", () => {
    const { site, own, slow } = overtakenByOwnThread();
    own.answer();
    expect(slow.types().at(-1)).toBe('cancel');
    slow.answer();
    expect([own.threads.copiesAgreed, slow.member.transport.copiesAgreed]).toEqual([1, 1]);
    expect(site.machine.buffers.inUse).toBe(0);
  });

  it("that differs from the result of the coordinator's own thread is recomputed beside the threads", () => {
    const { site, own, slow } = overtakenByOwnThread();
    own.answer();
    const version = site.machine.weightsVersion;
    const weights = site.weights();
    slow.spoil();
    slow.answer();
    expect(slow.closeReason).toBe('bad-result');
    // The threads compute with the weights of the workspace: a recomputation must not change them for a moment.
    expect([site.machine.weightsVersion, site.weights()]).toEqual([version, weights]);
    expect(site.log.slice(1)).toEqual(['slow is out']);
    expect(site.machine.buffers.inUse).toBe(0);
  });

  it("can show that the coordinator's own thread computed wrongly", () => {
    const { site, own, slow } = overtakenByOwnThread();
    own.answer(1);
    slow.answer();
    expect(slow.closeReason).toBeNull();
    expect(site.log.slice(1)).toEqual(['this machine was wrong in step 4']);
  });

  it('says so even when whoever was first has left', () => {
    const { site, fast, slow } = straggling();
    fast.spoil();
    fast.answer();
    fast.send({ type: 'leave' });
    slow.answer();
    expect(site.log.slice(2)).toEqual(['fast left', 'fast was wrong in step 4']);
  });

  it('may be wrong like the first, but not in the same way', () => {
    const { site, fast, slow } = straggling();
    fast.spoil();
    const { frames } = slow.computed[0];
    frames[0][frames[0].length - 2] ^= 1;
    fast.answer();
    slow.answer();
    expect(site.log.slice(2)).toEqual(['slow is out', 'fast is out', 'fast was wrong in step 4']);
  });

  it('that is not finite is a wrong one', () => {
    const { site, fast, slow } = straggling();
    fast.answer();
    const { frames } = slow.computed[0];
    frames[0].set([0, 0, 0xc0, 0x7f], frames[0].length - 4);
    slow.answer();
    expect(site.log.slice(2)).toEqual(['slow is out']);
  });

  it('is forgotten when too many are awaited: nothing piles up', () => {
    const { site, fast, slow } = straggling();
    fast.answer();
    const first = slow.computed.shift()!;
    slow.member.receive(first.frames[0]);
    expect(site.machine.buffers.inUse).toBe(buffersOfLateCopy + 1);
    for (let i = 0; i < limits.lateCopiesMax; i++) {
      const lease = { lease: 10_000 + i, task: { work: 'gradient', step: i, epoch: 0, stepInEpoch: 0 } } as const;
      slow.member.transport.lease({ ...lease, shard: { lo: 0, size: 1 }, isProbe: false });
      slow.member.transport.overtaken({ lease: lease.lease, by: 1, sum: site.machine.buffers.acquire() });
    }
    // The test does not release the sums that it makes up.
    expect(site.machine.buffers.inUse).toBe((buffersOfLateCopy + 1) * limits.lateCopiesMax);
    slow.member.receive(first.frames[1]);
    expect(slow.member.transport.copiesAgreed).toBe(0);
    expect(slow.closeReason).toBeNull();
  });

  it('shares the weights with the other late copies of its step', () => {
    const { site, fast, slow } = straggling();
    fast.answer();
    expect(site.machine.buffers.inUse).toBe(buffersOfLateCopy);
    const task = { work: 'gradient', step: 4, epoch: 0, stepInEpoch: 0 } as const;
    for (const lease of [10_000, 10_001]) {
      slow.member.transport.lease({ lease, task, shard: { lo: 0, size: 1 }, isProbe: false });
      slow.member.transport.overtaken({ lease, by: 1, sum: site.machine.workspace.weights });
    }
    expect(site.machine.buffers.inUse).toBe(buffersOfLateCopy + 2);
    slow.answer();
    expect(slow.member.transport.copiesAgreed).toBe(1);
    expect(site.machine.buffers.inUse).toBe(buffersOfLateCopy + 1);
  });

  it('that never comes is let go of with its member', () => {
    const { site, fast, slow } = straggling();
    fast.answer();
    slow.member.receive(slow.computed[0].frames[0]);
    expect(site.machine.buffers.inUse).toBe(buffersOfLateCopy + 1);
    slow.member.disconnected();
    expect(site.machine.buffers.inUse).toBe(0);
  });
});
