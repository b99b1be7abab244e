/**
 * How long the steps of a whole simulated fleet take, and of its first members alone. Nothing goes wrong here: the
 * network and the processors only take their time.
 */
import { Random } from '../../shared/random.js';
import { Cluster, type Site } from './cluster.js';
import { between } from './faults.js';
import { type Problem, pacedProblem, pacedSteps } from './problem.js';
import { check, World } from './world.js';

/** A fleet must not be slower than the best of its smaller fleets by more than this. */
const slowerMax = 1.05;

const megabit = 125;

type Mix = 'equal' | 'one slow' | 'slow links' | 'any';

const mixes: readonly Mix[] = ['equal', 'one slow', 'slow links', 'any'];

export interface Paces {
  readonly what: string;
  /** The mean time of a step with the first 1, 2, 4 … members, and with all. */
  readonly times: readonly { readonly members: number; readonly ms: number }[];
}

/** Measures the fleet of a seed. Throws `Violation` if it is slower than a smaller one. */
export async function comparePaces(seed: number): Promise<Paces> {
  const random = new Random(seed, 4);
  const problem = problemOf(random.below(2));
  const sharedMbps = [20, 100, 1000][random.below(3)];
  const mix = mixes[random.below(mixes.length)];
  const sites = sitesOf(mix, 2 + random.below(7), random);
  const what = `seed ${seed}: ${sites.length} workers, ${mix}, ${sharedMbps} Mbit/s shared, ${problem.setup.slots} slots`;
  const times: { members: number; ms: number }[] = [];
  for (let members = 1; ; members = Math.min(2 * members, sites.length)) {
    times.push({ members, ms: await meanMs(problem, sites.slice(0, members), sharedMbps * megabit, seed) });
    if (members === sites.length) break;
  }
  const all = times[times.length - 1].ms;
  const best = Math.min(...times.map(({ ms }) => ms));
  const text = times.map(({ members, ms }) => `${members}: ${ms.toFixed(1)} ms`).join(', ');
  check(all <= slowerMax * best, `${what}: the whole fleet is slower than a smaller one: ${text}`);
  return { what, times };
}

const problems: Problem[] = [];

function problemOf(which: number): Problem {
  problems[which] ??= pacedProblem([13_000, 50_000][which]);
  return problems[which];
}

function sitesOf(mix: Mix, count: number, random: Random): Site[] {
  const msPerSlot = between(random, 0.5, 20);
  const line = { delayMs: between(random, 0.05, 10), jitterMs: 0.05, bytesPerMs: 1000 * megabit, isDown: false };
  const plain = { line, msPerSlot, msPerShard: between(random, 0.1, 2), prepareMs: 5 };
  return Array.from({ length: count }, (_, i): Site => {
    const slowLine = { ...line, bytesPerMs: between(random, 2, 100) * megabit };
    if (mix === 'one slow' && i === 1) return { ...plain, msPerSlot: msPerSlot * between(random, 2, 50) };
    if (mix === 'slow links' && i % 2 === 1) return { ...plain, line: slowLine };
    if (mix === 'any') return { ...plain, line: slowLine, msPerSlot: msPerSlot * between(random, 1, 20) };
    return plain;
  });
}

/** The mean time of the steps of the last epoch. By then, every worker has its samples, and the fleet its crew. */
async function meanMs(problem: Problem, sites: readonly Site[], bytesPerMs: number, seed: number): Promise<number> {
  const world = new World();
  const cluster = new Cluster(world, problem, new Random(seed, 5), bytesPerMs);
  cluster.startCoordinator();
  for (const site of sites) cluster.startWorker(site);
  await world.run(() => cluster.coordinator?.ended != null);
  const ends = cluster.coordinator?.stepEndsMs ?? [];
  check(ends.length === problem.steps, `a quiet run made ${ends.length} steps of ${problem.steps}`);
  const last = ends.slice(-pacedSteps);
  return (last[last.length - 1] - last[0]) / (last.length - 1);
}
