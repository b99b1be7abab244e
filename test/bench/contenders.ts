/** The contenders of the contests in training speed: Lockstep and PyTorch. */
import { join } from 'node:path';
import type { Contender } from './contest.js';
import { type Context, readable } from './context.js';
import type { Pixels } from './dataset.js';
import { endless, throughput, trainingCommand, type Workers, warmUpSeconds } from './lockstep.js';
import type { SchedulingClass } from './processes.js';
import type { Row } from './rows.js';
import { best } from './statistics.js';
import { torchCommand, trainTorch } from './torch.js';
import type { Way } from './torch-kinds.js';

/** PyTorch's measurement has this many parts. Its figure is the median of them. */
const segments = 3;
/** Length of the measurements that choose the number of threads, after the warm-up, and how many there are for each. */
const qualifyingSeconds = 2;
const qualifyingTurns = 3;

export function ours(
  context: Context,
  row: Row,
  pixels: Pixels,
  scheduling: SchedulingClass,
  workers: Workers,
): Contender {
  const training = { row, pixels, scheduling, scratch: context.scratch };
  const shown = trainingCommand({ ...training, options: [...endless] }, workers, join(context.scratch, 'run'));
  return {
    name: describe(workers),
    side: 'ours',
    scheduling,
    command: `${readable(shown, context)}   # Ctrl-C after ${warmUpSeconds + context.seconds} s`,
    measure: () => throughput(training, workers, context.seconds),
  };
}

function describe(workers: Workers): string {
  if ('threads' in workers) return `lockstep train, ${count(workers.threads, 'thread')}`;
  const { processes } = workers;
  return `lockstep, ${count(processes.length, 'worker')} of ${count(processes[0], 'thread')} over sockets`;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

const threadsFound = new Map<string, Promise<number>>();

/** The number of threads with which `lockstep train` is the fastest. It is measured once for each row. */
export function threadsOf(context: Context, row: Row): Promise<number> {
  const found = threadsFound.get(row.name) ?? measureThreads(context, row);
  threadsFound.set(row.name, found);
  return found;
}

async function measureThreads(context: Context, row: Row): Promise<number> {
  if (row.threads.length === 1) return row.threads[0];
  const tried = row.threads.map((threads) => ({ threads, values: [] as number[] }));
  // In turns, because a neighbour of this machine may slow it down for a while.
  for (let turn = 0; turn < qualifyingTurns; turn++) {
    for (const { threads, values } of tried) {
      const training = { row, pixels: context.mnist, scheduling: 'other', scratch: context.scratch } as const;
      const rate = await throughput(training, { threads }, qualifyingSeconds);
      context.log(`  qualifying  lockstep train, ${count(threads, 'thread')}: ${rate.toPrecision(4)}`);
      values.push(rate);
    }
  }
  return best(tried)?.threads ?? row.threads[0];
}

/** Makes a contender of each way to run PyTorch. */
export function torch(
  context: Context,
  row: Row,
  pixels: Pixels,
  scheduling: SchedulingClass,
  ways: readonly Way[],
): Contender[] {
  const { root, scratch, seconds } = context;
  const options = ['--segments', segments, '--seconds', seconds / 5];
  return ways.map((way) => {
    const training = { root, scratch, row, pixels, scheduling, way, options };
    const command = readable(torchCommand(training), context);
    const measure = async () => (await trainTorch(training)).samplesPerSecond;
    return { name: way.name, side: 'peer', scheduling, command, measure };
  });
}
