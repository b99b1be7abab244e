/** Simulates hundreds of courses of a cluster, and checks that a seed always gives the same course. */
import { expect, test } from 'vitest';
import { everyKind, kindsIn } from '../kinds/kinds.js';
import { tryMutes } from './mutes.js';
import { comparePaces } from './paces.js';
import { drawnRequest } from './problem.js';
import { simulate } from './simulate.js';

const safety = { timeout: 300_000 };
const seeds = 300;
const groups = 10;

test.each(Array.from({ length: groups }, (_, group) => group))('nothing is lost: courses %i', safety, async (group) => {
  // If a course goes wrong, `simulate` throws an error that has the command to repeat the course.
  for (let seed = group + 1; seed <= seeds; seed += groups) await simulate(seed);
});

test.each([1, 2, 3, 4])('no worker makes the steps longer: fleet %i', safety, async (seed) => {
  // The tests of the pool compare many more fleets, without weights (crew.test.ts).
  await comparePaces(seed);
});

test.each([1, 2, 3, 4, 5, 6])('workers that return nothing hold nobody up: fleet %i', safety, async (seed) => {
  await tryMutes(seed);
});

test('the courses leave out no layer, optimizer, schedule or augmentation, and no setting of them', () => {
  const chosen = new Set(Array.from({ length: seeds }, (_, i) => [...kindsIn(drawnRequest(i + 1))]).flat());
  expect(everyKind.filter((kind) => !chosen.has(kind))).toEqual([]);
});

test('the same seed is the same course', safety, async () => {
  for (const seed of [3, 22, 51]) {
    const first = await simulate(seed);
    expect(await simulate(seed)).toEqual(first);
  }
});

test('different seeds are different courses', safety, async () => {
  const traces = [];
  for (const seed of [1, 2, 3]) traces.push((await simulate(seed)).traceHash);
  expect(new Set(traces).size).toBe(3);
});
