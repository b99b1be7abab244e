/** Compares `lockstep train` on local threads with PyTorch, run in the way that is fastest. */

import { ours, torch } from '../contenders.js';
import { type Comparison, compare, hold, type Outcome, strictest } from '../contest.js';
import type { Context, Section } from '../context.js';
import { densePixels, type Pixels } from '../dataset.js';
import type { Findings } from '../findings.js';
import type { SchedulingClass } from '../processes.js';
import type { Row } from '../rows.js';
import { median, summarise } from '../statistics.js';
import { ranged, thousands, times } from '../table.js';
import { remarkOn, type TorchKind, torchKinds, unavailable } from '../torch.js';

const { single1, single2, single2openmp, single2bytes, ddp, ddpTuned, flatTuned } = torchKinds;

/** In class `other`, the ways that tutorials show. In class `batch`, also ways that are known to be faster. */
const kinds: Readonly<Record<SchedulingClass, readonly TorchKind[]>> = {
  other: [single1, single2, single2openmp, ddp],
  batch: [single1, single2, single2openmp, single2bytes, ddpTuned, flatTuned],
};
const classes = ['other', 'batch'] as const;

/** The targets: Lockstep's speed divided by PyTorch's best, by the activation of the hidden layers. */
const wanted: Readonly<Record<string, number>> = { sigmoid: 1.5, relu: 1 };

const columns = [
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

export const train: Section = {
  name: 'train',
  title: '`lockstep train` on local threads against PyTorch',
  async run(context, findings) {
    findings.note(remarkOn(context.python));
    for (const kind of Object.values<TorchKind>(torchKinds)) {
      const why = unavailable(kind);
      if (why !== null) findings.note(`${kind.name} is left out: ${why}.`);
    }
    const mnist: string[][] = [];
    const dense: string[][] = [];
    const pixels = densePixels(context.scratch);
    for (const row of context.rows) {
      const outcomes = await onPixels(context, findings, row, context.mnist, kinds);
      mnist.push(...lines(row, outcomes));
      judge(findings, row, strictest(classes.map((scheduling) => compare(outcomes, scheduling))));
      dense.push(...lines(row, await onPixels(context, findings, row, pixels, bestKinds(outcomes))));
    }
    findings.table('Samples/s on MNIST: median (range)', columns, mnist);
    findings.table('Samples/s on random pixels without zeros', columns, dense);
    findings.note(
      'Lockstep skips zero pixels, PyTorch does not. On the random pixels, only the kind of PyTorch that was best on ' +
        'MNIST in its class is measured again.',
    );
    allFigures(findings);
  },
};

async function onPixels(
  context: Context,
  findings: Findings,
  row: Row,
  pixels: Pixels,
  against: Readonly<Record<SchedulingClass, readonly TorchKind[]>>,
): Promise<Outcome[]> {
  const subject = `${row.name}, ${pixels.name}`;
  context.log(subject);
  const contenders = classes.flatMap((scheduling) => [
    ...row.threads.map((threads) => ours(context, row, pixels, scheduling, { threads })),
    ...torch(context, row, pixels, scheduling, against[scheduling]),
  ]);
  const outcomes = await hold(contenders, context.rounds, context.log);
  findings.contest(subject, outcomes);
  return outcomes;
}

/** The fastest kind of PyTorch in each class. */
function bestKinds(outcomes: readonly Outcome[]): Record<SchedulingClass, TorchKind[]> {
  const named = (scheduling: SchedulingClass) => {
    const name = compare(outcomes, scheduling)?.peer.name;
    return kinds[scheduling].filter((kind) => kind.name === name);
  };
  return { other: named('other'), batch: named('batch') };
}

function lines(row: Row, outcomes: readonly Outcome[]): string[][] {
  return classes.map((scheduling) => {
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

/** Records whether the target is reached. `comparison` is that of the class in which PyTorch was fastest. */
function judge(findings: Findings, row: Row, comparison: Comparison | undefined): void {
  if (comparison === undefined) return;
  const { ratio, peer } = comparison;
  const goal = wanted[row.hidden];
  const measured = `${times(ratio)} of ${thousands(median(peer.values))} (${peer.name}, class ${peer.scheduling})`;
  findings.target(`train, ${row.name}, MNIST`, `${goal} x PyTorch's best`, measured, ratio >= goal);
}

/** Adds tables with the figures of all contenders, for readers who want to compare in another way. */
function allFigures(findings: Findings): void {
  for (const { subject, outcomes } of findings.figures) {
    if (!subject.endsWith('MNIST')) continue;
    const cells = outcomes
      .filter(({ values }) => values.length > 0)
      .map(({ name, scheduling, values }) => [name, scheduling, ranged(summarise(values), thousands)]);
    findings.table(`All contenders: ${subject}`, ['contender', 'class', 'samples/s'], cells);
  }
}
