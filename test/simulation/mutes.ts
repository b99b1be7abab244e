/**
 * One honest worker among others that answer every ping, and return no results or not all of them. The honest one must make
 * its steps nearly as if it were alone, and those that return nothing must be dropped.
 */
import { limits } from '../../shared/limits.js';
import { protocolErrors } from '../../shared/protocol/errors.js';
import { Random } from '../../shared/random.js';
import { Cluster, type Site } from './cluster.js';
import { type Problem, pacedProblem } from './problem.js';
import type { Manner } from './worker.js';
import { check, World } from './world.js';

/** The longest time without a step, besides the time that the honest worker alone needs for one. */
const gapMsMax = 3_000;
/** The run may take this many times as long as with the honest worker alone, and the time to find out who is who. */
const timesMax = 2;
const findingOutMs = 10_000;
/** A worker that is there for this long and returns nothing must have been dropped. */
const droppedMs = limits.firstResultMsMax + 20_000;

/** What the others do: never return a result; stop after a while; leave out some; connect again and again. */
type Kind = 'mute' | 'soon mute' | 'forgetful' | 'cut' | 'new name';

const kinds: readonly Kind[] = ['mute', 'soon mute', 'forgetful', 'cut', 'new name'];

const site: Site = {
  line: { delayMs: 1, jitterMs: 1, bytesPerMs: 10_000, isDown: false },
  msPerSlot: 30,
  prepareMs: 100,
};

let problem: Problem | null = null;
let aloneMs: number | null = null;

/** Runs the fleet of a seed, and returns what it was. Throws `Violation` if the steps take too long. */
export async function tryMutes(seed: number): Promise<string> {
  const random = new Random(seed, 6);
  problem ??= pacedProblem(1_500);
  aloneMs ??= (await course(problem, seed, [])).at(-1) ?? 0;
  const count = 1 + random.below(24);
  const all = kinds.map((kind, i) => (seed % (kinds.length + 1) === i ? kind : null)).find((kind) => kind !== null);
  const chosen = Array.from({ length: count }, () => all ?? kinds[random.below(kinds.length)]);
  const what = `seed ${seed}: one honest worker and ${count} others, ${[...new Set(chosen)].join(', ')}`;
  const ends = await course(problem, seed, chosen);
  const gapMs = Math.max(...ends.map((ms, i) => ms - Math.max(0, ends[i - 1] ?? 0)));
  check(gapMs <= gapMsMax + aloneMs / problem.steps, `${what}: no step for ${gapMs.toFixed(0)} ms`);
  const tookMs = ends.at(-1) ?? 0;
  check(
    tookMs <= timesMax * aloneMs + findingOutMs,
    `${what}: ${tookMs.toFixed(0)} ms, alone ${aloneMs.toFixed(0)} ms`,
  );
  return `${what}: ${(tookMs / aloneMs).toFixed(2)} times as long as alone, no step for ${gapMs.toFixed(0)} ms`;
}

/** Runs the whole problem with an honest worker and others. Returns when the steps were over, after it was started. */
async function course(problem: Problem, seed: number, chosen: readonly Kind[]): Promise<readonly number[]> {
  const world = new World();
  const random = new Random(seed, 7);
  const cluster = new Cluster(world, problem, random);
  cluster.startCoordinator();
  for (const kind of chosen) join(cluster, kind, random, random.below(5_000));
  const joinedMs = random.below(8_000);
  world.at(joinedMs, () => void cluster.startWorker(site));
  await world.run(() => cluster.coordinator?.ended != null);
  const ends = cluster.coordinator?.stepEndsMs ?? [];
  check(ends.length === problem.steps, `a run made ${ends.length} steps of ${problem.steps}`);
  const dropped = cluster.tally.dropped[protocolErrors['no-progress'].sentence] ?? 0;
  const mutes = world.nowMs < droppedMs ? 0 : chosen.filter((kind) => kind === 'mute').length;
  check(dropped >= mutes, `${dropped} workers were dropped, and ${mutes} never return anything`);
  return ends.map((ms) => ms - joinedMs);
}

function join(cluster: Cluster, kind: Kind, random: Random, atMs: number): void {
  const { world } = cluster;
  const manner: Manner = kind === 'forgetful' ? 'forgetful' : 'mute';
  const msBetween = 500 + random.below(10_000);
  world.at(atMs, () => {
    const worker = cluster.startWorker(site);
    const misbehave = () => {
      worker.traits.manner = manner;
    };
    if (kind === 'soon mute') world.at(world.nowMs + msBetween, misbehave);
    else misbehave();
    if (kind === 'cut') again(cluster, msBetween, () => worker.cut());
    if (kind === 'new name') {
      world.at(world.nowMs + msBetween, () => {
        worker.kill(false);
        if (cluster.coordinator?.ended === null) join(cluster, kind, random, world.nowMs);
      });
    }
  });
}

function again(cluster: Cluster, periodMs: number, happen: () => void): void {
  const { world } = cluster;
  world.at(world.nowMs + periodMs, () => {
    if (cluster.coordinator?.ended !== null) return;
    happen();
    again(cluster, periodMs, happen);
  });
}
