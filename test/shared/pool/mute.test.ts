/** Members that answer every ping and return no results, or not all of them, must not hold a run up. */
import { describe, expect, it } from 'vitest';
import { limits } from '../../../shared/limits.js';
import { patience } from '../../../shared/pool/member.js';
import { TimedFleet, type TimedMember, type TimedRun } from './timed-fleet.js';

const run: TimedRun = {
  slots: 8,
  modelBytes: 400_000,
  samplesBytes: 3136,
  stepsPerEpoch: 200,
  bytesPerMs: 125_000,
  seed: 1,
};
const honest: TimedMember = { slotMs: 10, wireMs: 0.5, delayMs: 1, bytesPerMs: 125_000 };
const mute: TimedMember = { ...honest, returns: () => false };
/** No step takes longer, and there are this many times as many steps as with the honest member alone. */
const gapMsMax = 3_000;
const fractionMin = 0.5;
const endMs = 40_000;

/** Runs steps for a while. `people` has them join, and go, as they like. */
function trained(people: (fleet: TimedFleet) => void, untilMs = endMs): TimedFleet {
  const fleet = new TimedFleet(run);
  people(fleet);
  fleet.train(Number.POSITIVE_INFINITY, untilMs);
  return fleet;
}

function longestGapMs(ends: readonly number[], untilMs = endMs): number {
  return Math.max(...[...ends, untilMs].map((ms, i) => ms - (i === 0 ? 0 : ends[i - 1])));
}

function expectSteps(fleet: TimedFleet, slotMs = honest.slotMs): void {
  const alone = trained((other) => other.join({ ...honest, slotMs }));
  expect(longestGapMs(fleet.ends)).toBeLessThan(gapMsMax);
  expect(fleet.ends.length).toBeGreaterThan(fractionMin * alone.ends.length);
}

/** Joins again a second after it was dropped, or a while after it has joined. It has another number each time. */
function joinAgainAndAgain(fleet: TimedFleet, traits: TimedMember, staysMs: number): void {
  const member = fleet.join(traits);
  const look = () => {
    const isGone = fleet.dropped.some((drop) => drop.member === member);
    if (!isGone) fleet.leave(member);
    fleet.events.after(isGone ? 1_000 : 0, () => joinAgainAndAgain(fleet, traits, staysMs));
  };
  fleet.events.after(staysMs, look);
}

describe.each([1, 10, 60])('one member that takes %i ms for a slot, and others that return nothing', (slotMs) => {
  const counts = [1, 5, 20, 100];

  it.each(counts)('it joins before %i of them', (count) => {
    const fleet = trained((fleet) => {
      fleet.join({ ...honest, slotMs });
      for (let i = 0; i < count; i++) fleet.join(mute);
    });
    expectSteps(fleet, slotMs);
  });

  it.each(counts)('it joins after %i of them', (count) => {
    const fleet = trained((fleet) => {
      for (let i = 0; i < count; i++) fleet.join(mute);
      fleet.join({ ...honest, slotMs });
    });
    expectSteps(fleet, slotMs);
  });

  it.each(counts)('it joins when %i of them have had all the work for 20 seconds', (count) => {
    const joinedMs = 20_000;
    const fleet = trained((fleet) => {
      for (let i = 0; i < count; i++) fleet.join(mute);
      fleet.events.after(joinedMs, () => fleet.join({ ...honest, slotMs }));
    });
    expect(fleet.ends[0] - joinedMs).toBeLessThan(gapMsMax);
    expect(
      longestGapMs(
        fleet.ends.slice(1).map((ms) => ms - fleet.ends[0]),
        endMs - fleet.ends[0],
      ),
    ).toBeLessThan(gapMsMax);
  });
});

describe('a member that returns nothing', () => {
  it('is dropped, and the reason says so', () => {
    const count = 20;
    const lastMs = limits.firstResultMsMax + (count / patience.probesMax + 3) * 1_000;
    const fleet = trained((fleet) => {
      fleet.join(honest);
      for (let i = 0; i < count; i++) fleet.join(mute);
    }, lastMs);
    expect(fleet.dropped.map(({ member }) => member).sort((a, b) => a - b)).toEqual(
      Array.from({ length: count }, (_, i) => i + 2),
    );
    expect(new Set(fleet.dropped.map(({ reason }) => reason))).toEqual(new Set(['mute']));
  });

  it('gets nothing that the run needs when it comes back', () => {
    const returned: number[] = [];
    const fleet = trained((fleet) => {
      fleet.join(honest);
      fleet.join(mute);
      const look = () => {
        if (fleet.dropped.length > returned.length) returned.push(fleet.join(mute));
        fleet.events.after(500, look);
      };
      look();
    }, 3 * limits.firstResultMsMax);
    expect(returned.length).toBe(2);
    expect(returned.map((member) => fleet.given.get(member))).toEqual([undefined, undefined]);
    expect(longestGapMs(fleet.ends, 3 * limits.firstResultMsMax)).toBeLessThan(gapMsMax);
  });

  it.each([100, 700, 5_000])('does not hold a run up by leaving and joining every %i ms', (staysMs) => {
    const fleet = trained((fleet) => {
      for (let i = 0; i < 10; i++) joinAgainAndAgain(fleet, mute, staysMs);
      fleet.join(honest);
    });
    expectSteps(fleet);
  });

  it.each([1, 2, 5, 50])('does not hold a run up by returning %i results before', (results) => {
    const untilMs = 2 * (patience.fruitlessMs + limits.firstResultMsMax);
    const fleet = trained((fleet) => {
      fleet.join(honest);
      for (let i = 0; i < 5; i++) fleet.join({ ...honest, returns: (nth) => nth <= results });
    }, untilMs);
    expect(longestGapMs(fleet.ends, untilMs)).toBeLessThan(gapMsMax);
    const alone = trained((other) => other.join(honest), untilMs);
    expect(fleet.ends.length).toBeGreaterThan(fractionMin * alone.ends.length);
  });
});

describe('a member that returns some results', () => {
  it.each([2, 3, 10])('does not hold a run up by leaving out each result %i', (every) => {
    const fleet = trained((fleet) => {
      fleet.join(honest);
      for (let i = 0; i < 5; i++) fleet.join({ ...honest, returns: (nth) => nth % every > 0 });
    });
    expectSteps(fleet);
  });

  it('is not dropped when it needs 20 seconds for a slot, and does not hold a run up', () => {
    const untilMs = 240_000;
    const fleet = trained((fleet) => {
      fleet.join({ ...honest, slotMs: 20_000 });
      fleet.join(honest);
    }, untilMs);
    expect(fleet.dropped).toEqual([]);
    expect(longestGapMs(fleet.ends, untilMs)).toBeLessThan(gapMsMax);
  });
});

it('a member that joins later shows what it can do first, and then has its part', () => {
  const fleet = new TimedFleet(run);
  fleet.join(honest);
  fleet.train(50);
  const second = fleet.join(honest);
  const before = fleet.events.nowMs;
  expect(fleet.given.get(second)).toBeUndefined();
  fleet.train(Number.POSITIVE_INFINITY, before + 10_000);
  expect(fleet.given.get(second)).toBeGreaterThan(10);
  expect(fleet.meanMs(before + 5_000)).toBeLessThan(0.7 * run.slots * honest.slotMs);
});
