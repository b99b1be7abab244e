/** Trains one run on several engines together, and compares it with the same run on one worker. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { compareRuns } from '../chaos/compare.js';
import { Program } from '../chaos/program.js';
import { writeDigits } from '../digits-directory.js';

/** A run that takes longer hangs. For example, it waits for an engine that was refused. */
const hangsMs = 120_000;

/** An engine that can take part. */
export interface Participant {
  /** The name under which the coordinator lists it. */
  readonly name: string;
  /** Joins the coordinator on this port. Resolves with a function that ends the participant. */
  join(port: number): Promise<() => Promise<unknown>>;
}

/** The options that decide the weights: of ordinary steps, and of rounds whose numbers travel in few bits. */
export const sharedRuns = {
  'one run': ['--batch', 256, '--max-steps', 400, '--eval-every', 50],
  'one run of rounds': [
    ...['--local-steps', 4, '--replicas', 8, '--micro-batch', 8, '--wire-bits', 4],
    ...['--max-steps', 200, '--eval-every', 25],
  ],
} as const;
/** More than the steps need. */
const epochs = ['--epochs', 10_000];

export interface Trained {
  /** The weights hash of the common run, which is also that of the run on one worker. */
  readonly weightsSha256: string;
  readonly workers: ReadonlyMap<string, WorkerState>;
}

/**
 * Trains in `directory`, with all participants from the first step on. Throws if a step differs from that of one
 * worker, or if a participant has computed no shard.
 */
export async function trainTogether(
  participants: readonly Participant[],
  run: keyof typeof sharedRuns,
  directory: string,
): Promise<Trained> {
  const settings = [...sharedRuns[run], ...epochs];
  const data = writeDigits(join(directory, 'data'), { train: 2000, test: 300 });
  const [together, alone] = [join(directory, 'together'), join(directory, 'alone')];
  await success(new Program('one worker', ['train', '--workers', 1, '--data', data, '--out', alone, ...settings]));
  const fleet = ['--threads', 0, '--port', 0, '--min-workers', participants.length];
  const coordinator = new Program('the coordinator', [
    ...['coordinator', '--data', data, '--out', together],
    ...fleet,
    ...settings,
  ]);
  const { port } = await coordinator.logs(({ msg }) => msg.startsWith('waiting'));
  const leave: (() => Promise<unknown>)[] = [];
  try {
    const watched = watchWorkers(Number(port));
    for (const participant of participants) leave.push(await participant.join(Number(port)));
    await success(coordinator);
    const workers = await watched;
    const idle = participants.filter(({ name }) => !workers.get(name)?.shards);
    if (idle.length > 0) throw new Error(`computed nothing: ${idle.map(({ name }) => name).join(', ')}`);
    return { weightsSha256: await compareRuns(together, alone), workers };
  } finally {
    for (const end of leave) await end();
  }
}

async function success(program: Program): Promise<void> {
  const ended = await Promise.race([program.ended, delay(hangsMs, null, { ref: false })]);
  if (ended === null) throw new Error(`${program.name} is not done after ${hangsMs / 1000} s`);
  if (ended.code !== 0) throw new Error(program.describe(ended));
}

interface WorkerState {
  readonly name: string;
  /** At least so many of its shards went into the weights. */
  readonly shards: number;
  readonly kernels: string;
}

interface State {
  readonly workers: readonly WorkerState[];
}

/** Watches the coordinator until it ends. Resolves with the last known state of each worker. */
async function watchWorkers(port: number): Promise<Map<string, WorkerState>> {
  const workers = new Map<string, WorkerState>();
  for (;;) {
    const state = await stateOf(port).catch(() => null);
    if (state === null) return workers;
    for (const worker of state.workers) workers.set(worker.name, worker);
    await delay(20);
  }
}

async function stateOf(port: number): Promise<State> {
  const response = await fetch(`http://127.0.0.1:${port}/api/state`);
  return response.json() as Promise<State>;
}
