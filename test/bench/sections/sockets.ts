/** Compares a coordinator and workers over loopback WebSockets with DistributedDataParallel (DDP) on the same cores. */

import { ours, torch } from '../contenders.js';
import { type Comparison, compare, hold, type Outcome } from '../contest.js';
import type { Section } from '../context.js';
import type { Findings } from '../findings.js';
import type { SchedulingClass } from '../processes.js';
import { findRow } from '../rows.js';
import { summarise } from '../statistics.js';
import { ranged, thousands, times } from '../table.js';
import { remarkOn, torchKinds } from '../torch.js';

const classes = ['other', 'batch'] as const;
const { ddp, ddpTuned } = torchKinds;
/** The compared fleets: for each fleet, the threads of each worker process. */
const fleets = [[2], [1, 1]] as const;

export const sockets: Section = {
  name: 'sockets',
  title: 'Coordinator and workers over loopback WebSockets against DDP',
  async run(context, findings) {
    findings.note(remarkOn(context.python));
    const row = findRow('784-100-10, 128');
    context.log(row.name);
    const contenders = classes.flatMap((scheduling) => [
      ...fleets.map((processes) => ours(context, row, context.mnist, scheduling, { processes })),
      ...torch(context, row, context.mnist, scheduling, [ddp, ddpTuned]),
    ]);
    const outcomes = await hold(contenders, context.rounds, context.log);
    findings.contest(row.name, outcomes);
    const cells = outcomes
      .filter(({ values }) => values.length > 0)
      .map((each) => [
        each.name,
        each.scheduling,
        ranged(summarise(each.values), thousands),
        ...ratios(outcomes, each),
      ]);
    const title = `Samples/s of ${row.name} on MNIST: median (range); micro-batch ${row.microBatch}`;
    findings.table(title, ['contender', 'class', 'samples/s', 'of DDP, same class', 'of tuned DDP, same class'], cells);
    judge(findings, outcomes);
  },
};

function against(outcomes: readonly Outcome[], own: string, peer: string, scheduling: SchedulingClass) {
  return compare(outcomes, scheduling, ({ name }) => name === own || name === peer);
}

function ratios(outcomes: readonly Outcome[], { name, side, scheduling }: Outcome): string[] {
  if (side === 'peer') return ['', ''];
  return [ddp, ddpTuned].map((kind) => ratioCell(against(outcomes, name, kind.name, scheduling)));
}

function ratioCell(comparison: Comparison | undefined): string {
  return comparison === undefined ? '-' : ranged(summarise(comparison.ratios), times);
}

/** Plain DDP is what a tutorial shows, in the default class. Tuned DDP is as fast as possible, in the batch class. */
function judge(findings: Findings, outcomes: readonly Outcome[]): void {
  const [one, two] = fleets.map(
    ({ length }) => outcomes.find(({ name }) => name.startsWith(`lockstep, ${length} worker`))?.name ?? '',
  );
  const goals: [string, string, number, Comparison | undefined][] = [
    ['1 worker of 2 threads', 'tuned DDP', 1.2, against(outcomes, one, ddpTuned.name, 'batch')],
    ['2 workers of 1 thread', 'plain DDP', 2, against(outcomes, two, ddp.name, 'other')],
    ['2 workers of 1 thread', 'tuned DDP', 1, against(outcomes, two, ddpTuned.name, 'batch')],
  ];
  for (const [who, peer, goal, comparison] of goals) {
    if (comparison === undefined) continue;
    const { ratio, ours } = comparison;
    findings.target(`sockets, ${who}, class ${ours.scheduling}`, `${goal} x ${peer}`, times(ratio), ratio >= goal);
  }
}
