/** Tests the pool's driver with the scalar kernels. The test answers for the members. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pointer } from '../../../shared/arithmetic/kernels.js';
import { patience } from '../../../shared/pool/member.js';
import { PartialBuffers } from '../../../shared/pool/partials.js';
import { type LeaseOrder, PoolDriver, type Transport } from '../../../shared/pool/pool-driver.js';
import { rootShard, type Shard } from '../../../shared/pool/tree.js';
import { noProfile } from '../../../shared/profile.js';
import { Random } from '../../../shared/random.js';
import type { Task } from '../../../shared/work/task.js';
import { scalar } from '../arithmetic/backends.js';

const FLOATS = 6;

/** A partial gradient for each slot. The sizes differ so much that another order of additions gives other bits. */
const slotValues = (slots: number, seed: number): Float32Array[] => {
  const random = new Random(seed);
  return Array.from({ length: slots }, () =>
    Float32Array.from({ length: FLOATS }, () => (random.uniform() - 0.5) * 2 ** (random.below(40) - 20)),
  );
};

/** The definition of the sum (E3), for arrays. */
function treeSum(values: readonly Float32Array[], { lo, size }: Shard): Float32Array {
  if (size === 1) return values[lo];
  const left = treeSum(values, { lo, size: size / 2 });
  if (lo + size / 2 >= values.length) return left;
  const right = treeSum(values, { lo: lo + size / 2, size: size / 2 });
  return left.map((x, i) => Math.fround(x + right[i]));
}

/** A member that keeps its leases until the test answers them. */
class HeldMember implements Transport {
  id = 0;
  readonly orders: LeaseOrder[] = [];
  readonly revoked: number[] = [];
  dropped: string | null = null;

  joined(member: number): void {
    this.id = member;
  }

  lease(order: LeaseOrder): void {
    this.orders.push(order);
  }

  revoke(lease: number): void {
    this.revoked.push(lease);
  }

  overtaken({ lease }: { lease: number }): void {
    this.revoked.push(lease);
  }

  ping(): void {}

  drop(reason: string): void {
    this.dropped = reason;
  }
}

const task: Task = { work: 'gradient', step: 0, epoch: 0, stepInEpoch: 0 };

class Bench {
  nowMs = 0;
  readonly memory = scalar.createMemory(65_536, false);
  readonly buffers = new PartialBuffers(this.memory, 64, FLOATS);
  readonly stranded: boolean[] = [];
  readonly driver = new PoolDriver(
    this.memory.kernels,
    this.buffers,
    { nowMs: () => this.nowMs, profile: noProfile },
    (stranded) => this.stranded.push(stranded),
  );
  readonly members: HeldMember[] = [];
  /** The finished sums, by the job's seed. */
  readonly sums = new Map<number, Float32Array>();
  readonly values = new Map<number, Float32Array[]>();

  join(remote = true): HeldMember {
    const member = new HeldMember();
    this.driver.join(member, remote);
    this.members.push(member);
    return member;
  }

  run(slots: number, seed: number, shard = rootShard(slots)): number {
    const stepTask = { ...task, step: seed };
    this.values.set(seed, slotValues(slots, seed));
    return this.driver.run(stepTask, shard, slots, (sum) => {
      this.sums.set(seed, this.floatsAt(sum).slice());
      this.buffers.release(sum);
    });
  }

  /** A result of the lease arrives from this member, even if the lease has ended. */
  answer(member: HeldMember, { lease, task, shard }: LeaseOrder): void {
    const out = this.buffers.acquire();
    this.floatsAt(out).set(treeSum(this.values.get(task.step) ?? [], shard));
    this.driver.result(member.id, lease, out);
  }

  answerAll(): void {
    for (let busy = this.members; busy.length > 0; busy = this.members.filter(({ orders }) => orders.length > 0)) {
      for (const member of busy) for (const order of member.orders.splice(0)) this.answer(member, order);
    }
  }

  private floatsAt(at: Pointer): Float32Array {
    return new Float32Array(this.memory.buffer, at, FLOATS);
  }
}

const bits = (values: Float32Array | undefined) => [...new Uint32Array((values ?? new Float32Array(0)).slice().buffer)];

function expectSum(bench: Bench, slots: number, seed: number, shard = rootShard(slots)): void {
  expect(bits(bench.sums.get(seed))).toEqual(bits(treeSum(slotValues(slots, seed), shard)));
}

describe('a sum', () => {
  it('has the bits of the tree, for any number of members that answer in any order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 12 }), fc.nat(), (slots, count, seed) => {
        const random = new Random(seed);
        const bench = new Bench();
        for (let i = 0; i < count; i++) bench.join();
        bench.run(slots, 7);
        while (!bench.sums.has(7)) {
          const member = bench.members[random.below(count)];
          for (const order of member.orders.splice(random.below(3), 1)) bench.answer(member, order);
        }
        expectSum(bench, slots, 7);
        expect(bench.buffers.inUse).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it('has them for a part of the tree too', () => {
    const bench = new Bench();
    for (let i = 0; i < 3; i++) bench.join();
    bench.run(21, 3, { lo: 8, size: 8 });
    bench.answerAll();
    expectSum(bench, 21, 3, { lo: 8, size: 8 });
  });

  it('of an evaluation is of its two floats', () => {
    const bench = new Bench();
    const members = [bench.join(), bench.join()];
    let sum: number[] = [];
    const evaluation: Task = { ...task, work: 'evaluation' };
    bench.driver.run(evaluation, rootShard(2), 2, (at) => {
      sum = [...new Float32Array(bench.memory.buffer, at, 3)];
      bench.buffers.release(at);
    });
    for (const [i, member] of members.entries()) {
      const out = bench.buffers.acquire();
      new Float32Array(bench.memory.buffer, out, 3).set([1 + i, 10 + i, 100]);
      bench.driver.result(member.id, member.orders[0].lease, out);
    }
    expect(sum).toEqual([3, 21, 100]);
  });

  it('may start the next one before it has returned', () => {
    const bench = new Bench();
    bench.join();
    bench.join();
    const chain = (seed: number): void => {
      bench.values.set(seed, slotValues(9, seed));
      bench.driver.run({ ...task, step: seed }, rootShard(9), 9, (sum) => {
        bench.sums.set(seed, new Float32Array(bench.memory.buffer, sum, FLOATS).slice());
        bench.buffers.release(sum);
        if (seed < 20) chain(seed + 1);
      });
    };
    chain(1);
    bench.answerAll();
    for (let seed = 1; seed <= 20; seed++) expectSum(bench, 9, seed);
    expect(bench.buffers.inUse).toBe(0);
  });
});

describe('buffers are given back', () => {
  const started = () => {
    const bench = new Bench();
    const [a, b] = [bench.join(), bench.join()];
    const job = bench.run(16, 5);
    return { bench, a, b, job };
  };

  it('when a job is cancelled, with sums that were kept and with results that come later', () => {
    const { bench, a, b, job } = started();
    bench.answer(a, a.orders[0]);
    expect(bench.buffers.inUse).toBe(1);
    bench.driver.cancel(job);
    expect(bench.buffers.inUse).toBe(0);
    expect(b.revoked).toEqual(b.orders.map(({ lease }) => lease));
    bench.answer(b, b.orders[0]);
    expect(bench.buffers.inUse).toBe(0);
    expect(bench.sums.size).toBe(0);
  });

  it('when a member left and its result comes after all', () => {
    const { bench, a, b } = started();
    bench.driver.leave(a.id);
    bench.driver.leave(a.id);
    bench.answer(a, a.orders[0]);
    for (const order of b.orders.splice(0)) bench.answer(b, order);
    expectSum(bench, 16, 5);
    expect(bench.buffers.inUse).toBe(0);
  });

  it('when a result comes twice', () => {
    const { bench, a } = started();
    bench.answer(a, a.orders[0]);
    bench.answer(a, a.orders[0]);
    expect(bench.buffers.inUse).toBe(1);
    bench.answerAll();
    expectSum(bench, 16, 5);
    expect(bench.buffers.inUse).toBe(0);
  });

  it('when one member answers the lease of another', () => {
    const { bench, a, b } = started();
    bench.answer(a, b.orders[0]);
    expect(bench.buffers.inUse).toBe(0);
    bench.answerAll();
    expectSum(bench, 16, 5);
  });

  it('when a result comes twice while another is being carried out', () => {
    const { bench, a, b } = started();
    // While the sum of one job is handed over, the member answers its lease of the next job twice.
    bench.driver.cancel(1);
    bench.values.set(6, slotValues(2, 6));
    bench.driver.run({ ...task, step: 6 }, rootShard(2), 2, (sum) => {
      bench.buffers.release(sum);
      const order = a.orders.at(-1);
      if (order === undefined) throw new Error('no lease');
      bench.answer(a, order);
      bench.answer(a, order);
    });
    const [first, second] = [a, b].map(({ orders }) => orders[orders.length - 1]);
    bench.run(2, 8);
    bench.answer(a, first);
    bench.answer(b, second);
    expect(bench.buffers.inUse).toBe(1);
    bench.answer(b, b.orders[b.orders.length - 1]);
    expectSum(bench, 2, 8);
    expect(bench.buffers.inUse).toBe(0);
  });

  it('after any sequence of events', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const random = new Random(seed);
        const bench = new Bench();
        const jobs: number[] = [];
        const runs: { seed: number; slots: number }[] = [];
        const act: readonly (() => void)[] = [
          () => bench.members.length < 12 && bench.join(random.below(2) === 0),
          () => bench.driver.leave(1 + random.below(12)),
          () => {
            if (runs.length >= 8) return;
            const run = { seed: runs.length + 1, slots: 1 + random.below(40) };
            runs.push(run);
            jobs.push(bench.run(run.slots, run.seed));
          },
          () => random.below(4) === 0 && bench.driver.cancel(jobs[random.below(8)] ?? 0),
          () => {
            bench.nowMs += random.below(900);
            bench.driver.tick();
          },
        ];
        const answerSome = () => {
          const member = bench.members[random.below(12)];
          const order = member?.orders[random.below(1 + member.orders.length)];
          // The member keeps the order, so it may answer it again.
          if (order !== undefined) bench.answer(member, order);
        };
        for (let i = 0; i < 200; i++) random.below(3) === 0 ? act[random.below(act.length)]() : answerSome();
        bench.join();
        bench.answerAll();
        bench.answerAll();
        expect(bench.buffers.inUse).toBe(0);
        for (const run of runs) if (bench.sums.has(run.seed)) expectSum(bench, run.slots, run.seed);
      }),
      { numRuns: 100 },
    );
  }, 60_000);
});

describe('a member', () => {
  it('knows its number before it is given work', () => {
    const bench = new Bench();
    bench.run(4, 1);
    const member = new HeldMember();
    const numbers: number[] = [];
    member.lease = () => void numbers.push(member.id);
    expect(bench.driver.join(member, true)).toBe(member.id);
    expect(new Set(numbers)).toEqual(new Set([member.id]));
  });

  it('may leave while it is given work, and its work goes to others', () => {
    const bench = new Bench();
    const fragile = bench.join();
    fragile.lease = () => bench.driver.leave(fragile.id);
    bench.join();
    bench.run(8, 1);
    bench.answerAll();
    expectSum(bench, 8, 1);
    expect(bench.driver.memberCount).toBe(1);
    expect(bench.buffers.inUse).toBe(0);
  });

  it('is told that it was dropped, and hears nothing after that', () => {
    const bench = new Bench();
    const member = bench.join();
    bench.run(8, 1);
    for (let ms = 0; ms <= patience.silenceMs + 1_000; ms += 100) {
      bench.nowMs += 100;
      bench.driver.tick();
    }
    expect(member.dropped).toBe('silent');
    expect(bench.stranded).toEqual([true]);
    bench.driver.leave(member.id);
    bench.answer(member, member.orders[0]);
    expect(bench.buffers.inUse).toBe(0);
    bench.join();
    expect(bench.stranded).toEqual([true, false]);
  });
});
