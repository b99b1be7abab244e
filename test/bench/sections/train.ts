/** Compares `lockstep train` on local threads with PyTorch, run in the way that is fastest. */
import type { Comparison } from '../contest.js';
import type { Section } from '../context.js';
import { densePixels } from '../dataset.js';
import { goalsFor, processorOf } from '../goals.js';
import type { SchedulingClass } from '../processes.js';
import { remarkOn } from '../pythons.js';
import { qualified, qualify } from '../qualifying.js';
import {
  allFigures,
  claimed,
  contestColumns,
  contestLines,
  judge,
  meet,
  trialColumns,
  trialLines,
  type Ways,
} from '../torch-contest.js';

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
      const outcomes = await meet(context, findings, row, context.mnist, threads, ways);
      mnist.push(...contestLines(row, outcomes));
      const top = claimed(outcomes);
      judge(findings, `${row.name}, MNIST`, goals.train(row), top);
      const denseOutcomes = await meet(context, findings, row, pixels, threads, onlyBest(ways, top));
      dense.push(...contestLines(row, denseOutcomes));
      judge(findings, `${row.name}, random pixels`, goals.dense, claimed(denseOutcomes));
    }
    findings.table('Samples/s on MNIST: median (range)', contestColumns, mnist);
    findings.table('Samples/s on random pixels without zeros', contestColumns, dense);
    findings.note(
      'Lockstep skips zero pixels, PyTorch does not. PyTorch is as fast on the random pixels as on MNIST, so only the ' +
        'way that was best on MNIST is measured again, in the class with the lower ratio.',
    );
    findings.table('The qualifying rounds on MNIST', trialColumns, trials);
    allFigures(findings);
  },
};

/** The fastest way of PyTorch alone, in the class with the lower ratio. */
function onlyBest(ways: Ways, top: Comparison | undefined): Ways {
  const of = (scheduling: SchedulingClass) =>
    ways[scheduling].filter(({ name }) => top?.peer.scheduling === scheduling && top.peer.name === name);
  return { other: of('other'), batch: of('batch') };
}
