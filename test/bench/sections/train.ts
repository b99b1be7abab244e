/** Compares `lockstep train` on local threads with PyTorch, run in the way that is fastest. */

import { ours, torch } from '../contenders.js';
import { type Comparison, compare, hold, type Outcome, strictest } from '../contest.js';
import type { Context, Section } from '../context.js';
import { densePixels, type Pixels } from '../dataset.js';
import type { Findings } from '../findings.js';
import { goalsFor, processorOf } from '../goals.js';
import type { SchedulingClass } from '../processes.js';
import { remarkOn } from '../pythons.js';
import { type Field, qualified, qualify } from '../qualifying.js';
import type { Row } from '../rows.js';
import { median, summarise } from '../statistics.js';
import { ranged, thousands, times } from '../table.js';
import type { Way } from '../torch-kinds.js';

const classes = ['other', 'batch'] as const;
type Ways = Readonly<Record<SchedulingClass, readonly Way[]>>;

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
    findings.note(remarkOn(context.pythons));
    findings.note(qualified);
    const goals = goalsFor(processorOf());
    const [mnist, dense, trials]: string[][][] = [[], [], []];
    const pixels = densePixels(context.scratch);
    for (const row of context.rows) {
      context.log(row.name);
      const { ways, threads, trials: all } = await qualify(context, row);
      trials.push(...trialLines(row, all));
      const outcomes = await onPixels(context, findings, row, context.mnist, threads, ways);
      mnist.push(...lines(row, outcomes));
      const top = strictest(classes.map((scheduling) => compare(outcomes, scheduling)));
      judge(findings, `${row.name}, MNIST`, goals.train(row), top);
      const denseOutcomes = await onPixels(context, findings, row, pixels, threads, onlyBest(ways, top));
      dense.push(...lines(row, denseOutcomes));
      judge(
        findings,
        `${row.name}, random pixels`,
        goals.dense,
        strictest(classes.map((scheduling) => compare(denseOutcomes, scheduling))),
      );
    }
    findings.table('Samples/s on MNIST: median (range)', columns, mnist);
    findings.table('Samples/s on random pixels without zeros', columns, dense);
    findings.note(
      'Lockstep skips zero pixels, PyTorch does not. PyTorch is as fast on the random pixels as on MNIST, so only the ' +
        'way that was best on MNIST is measured again, in the class with the lower ratio.',
    );
    findings.table('The qualifying rounds on MNIST', ['model, batch', 'way', 'samples/s'], trials);
    allFigures(findings);
  },
};

/** Measures Lockstep and these ways of PyTorch. A class without ways is left out, unless there is no PyTorch at all. */
async function onPixels(
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

/** The fastest way of PyTorch alone, in the class with the lower ratio. */
function onlyBest(ways: Ways, top: Comparison | undefined): Ways {
  const of = (scheduling: SchedulingClass) =>
    ways[scheduling].filter(({ name }) => top?.peer.scheduling === scheduling && top.peer.name === name);
  return { other: of('other'), batch: of('batch') };
}

function trialLines({ name }: Row, trials: Field['trials']): string[][] {
  // The ways with one process are in both classes.
  const all = new Map([...trials.other, ...trials.batch].map(({ way, rate }) => [way.name, rate]));
  return [...all].map(([way, rate]) => [name, way, typeof rate === 'number' ? thousands(rate) : rate.slice(0, 60)]);
}

function lines(row: Row, outcomes: readonly Outcome[]): string[][] {
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
function judge(findings: Findings, what: string, goal: number, comparison: Comparison | undefined): void {
  if (comparison === undefined) return;
  const { ratio, peer } = comparison;
  const measured = `${times(ratio)} of ${thousands(median(peer.values))} (${peer.name}, class ${peer.scheduling})`;
  findings.target(`train, ${what}`, `${goal} x PyTorch's best`, measured, ratio >= goal);
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
