/** The contenders of the contests in training speed: Lockstep and PyTorch. */
import { join } from 'node:path';
import type { Contender } from './contest.js';
import { type Context, readable } from './context.js';
import type { Pixels } from './dataset.js';
import { endless, throughput, trainingCommand, type Workers, warmUpSeconds } from './lockstep.js';
import type { SchedulingClass } from './processes.js';
import type { Row } from './rows.js';
import { type TorchKind, torchCommand, trainTorch, unavailable } from './torch.js';

/** PyTorch's measurement has this many parts. Its figure is the median of them. */
const segments = 3;

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

/** Makes a contender of each kind that can run on this machine. */
export function torch(
  context: Context,
  row: Row,
  pixels: Pixels,
  scheduling: SchedulingClass,
  kinds: readonly TorchKind[],
): Contender[] {
  const { python, root, seconds } = context;
  if (python === null) return [];
  const options = ['--segments', segments, '--seconds', seconds / 5];
  return kinds
    .filter((kind) => unavailable(kind) === null)
    .map((kind) => {
      const training = { python, root, row, pixels, scheduling, kind, options };
      const command = readable(torchCommand(training), context);
      const measure = async () => (await trainTorch(training)).samplesPerSecond;
      return { name: kind.name, side: 'peer', scheduling, command, measure };
    });
}
