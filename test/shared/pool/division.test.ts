/** Tests which part of a step each member gets. */
import { describe, expect, it } from 'vitest';
import { limits } from '../../../shared/limits.js';
import { rootShard } from '../../../shared/pool/tree.js';
import { Random } from '../../../shared/random.js';
import { PaperFleet } from './model.js';
import { fleetOf, slotsHeld, step } from './paced-fleet.js';

describe('the split of the work', () => {
  it('is kept for equal members whose times vary, so that nobody is sent a sample twice', () => {
    const random = new Random(11);
    const { fleet, members } = fleetOf(3);
    const held = () => members.map((member) => fleet.leasesOf(member).map(({ shard }) => [shard.lo, shard.size]));
    const shares = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const times = new Map(members.map((member) => [member, 10 * (0.9 + 0.2 * random.uniform())]));
      step(fleet, 32, times, () => shares.add(JSON.stringify(held())));
    }
    expect(shares.size).toBe(1);
  });

  it('gives a member less that becomes four times slower, within a few steps, and more again', () => {
    const { fleet, members } = fleetOf(2);
    const share = (): number => {
      let slots = 0;
      step(fleet, 64, times, () => (slots = slotsHeld(fleet, members[1])));
      return slots;
    };
    const times = new Map(members.map((member) => [member, 10]));
    for (let i = 0; i < 20; i++) share();
    expect(share()).toBe(32);
    times.set(members[1], 40);
    for (let i = 0; i < 8; i++) share();
    expect(share()).toBeLessThanOrEqual(16);
    times.set(members[1], 10);
    for (let i = 0; i < 20; i++) share();
    expect(share()).toBe(32);
    expect(fleet.dropped).toEqual([]);
  });

  it('of a gradient and of an evaluation follow speeds of their own', () => {
    const { fleet, members } = fleetOf(2);
    const [a, b] = members;
    const gradient = new Map([
      [a, 3],
      [b, 1],
    ]);
    const evaluation = new Map([
      [a, 1],
      [b, 3],
    ]);
    const shares = { gradient: 0, evaluation: 0 };
    for (let i = 0; i < 40; i++) {
      step(fleet, 64, gradient, () => (shares.gradient = slotsHeld(fleet, a)));
      step(fleet, 64, evaluation, () => (shares.evaluation = slotsHeld(fleet, a)), 'evaluation');
    }
    expect(shares).toEqual({ gradient: 16, evaluation: 48 });
  });

  it('follows measured speeds, and their changes', () => {
    const { fleet, members } = fleetOf(2);
    const fast = new Map([
      [members[0], 3],
      [members[1], 1],
    ]);
    for (let i = 0; i < 30; i++) step(fleet, 64, fast);
    fleet.run(64, rootShard(64));
    expect(slotsHeld(fleet, members[0])).toBe(16);
    for (const member of members) while (fleet.leasesOf(member).length > 0) fleet.answer(member);
    const turned = new Map([
      [members[0], 1],
      [members[1], 3],
    ]);
    for (let i = 0; i < 60; i++) step(fleet, 64, turned);
    fleet.run(64, rootShard(64));
    expect(slotsHeld(fleet, members[0])).toBe(48);
  });

  it('tries a member again that was so slow once that it got nothing', () => {
    const { fleet, members } = fleetOf(2);
    const slow = new Map([
      [members[0], 1],
      [members[1], 1000],
    ]);
    for (let i = 0; i < 10; i++) step(fleet, 32, slow);
    fleet.run(32, rootShard(32));
    expect(slotsHeld(fleet, members[1])).toBe(0);
    while (fleet.leasesOf(members[0]).length > 0) fleet.answer(members[0]);
    const even = new Map(members.map((member) => [member, 1]));
    for (let i = 0; i < 2_000; i++) step(fleet, 32, even);
    fleet.run(32, rootShard(32));
    expect(slotsHeld(fleet, members[1])).toBe(16);
  });

  it('gives a member that joins in the middle of a step what is late, and its part of the next', () => {
    const { fleet, members } = fleetOf(2);
    const job = fleet.run(32, rootShard(32));
    const fresh = fleet.join();
    expect(fleet.leasesOf(fresh).map(({ isProbe }) => isProbe)).toEqual([true]);
    fleet.answer(fresh);
    expect(fleet.leasesOf(fresh)).toEqual([]);
    for (const member of members) while (fleet.leasesOf(member).length > 0) fleet.answer(member);
    expect(fleet.completed.has(job)).toBe(true);
    fleet.run(33, rootShard(33));
    expect(slotsHeld(fleet, fresh)).toBeGreaterThan(8);
  });

  it('uses as many members as there are slots, and the least busy ones', () => {
    const { fleet, members } = fleetOf(5);
    fleet.run(2, rootShard(2));
    fleet.run(2, rootShard(2));
    expect(members.map((member) => slotsHeld(fleet, member))).toEqual([1, 1, 1, 1, 0]);
  });

  it('never hands out more than a member may hold, and hands out the rest later', () => {
    const fleet = new PaperFleet();
    const member = fleet.join();
    // Slots 1 to 64 are seven shards. A member that has room for only one lease gets one of them.
    for (let i = 0; i < limits.leasesPerMemberMax + 10; i++) fleet.run(65, rootShard(65));
    expect(fleet.leasesOf(member).length).toBe(limits.leasesPerMemberMax);
    while (fleet.leasesOf(member).length > 0) fleet.answer(member);
    expect(fleet.completed.size).toBe(limits.leasesPerMemberMax + 10);
  });

  it('goes on with what waited for room when a job is called off', () => {
    const fleet = new PaperFleet();
    const member = fleet.join();
    const jobs = Array.from({ length: limits.leasesPerMemberMax + 1 }, () => fleet.run(1, rootShard(1)));
    for (const job of jobs.slice(0, -1)) fleet.cancel(job);
    expect(fleet.leasesOf(member).map(({ job }) => job.id)).toEqual(jobs.slice(-1));
  });
});
