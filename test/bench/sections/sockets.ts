/** Compares a coordinator and workers over loopback WebSockets with DistributedDataParallel (DDP) on the same cores. */

import { ours, torch } from '../contenders.js';
import { type Comparison, compare, hold, type Outcome } from '../contest.js';
import type { Section } from '../context.js';
import type { Findings } from '../findings.js';
import type { SchedulingClass } from '../processes.js';
import { remarkOn } from '../pythons.js';
import { fastest, trySeveral } from '../qualifying.js';
import { findRow } from '../rows.js';
import { summarise } from '../statistics.js';
import { ranged, thousands, times } from '../table.js';
import { ddp, tunedDdp, type Way } from '../torch-kinds.js';

const classes = ['other', 'batch'] as const;
/** The compared fleets: for each fleet, the threads of each worker process. */
const fleets = [[2], [1, 1]] as const;

/** The fastest plain and the fastest tuned DDP among all versions of PyTorch. Each list is empty without PyTorch. */
interface Peers {
  readonly plain: readonly Way[];
  readonly tuned: readonly Way[];
}

export const sockets: Section = {
  name: 'sockets',
  title: 'Coordinator and workers over loopback WebSockets against DDP',
  async run(context, findings) {
    findings.note(remarkOn(context.pythons));
    const row = findRow('784-100-10, 128');
    context.log(row.name);
    const peers = {
      plain: fastest(await trySeveral(context, row, 'other', [ddp]), 1),
      tuned: fastest(await trySeveral(context, row, 'batch', tunedDdp), 1),
    };
    findings.note('Of all versions of PyTorch, those with the fastest plain and the fastest tuned DDP are measured.');
    const contenders = classes.flatMap((scheduling) => [
      ...fleets.map((processes) => ours(context, row, context.mnist, scheduling, { processes })),
      ...torch(context, row, context.mnist, scheduling, [...peers.plain, ...peers.tuned]),
    ]);
    const outcomes = await hold(contenders, context.rounds, context.log);
    findings.contest(row.name, outcomes);
    const cells = outcomes
      .filter(({ values }) => values.length > 0)
      .map((each) => [
        each.name,
        each.scheduling,
        ranged(summarise(each.values), thousands),
        ...ratios(outcomes, peers, each),
      ]);
    const title = `Samples/s of ${row.name} on MNIST: median (range); micro-batch ${row.microBatch}`;
    findings.table(title, ['contender', 'class', 'samples/s', 'of DDP, same class', 'of tuned DDP, same class'], cells);
    judge(findings, outcomes, peers);
  },
};

function against(
  outcomes: readonly Outcome[],
  own: string,
  ways: readonly Way[],
  scheduling: SchedulingClass,
): Comparison | undefined {
  return compare(outcomes, scheduling, ({ name }) => name === own || ways.some((way) => way.name === name));
}

function ratios(outcomes: readonly Outcome[], { plain, tuned }: Peers, { name, side, scheduling }: Outcome): string[] {
  if (side === 'peer') return ['', ''];
  return [plain, tuned].map((ways) => ratioCell(against(outcomes, name, ways, scheduling)));
}

function ratioCell(comparison: Comparison | undefined): string {
  return comparison === undefined ? '-' : ranged(summarise(comparison.ratios), times);
}

/** Plain DDP is what a tutorial shows, in the default class. Tuned DDP is as fast as possible, in the batch class. */
function judge(findings: Findings, outcomes: readonly Outcome[], { plain, tuned }: Peers): void {
  const [one, two] = fleets.map(
    ({ length }) => outcomes.find(({ name }) => name.startsWith(`lockstep, ${length} worker`))?.name ?? '',
  );
  const goals: [string, string, number, Comparison | undefined][] = [
    ['1 worker of 2 threads', 'tuned DDP', 1.5, against(outcomes, one, tuned, 'batch')],
    ['2 workers of 1 thread', 'plain DDP', 2, against(outcomes, two, plain, 'other')],
    ['2 workers of 1 thread', 'tuned DDP', 1, against(outcomes, two, tuned, 'batch')],
  ];
  for (const [who, peer, goal, comparison] of goals) {
    if (comparison === undefined) continue;
    const { ratio, ours, peer: other } = comparison;
    const measured = `${times(ratio)} (${other.name})`;
    findings.target(`sockets, ${who}, class ${ours.scheduling}`, `${goal} x ${peer}`, measured, ratio >= goal);
  }
}
