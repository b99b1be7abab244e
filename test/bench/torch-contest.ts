/** Holds the contests in training speed of Lockstep against PyTorch, and makes their tables and targets. */
import { ours, torch } from './contenders.js';
import { type Comparison, compare, hold, type Outcome, strictest } from './contest.js';
import type { Context } from './context.js';
import type { Pixels } from './dataset.js';
import type { Findings } from './findings.js';
import type { SchedulingClass } from './processes.js';
import type { Field } from './qualifying.js';
import type { Row } from './rows.js';
import { median, summarise } from './statistics.js';
import { ranged, thousands, times } from './table.js';
import type { Way } from './torch-kinds.js';

const classes = ['other', 'batch'] as const;
export type Ways = Readonly<Record<SchedulingClass, readonly Way[]>>;

export const contestColumns = [
  'model, batch',
  'class',
  'lockstep train',
  'threads',
  'micro-batch',
  'best PyTorch',
  'which',
  'ratio',
  'per round',
];
export const trialColumns = ['model, batch', 'way', 'samples/s'];

/** Measures Lockstep and these ways of PyTorch. A class without ways is left out, unless there is no PyTorch at all. */
export async function meet(
  context: Context,
  findings: Findings,
  row: Row,
  pixels: Pixels,
  threads: number,
  ways: Ways,
): Promise<Outcome[]> {
  const subject = `${row.name}, ${pixels.name}`;
  context.log(subject);
  const contenders = classes
    .filter((scheduling) => ways[scheduling].length > 0 || context.pythons.length === 0)
    .flatMap((scheduling) => [
      ours(context, row, pixels, scheduling, { threads }),
      ...torch(context, row, pixels, scheduling, ways[scheduling]),
    ]);
  const outcomes = await hold(contenders, context.rounds, context.log);
  findings.contest(subject, outcomes);
  return outcomes;
}

/** The comparison of the class with the lower ratio. */
export function claimed(outcomes: readonly Outcome[]): Comparison | undefined {
  return strictest(classes.map((scheduling) => compare(outcomes, scheduling)));
}

export function trialLines({ name }: Row, trials: Field['trials']): string[][] {
  // The ways with one process are in both classes.
  const all = new Map([...trials.other, ...trials.batch].map(({ way, rate }) => [way.name, rate]));
  return [...all].map(([way, rate]) => [name, way, typeof rate === 'number' ? thousands(rate) : rate.slice(0, 60)]);
}

export function contestLines(row: Row, outcomes: readonly Outcome[]): string[][] {
  const held = classes.filter((scheduling) => outcomes.some((each) => each.scheduling === scheduling));
  return held.map((scheduling) => {
    const there = outcomes.filter((each) => each.scheduling === scheduling);
    const comparison = compare(there, scheduling);
    const own = comparison?.ours ?? there.find(({ side, values }) => side === 'ours' && values.length > 0);
    const threads = own?.name.match(/(\d+) thread/)?.[1] ?? '-';
    const figure = own === undefined ? '-' : ranged(summarise(own.values), thousands);
    return [row.name, scheduling, figure, threads, String(row.microBatch), ...peerCells(comparison)];
  });
}

function peerCells(comparison: Comparison | undefined): string[] {
  if (comparison === undefined) return ['-', '-', '-', '-'];
  const { peer, ratio, ratios } = comparison;
  return [
    ranged(summarise(peer.values), thousands),
    peer.name,
    times(ratio),
    ratios.map((each) => each.toFixed(2)).join(' '),
  ];
}

/** Records whether the target is reached. `comparison` is that of the class with the lower ratio. */
export function judge(findings: Findings, what: string, goal: number, comparison: Comparison | undefined): void {
  if (comparison === undefined) return;
  const { ratio, peer } = comparison;
  const measured = `${times(ratio)} of ${thousands(median(peer.values))} (${peer.name}, class ${peer.scheduling})`;
  findings.target(`train, ${what}`, `${goal} x PyTorch's best`, measured, ratio >= goal);
}

/** Adds tables with the figures of all contenders, for readers who want to compare in another way. */
export function allFigures(findings: Findings): void {
  for (const { subject, outcomes } of findings.figures) {
    if (!subject.endsWith('MNIST')) continue;
    const cells = outcomes
      .filter(({ values }) => values.length > 0)
      .map(({ name, scheduling, values }) => [name, scheduling, ranged(summarise(values), thousands)]);
    findings.table(`All contenders: ${subject}`, ['contender', 'class', 'samples/s'], cells);
  }
}
