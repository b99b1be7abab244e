import { describe, expect, it } from 'vitest';
import { limits } from '../../../shared/limits.js';
import { idleHelper } from '../../../shared/pool/distribution.js';
import { Member, patience } from '../../../shared/pool/member.js';
import { rootShard } from '../../../shared/pool/tree.js';
import { PaperFleet } from './model.js';
import { fleetOf, slotsHeld, stateOf, step } from './paced-fleet.js';

describe('a member that is gone', () => {
  it('has its shards leased to others at once when it left', () => {
    const { fleet, members } = fleetOf(3);
    fleet.run(24, rootShard(24));
    fleet.leave(members[1]);
    expect(slotsHeld(fleet, members[0]) + slotsHeld(fleet, members[2])).toBe(24);
  });

  it('has its late result discarded, for its own step and for the next', () => {
    const { fleet, members } = fleetOf(2);
    fleet.run(8, rootShard(8));
    const [late] = fleet.leasesOf(members[0]);
    fleet.leave(members[0]);
    fleet.answerInVain(late);
    while (fleet.unfinished.length > 0) fleet.answer(members[1]);
    fleet.run(8, rootShard(8));
    fleet.answerInVain(late);
  });

  it('is dropped within a second after it was silent for too long', () => {
    const { fleet, members } = fleetOf(2);
    fleet.pass(patience.silenceMs - 100, [members[0]]);
    expect(fleet.dropped).toEqual([]);
    fleet.pass(1_000, [members[0]]);
    expect(fleet.dropped).toEqual([{ member: members[1], reason: 'silent' }]);
  });

  it('was asked for a sign of life every second', () => {
    const { fleet, members } = fleetOf(1);
    fleet.pinged.length = 0;
    fleet.pass(10_000);
    expect(fleet.pinged).toEqual(new Array(10).fill(members[0]));
  });

  it('gets no work while it leaves pings unanswered, and others compute what it has', () => {
    const { fleet, members } = fleetOf(3);
    const asleep = members[1];
    const job = fleet.run(24, rootShard(24));
    const awake = [members[0], members[2]];
    for (const member of awake) fleet.answer(member);
    fleet.pass(patience.pingMs + patience.quietMs + 200, awake);
    for (const member of awake) while (fleet.leasesOf(member).length > 0) fleet.answer(member);
    expect(fleet.completed.has(job)).toBe(true);
    fleet.run(24, rootShard(24));
    expect(slotsHeld(fleet, asleep)).toBe(0);
    expect(fleet.dropped).toEqual([]);
  });

  it('has its part again, as large as before, when it has answered', () => {
    const { fleet, members } = fleetOf(2);
    fleet.run(24, rootShard(24));
    const before = stateOf(fleet, members[1]).costs.gradient.msPerSlot;
    fleet.pass(5_000, [members[0]]);
    while (fleet.leasesOf(members[0]).length > 0) fleet.answer(members[0]);
    fleet.heard(members[1]);
    fleet.run(24, rootShard(24));
    expect(stateOf(fleet, members[1]).costs.gradient.msPerSlot).toBe(before);
    expect(slotsHeld(fleet, members[1])).toBeGreaterThan(8);
  });

  it('is not believed slower for a shard that it had when it fell asleep, but is if it was only late', () => {
    for (const awakeAfterMs of [5_000, 200]) {
      const { fleet, members } = fleetOf(2);
      const [awake, other] = members;
      const before = stateOf(fleet, other).costs.gradient.msPerSlot;
      const job = fleet.run(32, rootShard(32));
      fleet.nowMs += 16;
      fleet.answer(awake);
      fleet.pass(200, [awake]);
      fleet.answer(awake);
      expect(fleet.completed.has(job)).toBe(true);
      fleet.run(32, rootShard(32));
      expect(slotsHeld(fleet, other)).toBe(0);
      fleet.pass(awakeAfterMs, [awake]);
      while (fleet.leasesOf(awake).length > 0) fleet.answer(awake);
      fleet.heard(other);
      const after = stateOf(fleet, other).costs.gradient.msPerSlot;
      if (awakeAfterMs > patience.quietMs) expect(after).toBe(before);
      else expect(after).toBeGreaterThan(before);
    }
  });

  it('is relieved by a spare', () => {
    const fleet = new PaperFleet();
    const [asleep, awake, spare] = [fleet.join(), fleet.join(), fleet.join()];
    for (let i = 0; i < 3; i++) step(fleet, 2, new Map([asleep, awake, spare].map((member) => [member, 1])));
    fleet.pass(1_000);
    fleet.answer(spare);
    expect(stateOf(fleet, spare)).toMatchObject({ isSpare: true, isStranger: false });
    fleet.pass(patience.pingMs + patience.quietMs + 200, [awake, spare]);
    fleet.run(2, rootShard(2));
    expect([awake, spare, asleep].map((member) => slotsHeld(fleet, member))).toEqual([1, 1, 0]);
  });

  it('is never dropped for silence when it is a thread of this machine', () => {
    const fleet = new PaperFleet();
    fleet.join(false);
    fleet.run(8, rootShard(8));
    fleet.pass(600_000, []);
    expect(fleet.dropped).toEqual([]);
    expect(fleet.revoked).toEqual([]);
  });

  it('gets nothing of what others held that are dropped at the same moment', () => {
    const { fleet, members } = fleetOf(4);
    fleet.run(32, rootShard(32));
    fleet.pass(patience.silenceMs + 200, [members[3]]);
    expect(fleet.dropped.map(({ member }) => member)).toEqual(members.slice(0, 3));
    expect(fleet.lapsed.every(({ shard }) => shard.size === 8)).toBe(true);
  });
});

describe('when we stood still ourselves', () => {
  it('nobody is dropped for it', () => {
    const { fleet } = fleetOf(3);
    fleet.pass(500);
    fleet.tick(30_000);
    fleet.pass(patience.silenceMs - 1_000, []);
    expect(fleet.dropped).toEqual([]);
    fleet.pass(2_000, []);
    expect(fleet.dropped.length).toBe(3);
  });

  it('nobody’s lease runs out for it, and nobody is believed slower', () => {
    const { fleet, members } = fleetOf(2);
    fleet.run(8, rootShard(8));
    const before = stateOf(fleet, members[0]).costs.gradient.msPerSlot;
    fleet.nowMs += 30_000;
    for (const member of members) fleet.answer(member);
    expect(fleet.revoked).toEqual([]);
    expect(stateOf(fleet, members[0]).costs.gradient.msPerSlot).toBeLessThanOrEqual(before);
  });

  it('what came after the stall but before the next tick is not taken for older', () => {
    const { fleet, members } = fleetOf(2);
    fleet.nowMs += 30_000;
    for (const member of members) fleet.heard(member);
    fleet.run(8, rootShard(8));
    fleet.tick(100);
    for (const { heardMs, leases } of fleet.pool.memberStates()) {
      expect(heardMs).toBeLessThanOrEqual(fleet.nowMs);
      expect(leases[0].startMs).toBeLessThanOrEqual(fleet.nowMs);
    }
    for (const member of members) while (fleet.leasesOf(member).length > 0) fleet.answer(member);
    fleet.pass(patience.silenceMs + 800, [members[0]]);
    expect(fleet.dropped).toEqual([{ member: members[1], reason: 'silent' }]);
  });
});

describe('a member that makes no progress', () => {
  it('is dropped when three leases in a row ran out', () => {
    const { fleet, members } = fleetOf(1);
    fleet.run(1, rootShard(1));
    fleet.pass(20_000);
    expect(fleet.dropped).toEqual([{ member: members[0], reason: 'no-progress' }]);
    expect(fleet.revoked.length).toBe(patience.expiredMax);
    expect(fleet.said.at(-1)).toBe('stranded');
  });

  it('is not dropped when it only needs longer than was thought', () => {
    const { fleet, members } = fleetOf(1);
    for (let i = 0; i < 20; i++) {
      const job = fleet.run(4, rootShard(4));
      for (let waited = 0; !fleet.completed.has(job) && waited < 100; waited++) {
        const [handed] = fleet.leasesOf(members[0]);
        fleet.pass(1_000 * (handed?.shard.size ?? 1));
        if (fleet.leasesOf(members[0])[0] === handed) fleet.answer(members[0]);
      }
      expect(fleet.completed.has(job)).toBe(true);
    }
    expect(fleet.dropped).toEqual([]);
  });

  it('is not blamed for shards that wait behind a slow one', () => {
    const { fleet, members } = fleetOf(1);
    fleet.run(3000, rootShard(3000));
    for (let i = 0; i < 5; i++) fleet.run(1, rootShard(1));
    fleet.pass(20_000);
    expect(fleet.revoked).toEqual([]);
    for (let i = 0; i < 6; i++) fleet.answer(members[0]);
    expect(fleet.completed.size).toBe(3 + 6);
  });

  it('must show with a probe that it still computes when others finish its shards, and is dropped if it does not', () => {
    const { fleet, members } = fleetOf(2);
    const beginMs = fleet.nowMs;
    while (fleet.dropped.length === 0 && fleet.nowMs < beginMs + 10 * limits.firstResultMsMax) {
      const job = fleet.run(16, rootShard(16));
      while (!fleet.completed.has(job)) {
        fleet.pass(100);
        while (fleet.leasesOf(members[0]).length > 0) fleet.answer(members[0]);
      }
    }
    expect(fleet.dropped).toEqual([{ member: members[1], reason: 'mute' }]);
    expect(fleet.nowMs - beginMs).toBeLessThan(patience.fruitlessMs + limits.firstResultMsMax + 1_000);
  });

  it('is a member like any other when it has returned a probe', () => {
    const { fleet, members } = fleetOf(2);
    while (!stateOf(fleet, members[1]).isStranger) {
      fleet.run(16, rootShard(16));
      fleet.pass(100);
      while (fleet.leasesOf(members[0]).length > 0) fleet.answer(members[0]);
    }
    fleet.run(16, rootShard(16));
    fleet.pass(100);
    expect(fleet.leasesOf(members[1]).map(({ isProbe, shard }) => ({ isProbe, size: shard.size }))).toEqual([
      { isProbe: true, size: 1 },
    ]);
    fleet.answer(members[1]);
    expect(stateOf(fleet, members[1]).isStranger).toBe(false);
  });
});

describe('a member that is not measured yet', () => {
  it('gets a single slot first, so that a slow one gives a result before its time is up', () => {
    const fleet = new PaperFleet();
    const slow = fleet.join();
    const slots = 32;
    const job = fleet.run(slots, rootShard(slots));
    expect(fleet.leasesOf(slow)[0].shard).toEqual({ lo: 0, size: 1 });
    const slotMs = patience.firstLeaseMs / 4;
    while (!fleet.completed.has(job)) {
      fleet.pass(slotMs * fleet.leasesOf(slow)[0].shard.size);
      fleet.answer(slow);
    }
    expect(fleet.lapsed).toEqual([]);
    expect(fleet.dropped).toEqual([]);
  });

  it('shares what it was given and has not begun with members that join meanwhile', () => {
    const fleet = new PaperFleet();
    const first = fleet.join();
    fleet.run(32, rootShard(32));
    fleet.pass(1_000);
    fleet.answer(first);
    const [next, ...others] = fleet.leasesOf(first);
    const newcomer = fleet.join();
    fleet.answer(newcomer);
    expect(fleet.leasesOf(newcomer).map(({ shard }) => shard)).toEqual([others[others.length - 1].shard]);
    expect(fleet.leasesOf(first)[0]).toEqual(next);
  });

  it('keeps what it would begin within a second', () => {
    const fleet = new PaperFleet();
    const first = fleet.join();
    fleet.run(32, rootShard(32));
    fleet.pass(20);
    fleet.answer(first);
    const newcomer = fleet.join();
    fleet.answer(newcomer);
    expect(fleet.leasesOf(newcomer)).toEqual([]);
  });
});

describe('a straggler', () => {
  it('that let its lease expire is not asked again while somebody is idle who did not', () => {
    const [slow, fresh] = [new Member(1, true, 0), new Member(2, true, 0)];
    slow.expiredInARow = 1;
    const helper = (isCountedOn: (member: Member) => boolean) => idleHelper([slow, fresh], 'gradient', 1, isCountedOn);
    expect(helper(() => true)).toBe(fresh);
    expect(helper((member) => member === slow)).toBe(slow);
  });

  it('keeps its shard, which an idle member gets as well; the first result wins', () => {
    const { fleet, members } = fleetOf(2);
    const job = fleet.run(32, rootShard(32));
    fleet.nowMs += 16;
    fleet.answer(members[0]);
    const [late] = fleet.leasesOf(members[1]);
    fleet.pass(100);
    expect(fleet.leasesOf(members[0]).map(({ shard }) => shard)).toEqual([late.shard]);
    expect(fleet.leasesOf(members[1])).toEqual([late]);
    fleet.answer(members[0]);
    expect(fleet.completed.has(job)).toBe(true);
    expect(fleet.revoked).toEqual([late.lease]);
    fleet.answerInVain(late);
  });

  it('may be first after all', () => {
    const { fleet, members } = fleetOf(2);
    const job = fleet.run(32, rootShard(32));
    fleet.nowMs += 16;
    fleet.answer(members[0]);
    fleet.pass(100);
    const [help] = fleet.leasesOf(members[0]);
    fleet.answer(members[1]);
    expect(fleet.completed.has(job)).toBe(true);
    expect(fleet.revoked).toEqual([help.lease]);
    fleet.answerInVain(help);
  });

  it('has its shard with the helper alone when it leaves, and the other way round', () => {
    for (const leaver of [0, 1]) {
      const { fleet, members } = fleetOf(2);
      const job = fleet.run(32, rootShard(32));
      fleet.nowMs += 16;
      fleet.answer(members[0]);
      fleet.pass(100);
      fleet.leave(members[leaver]);
      expect(slotsHeld(fleet, members[1 - leaver])).toBe(16);
      fleet.answer(members[1 - leaver]);
      expect(fleet.completed.has(job)).toBe(true);
    }
  });

  it('is helped even if it was never measured', () => {
    const fleet = new PaperFleet();
    const [quick, fresh] = [fleet.join(), fleet.join()];
    const job = fleet.run(2, rootShard(2));
    fleet.answer(quick);
    fleet.pass(2_000);
    expect(slotsHeld(fleet, fresh)).toBe(1);
    fleet.answer(quick);
    expect(fleet.completed.has(job)).toBe(true);
  });

  it('is not helped while everyone is on time', () => {
    const { fleet, members } = fleetOf(2);
    fleet.run(32, rootShard(32));
    fleet.nowMs += 16;
    fleet.answer(members[0]);
    fleet.tick(10);
    expect(fleet.leasesOf(members[0])).toEqual([]);
  });

  it('gets less from then on, although others finished its shards', () => {
    const { fleet, members } = fleetOf(2);
    const speeds = new Map([
      [members[0], 10],
      [members[1], 10],
    ]);
    for (let i = 0; i < 30; i++) step(fleet, 32, speeds);
    // From now on, the second member takes ten times as long. A step ends when the first one has helped out.
    for (let i = 0; i < 12; i++) {
      const job = fleet.run(32, rootShard(32));
      const endMs = fleet.nowMs + 10 * slotsHeld(fleet, members[0]);
      const slowMs = fleet.nowMs + 100 * slotsHeld(fleet, members[1]);
      // Copies of the first one's shards, which it may get as well, would take it longer than the step.
      const own = new Set(fleet.leasesOf(members[1]));
      while (!fleet.completed.has(job)) {
        fleet.pass(10);
        if (fleet.nowMs >= endMs) while (fleet.leasesOf(members[0]).length > 0) fleet.answer(members[0]);
        if (fleet.nowMs >= slowMs) while (own.has(fleet.leasesOf(members[1])[0])) fleet.answer(members[1]);
      }
    }
    fleet.run(32, rootShard(32));
    expect(slotsHeld(fleet, members[1])).toBeLessThanOrEqual(8);
    expect(fleet.dropped).toEqual([]);
  });
});

describe('with nobody left', () => {
  it('says once that it is stranded, and once that somebody came', () => {
    const { fleet, members } = fleetOf(1);
    const job = fleet.run(8, rootShard(8));
    fleet.leave(members[0]);
    fleet.pass(60_000);
    expect(fleet.said).toEqual(['stranded']);
    const next = fleet.join();
    fleet.join();
    expect(fleet.said).toEqual(['stranded', 'manned']);
    for (let i = 0; i < 8; i++) fleet.answer(next);
    expect(fleet.completed.has(job)).toBe(true);
  });

  it('says nothing while there is nothing to do', () => {
    const { fleet, members } = fleetOf(1);
    fleet.leave(members[0]);
    fleet.tick(100);
    fleet.join();
    expect(fleet.said).toEqual([]);
  });

  it('does not say that somebody came when the work was called off', () => {
    const fleet = new PaperFleet();
    fleet.cancel(fleet.run(8, rootShard(8)));
    expect(fleet.said).toEqual(['stranded']);
  });
});

describe('results that come out of turn', () => {
  it('do not make a member look faster than any could be', () => {
    const { fleet, members } = fleetOf(1);
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 4; i++) fleet.run(8, rootShard(8));
      fleet.nowMs += 32;
      for (const at of [3, 1, 1, 0]) fleet.answer(members[0], at);
    }
    expect(stateOf(fleet, members[0]).costs.gradient.msPerSlot).toBeGreaterThan(0.1);
    expect(stateOf(fleet, members[0]).costs.gradient.msPerSlot).toBeLessThan(10);
  });

  it('do not renew the time of a lease that is never answered', () => {
    const { fleet, members } = fleetOf(1);
    fleet.run(1, rootShard(1));
    const [stuck] = fleet.leasesOf(members[0]);
    for (let i = 0; i < 30; i++) {
      fleet.run(1, rootShard(1));
      fleet.pass(100);
      if (fleet.leasesOf(members[0]).includes(stuck)) fleet.answer(members[0], 1);
    }
    expect(fleet.revoked).toContain(stuck.lease);
  });
});
