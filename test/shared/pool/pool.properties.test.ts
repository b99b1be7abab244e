import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { halves, rootShard, type Shard } from '../../../shared/pool/tree.js';
import { Random } from '../../../shared/random.js';
import { formula, PaperFleet } from './model.js';

describe('the pool, whatever happens', () => {
  /** A random node of the tree. */
  const nodeOf = (slots: number, random: Random): Shard => {
    let node = rootShard(slots);
    while (node.size > 1 && random.below(3) === 0) node = halves(node, slots)[random.below(2)];
    return node;
  };

  const pick = <T>(items: readonly T[], random: Random): T | undefined =>
    items[random.below(Math.max(1, items.length))];

  /** The possible events, each with its relative frequency. */
  const happenings: readonly [weight: number, (fleet: PaperFleet, random: Random) => void][] = [
    [3, (fleet, random) => void (fleet.members.size < 20 && fleet.join(random.below(4) > 0))],
    [2, (fleet, random) => fleet.leave(pick([...fleet.members.keys()], random) ?? 0)],
    [3, (fleet, random) => newJob(fleet, random)],
    [16, (fleet, random) => answer(fleet, random, () => 0)],
    [4, (fleet, random) => answer(fleet, random, (held) => random.below(held))],
    [3, (fleet, random) => answerInVain(fleet, random, fleet.lapsed)],
    [1, (fleet, random) => answerInVain(fleet, random, fleet.answered)],
    [8, (fleet, random) => fleet.tick(1 + random.below(300))],
    [3, (fleet) => fleet.pass(2_500)],
    [1, (fleet) => fleet.pass(3_000, [])],
    [1, (fleet, random) => fleet.tick(1_000 + random.below(40_000))],
    [6, (fleet, random) => fleet.heard(pick([...fleet.members.keys()], random) ?? 0)],
    [1, (fleet, random) => fleet.cancel(pick(fleet.unfinished, random) ?? 0)],
  ];

  function newJob(fleet: PaperFleet, random: Random): void {
    if (fleet.unfinished.length >= 3) return;
    const slots = 1 + random.below(70);
    fleet.run(slots, nodeOf(slots, random), [undefined, 1, 3, 16][random.below(4)]);
  }

  function answer(fleet: PaperFleet, random: Random, which: (held: number) => number): void {
    const busy = [...fleet.members.keys()].filter((member) => fleet.leasesOf(member).length > 0);
    const member = pick(busy, random);
    if (member === undefined) return;
    fleet.nowMs += random.below(20);
    fleet.answer(member, which(fleet.leasesOf(member).length));
  }

  function answerInVain(fleet: PaperFleet, random: Random, from: PaperFleet['lapsed']): void {
    const handed = pick(from, random);
    if (handed !== undefined) fleet.answerInVain(handed);
  }

  function happen(fleet: PaperFleet, random: Random): void {
    let at = random.below(happenings.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, act] of happenings) {
      if (at < weight) return act(fleet, random);
      at -= weight;
    }
  }

  /** Number of rounds until all jobs are done. Every member answers one lease a round, and nothing goes wrong. */
  function roundsToFinish(fleet: PaperFleet): number {
    if (fleet.members.size === 0) fleet.join();
    let rounds = 0;
    for (; fleet.unfinished.length > 0 && rounds < 1_000; rounds++) {
      for (const member of [...fleet.members.keys()]) {
        fleet.heard(member);
        fleet.answer(member);
      }
      fleet.tick(100);
    }
    return rounds;
  }

  it('loses no slot, counts none twice, follows the tree, and finishes once faults stop', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.integer({ min: 20, max: 250 }), (seed, events) => {
        const random = new Random(seed);
        const fleet = new PaperFleet();
        for (let i = 0; i < events; i++) happen(fleet, random);
        expect(roundsToFinish(fleet)).toBeLessThan(250);
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it('does so with more shards than its members may hold at a time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
        const random = new Random(seed);
        const fleet = new PaperFleet();
        const members = Array.from({ length: 1 + random.below(3) }, () => fleet.join());
        for (let i = 0; i < 66; i++) fleet.run(69, nodeOf(69, random));
        for (const job of fleet.unfinished) if (random.below(3) === 0) fleet.cancel(job);
        if (random.below(2) === 0) fleet.leave(members[0]);
        expect(roundsToFinish(fleet)).toBeLessThan(1_000);
      }),
      { numRuns: 5 },
    );
  }, 60_000);
});

describe('the symbolic sum of the tests', () => {
  it('has the shape of the definition', () => {
    expect(formula(0, 8, 5)).toBe('(((0+1)+(2+3))+4)');
  });
});
