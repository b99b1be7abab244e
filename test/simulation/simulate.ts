/** Simulates one course of a cluster: a seed determines the problem, the workers and the faults. Checks the outcome. */
import { Random } from '../../shared/random.js';
import { Cluster, type Site } from './cluster.js';
import type { Tally } from './coordinator.js';
import { between, type FaultKind, faultKinds, faults } from './faults.js';
import { drawnProblem, largeProblem, type Problem, runPath } from './problem.js';
import { check, Violation, World } from './world.js';

export interface Course {
  readonly seed: number;
  readonly traceHash: string;
  readonly weightsSha256: string;
  readonly events: number;
  readonly virtualMs: number;
  readonly members: number;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly tally: Tally;
}

/** Without faults, a step takes at most this time, even if a member is evicted, leases expire or a worker retries. */
const quietStepMsMax = 60_000;
/** After the end of the run, its connections must be gone within this time. */
const farewellMs = 20_000;

/** The course of a seed. */
interface Plan {
  readonly problem: Problem;
  readonly members: number;
  readonly stepMs: number;
  /** The slowest worker takes at most this many times as long as the fastest. */
  readonly spread: number;
  readonly faults: readonly { readonly atMs: number; readonly kind: FaultKind }[];
  readonly quietFromMs: number;
}

/** Runs one course. Throws `Violation`, with the command that runs it again. */
export async function simulate(seed: number, print: ((line: string) => void) | null = null): Promise<Course> {
  const world = new World(print);
  try {
    return await follow(seed, world);
  } catch (error) {
    const what = error instanceof Violation ? error.message : ((error as Error).stack ?? String(error));
    const where = `seed ${seed}, after ${world.events} events, at ${world.nowMs.toFixed(0)} ms`;
    throw new Violation(`${where}: ${what}\nTo see it again: npm run sim -- --seed ${seed} --verbose`);
  }
}

async function follow(seed: number, world: World): Promise<Course> {
  const random = new Random(seed);
  const plan = planOf(seed);
  const task = plan.problem;
  const cluster = new Cluster(world, task, new Random(seed, 2));
  const newSite = () => siteOf(plan, task.setup.slots, random);
  world.note(`seed ${seed}: ${plan.members} workers, ${plan.faults.length} faults, ${JSON.stringify(task.request)}`);
  cluster.startCoordinator();
  for (let i = 0; i < plan.members; i++) cluster.startWorker(newSite());
  const injected: Partial<Record<FaultKind, number>> = {};
  for (const { atMs, kind } of plan.faults) {
    world.at(atMs, () => {
      if (cluster.coordinator?.ended !== null) return;
      world.note(`fault: ${kind}`);
      injected[kind] = (injected[kind] ?? 0) + 1;
      return faults[kind]({ cluster, random, newSite });
    });
  }
  world.at(plan.quietFromMs, () => {
    world.note('quiet from here on');
    cluster.heal(siteOf({ ...plan, spread: 1 }, task.setup.slots, random));
    watchProgress(cluster);
  });
  await world.run(() => cluster.coordinator?.ended != null);
  const virtualMs = world.nowMs;
  await world.run(() => world.nowMs > virtualMs + farewellMs);
  checkEnd(cluster);
  return {
    seed,
    traceHash: world.traceHash(),
    weightsSha256: task.hashes[task.steps],
    events: world.events,
    virtualMs,
    members: plan.members,
    faults: injected,
    tally: cluster.tally,
  };
}

/** A seed has only a few kinds of faults. Otherwise one fault would often hide the effect of another. */
function planOf(seed: number): Plan {
  const random = new Random(seed, 1);
  const problem = problemOf(seed, random);
  const members = random.below(20) === 0 ? 16 + random.below(49) : 1 + random.below(6);
  const stepMs = between(random, 50, 500);
  const spread = random.below(2) === 0 ? 1.5 : 50;
  const horizonMs = 1.5 * problem.steps * stepMs + 2_000;
  const kinds = faultKinds.filter(() => random.below(3) === 0);
  const count = kinds.length === 0 ? 0 : random.below(12);
  const planned = Array.from({ length: count }, () => ({
    atMs: horizonMs * random.uniform(),
    kind: kinds[random.below(kinds.length)],
  }));
  return { problem, members, stepMs, spread, faults: planned, quietFromMs: horizonMs };
}

/** One course in eight has the large model, and the others have a run of their own. */
function problemOf(seed: number, random: Random): Problem {
  return random.below(8) === 0 ? largeProblem() : drawnProblem(seed);
}

/** With these sites, a step takes about `stepMs` while all workers take part. */
function siteOf({ stepMs, spread, members }: Plan, slots: number, random: Random): Site {
  const msPerSlot = ((stepMs * Math.min(members, slots)) / slots) * between(random, 1, spread);
  const line = {
    delayMs: between(random, 0.05, 30),
    jitterMs: between(random, 0.05, 30),
    bytesPerMs: between(random, 1_000, 100_000),
    isDown: false,
  };
  return { line, msPerSlot, prepareMs: between(random, 5, 2_000) };
}

function watchProgress(cluster: Cluster): void {
  const { world } = cluster;
  let seen = -1;
  const look = () => {
    const { coordinator } = cluster;
    if (coordinator === null || coordinator.ended !== null) return;
    check(coordinator.lastStep !== seen, `no step for ${quietStepMsMax} ms after step ${seen}, though all is well`);
    seen = coordinator.lastStep;
    world.at(world.nowMs + quietStepMsMax, look);
  };
  look();
}

function checkEnd(cluster: Cluster): void {
  const { coordinator, problem, disk, workers } = cluster;
  const { steps } = problem;
  check(coordinator?.ended === 'epochs', `the run ends with ${coordinator?.ended}`);
  const { connections } = coordinator;
  check(connections === 0, `${connections} connections are left after the end`);
  for (const { outcome, process, hasMisbehaved } of workers) {
    check(outcome?.ok !== false || hasMisbehaved, `${process.name} ended with: ${outcome?.message}`);
  }
  const text = Buffer.from(disk.content(`${runPath}/metrics.jsonl`) ?? []).toString();
  const recorded = text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).step);
  check(
    recorded.join() === Array.from({ length: steps }, (_, i) => i + 1).join(),
    `the metrics have steps ${recorded}`,
  );
  checkResult(cluster, text);
}

/** The run has ended with the weights that it was to keep, and they were evaluated on the test set. */
function checkResult({ problem, disk, tally }: Cluster, metrics: string): void {
  const { steps, hashes, setup } = problem;
  const lines = metrics.trimEnd().split('\n');
  const evaluated = lines
    .map((line) => JSON.parse(line))
    .map(({ step, testLoss, validationLoss }) => ({ step, loss: validationLoss ?? testLoss }))
    .filter(({ loss }) => loss !== undefined);
  const best = evaluated.reduce((a, b) => (b.loss < a.loss ? b : a));
  const isBest = setup.plan.keep === 'best' && tally.bestLost === 0;
  const kept = isBest ? best.step : steps;
  const summary = JSON.parse(Buffer.from(disk.content(`${runPath}/summary.json`) ?? []).toString());
  const { weightsStep, weightsSha256, testLoss } = summary;
  check(
    tally.bestLost > 0 || weightsStep === kept,
    `the run ends with the weights of step ${weightsStep}, not ${kept}`,
  );
  check(weightsSha256 === hashes[weightsStep], `the summary has not the hash of the weights after step ${weightsStep}`);
  check(Number.isFinite(testLoss), 'the run ends without an evaluation of the test set');
}
