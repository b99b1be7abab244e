/** The time to reach a test accuracy on MNIST, from the start of the command to its end, for Lockstep and PyTorch. */
import { type Contender, hold } from '../contest.js';
import { type Context, readable, type Section } from '../context.js';
import type { Findings } from '../findings.js';
import { inRun, summaryOf, type Training, train, trainingCommand } from '../lockstep.js';
import { remarkOn } from '../pythons.js';
import { row, wide } from '../rows.js';
import { median, pairRatios, summarise } from '../statistics.js';
import { ranged, times } from '../table.js';
import { torchCommand, trainTorch } from '../torch.js';
import { type TorchKind, waysOf } from '../torch-kinds.js';

const accuracies = [0.97, 0.98] as const;
const settings = row(wide, 128, [2]);
/** With this rate and momentum, the network reaches 98 % within a few epochs. */
const rate = 0.05;
const momentum = 0.9;
const epochsMax = 50;
/** Compiling takes longer than the whole training, so no kind is compiled. */
const kinds: readonly TorchKind[] = [
  { name: '2 threads, OpenMP', options: [], threads: 2, openmp: true },
  { name: '2 threads', options: [], threads: 2 },
  { name: '2 threads, fused', options: ['--fused'], threads: 2, needs: ['fused'] },
];

export const accuracy: Section = {
  name: 'accuracy',
  title: 'Time to accuracy on MNIST',
  async run(context, findings) {
    findings.note(remarkOn(context.pythons));
    findings.note(
      `${settings.name}, learning rate ${rate}, momentum ${momentum}, an evaluation after every epoch; the seed is the ` +
        'number of the round. First weights and order are each side’s own, so the number of epochs may differ.',
    );
    const cells: string[][] = [];
    for (const target of context.quick ? [0.95] : accuracies) cells.push(...(await reach(context, findings, target)));
    const columns = ['test accuracy', 'contender', 'class', 'seconds', 'epochs', 'ratio to ours'];
    findings.table('Seconds from the command to its end: median (range)', columns, cells);
  },
};

async function reach(context: Context, findings: Findings, target: number): Promise<string[][]> {
  const epochs = new Map<string, number[]>();
  const note = (name: string, count: number) => epochs.set(name, [...(epochs.get(name) ?? []), count]);
  const contenders = [ours(context, target, note), ...torch(context, target, note)];
  const outcomes = await hold(contenders, context.rounds, context.log);
  findings.contest(`${100 * target} %`, outcomes);
  const own = outcomes[0].values;
  return outcomes
    .filter(({ values }) => values.length > 0)
    .map(({ name, scheduling, values }) => [
      `${100 * target} %`,
      name,
      scheduling,
      ranged(summarise(values), (seconds) => `${seconds.toFixed(1)} s`),
      (epochs.get(name) ?? []).join(' '),
      name === outcomes[0].name ? '' : times(median(pairRatios(values, own))),
    ]);
}

type Note = (name: string, epochs: number) => void;

/** Returns a function that gives the seeds of a contender's runs one after the other: 1, 2, 3. */
function seeds(): () => number {
  let seed = 0;
  return () => ++seed;
}

function ours(context: Context, target: number, note: Note): Contender {
  const name = 'lockstep train';
  const next = seeds();
  const training = (seed: number): Training => ({
    row: settings,
    pixels: { ...context.mnist, rate },
    scheduling: 'other',
    scratch: context.scratch,
    options: ['--target-accuracy', target, '--epochs', epochsMax, '--seed', seed],
    momentum,
  });
  const workers = { threads: 2 };
  const command = readable(trainingCommand(training(1), workers, `${context.scratch}/run`), context);
  const measure = () =>
    inRun(context.scratch, async (out) => {
      const { wallMs } = await train(training(next()), workers, out);
      const { epochs, stopReason } = summaryOf(out);
      if (stopReason !== 'target-accuracy') throw new Error(`${100 * target} % was not reached in ${epochs} epochs`);
      note(name, epochs);
      return wallMs / 1000;
    });
  return { name, side: 'ours', scheduling: 'other', command, measure };
}

function torch(context: Context, target: number, note: Note): Contender[] {
  const { pythons, root, scratch, mnist } = context;
  return waysOf(pythons, kinds).map((way): Contender => {
    const next = seeds();
    const training = (seed: number) => ({
      ...{ root, scratch, row: settings, pixels: { ...mnist, rate }, scheduling: 'other' as const, way },
      options: ['--target', target, '--epochs', epochsMax, '--momentum', momentum, '--seed', seed],
    });
    const measure = async () => {
      const { wallMs, epochs, reached } = await trainTorch(training(next()));
      if (!reached) throw new Error(`${100 * target} % was not reached in ${epochs} epochs`);
      note(way.name, epochs);
      return wallMs / 1000;
    };
    const command = readable(torchCommand(training(1)), context);
    return { name: way.name, side: 'peer', scheduling: 'other', command, measure };
  });
}
