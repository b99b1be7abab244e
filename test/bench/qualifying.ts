/**
 * Finds the best contenders of a row in one short round, so that only these meet in the measured rounds.
 *
 * A row has more than twenty ways to run PyTorch, and which is the best changes from row to row. PyTorch's speed does
 * not depend on the values of the pixels, so one qualifying round is enough for both data sets.
 */
import { threadsOf } from './contenders.js';
import type { Context } from './context.js';
import type { SchedulingClass } from './processes.js';
import type { Row } from './rows.js';
import { sharingProcess, type Trial, trainTorch, tryTorch } from './torch.js';
import { flat, kindsFor, singleKinds, type TorchKind, tunedDdp, type Way, waysOf } from './torch-kinds.js';

/** The number of ways of PyTorch that go on to the measured rounds, in each class. */
const advancing = 2;
/** A trial has this many segments, and its figure is the median of them. */
const options = ['--segments', 3, '--seconds', 0.2];

/** Ways with several processes. They are tried in class `batch`, in which they are the fastest. */
const severalKinds: readonly TorchKind[] = [...tunedDdp, flat];

/** What the report says about it. */
export const qualified =
  `Before the measured rounds, every way to run PyTorch (plain, fused and compiled, 1 and 2 threads, several processes, for convolutions also with the channels last) is tried for ` +
  `a short time on each row. The best ${advancing} of each class go on.`;

export interface Field {
  /** The best ways of PyTorch in each class. */
  readonly ways: Readonly<Record<SchedulingClass, readonly Way[]>>;
  /** The number of threads with which `lockstep train` is the fastest. */
  readonly threads: number;
  /** The speeds of all trials, for the report. */
  readonly trials: Readonly<Record<SchedulingClass, readonly Trial[]>>;
}

export async function qualify(context: Context, row: Row): Promise<Field> {
  const single = await trySingle(context, row);
  const several = await trySeveral(context, row, 'batch', severalKinds);
  const trials = { other: single, batch: [...single, ...several] };
  const ways = { other: fastest(trials.other, advancing), batch: fastest(trials.batch, advancing) };
  return { ways, trials, threads: await threadsOf(context, row) };
}

/** The ways with the highest speeds, the fastest first. Pure. */
export function fastest(trials: readonly Trial[], count: number): Way[] {
  return trials
    .flatMap(({ way, rate }) => (typeof rate === 'number' ? [{ way, rate }] : []))
    .toSorted((a, b) => b.rate - a.rate)
    .slice(0, count)
    .map(({ way }) => way);
}

/**
 * Tries the ways with one process. They are as fast in either class, so one trial counts for both. A model that is too
 * large for one thread of Lockstep is too large for one thread of PyTorch, too.
 */
async function trySingle({ root, scratch, mnist: pixels, pythons, log }: Context, row: Row): Promise<Trial[]> {
  const trials: Trial[] = [];
  const kinds = kindsFor(row.network, singleKinds).filter(({ threads }) => row.threads.includes(threads));
  for (const group of sharingProcess(waysOf(pythons, kinds))) {
    const tried = await tryTorch({ root, scratch, row, pixels, scheduling: 'other', options }, group).catch(
      (error: unknown) => group.map((way) => ({ way, rate: reasonOf(error) })),
    );
    trials.push(...tried);
    for (const trial of tried) log(shown(trial));
  }
  return trials;
}

/** Tries ways with several processes, in this class. */
export async function trySeveral(
  { root, scratch, mnist: pixels, pythons, log }: Context,
  row: Row,
  scheduling: SchedulingClass,
  kinds: readonly TorchKind[],
): Promise<Trial[]> {
  const trials: Trial[] = [];
  for (const way of waysOf(pythons, kindsFor(row.network, kinds))) {
    const rate = await trainTorch({ root, scratch, row, pixels, scheduling, way, options }).then(
      ({ samplesPerSecond }) => samplesPerSecond,
      reasonOf,
    );
    trials.push({ way, rate });
    log(shown({ way, rate }));
  }
  return trials;
}

function shown({ way, rate }: Trial): string {
  return `  qualifying  ${way.name}: ${typeof rate === 'number' ? rate.toPrecision(4) : rate}`;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
