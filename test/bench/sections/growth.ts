/**
 * Measures how throughput depends on the batch, the micro-batch, the size of the model, the threads and the workers.
 */

import { parameterCount } from '../../../shared/model/parameters.js';
import { ours } from '../contenders.js';
import { hold } from '../contest.js';
import type { Context, Section } from '../context.js';
import type { Findings } from '../findings.js';
import type { Workers } from '../lockstep.js';
import { type Network, perceptron, type Row, row, small, tiny, wide } from '../rows.js';
import { summarise } from '../statistics.js';
import { ranged, thousands } from '../table.js';

const models: readonly Network[] = [
  tiny,
  small,
  perceptron([784, 256, 128, 10], 'relu'),
  wide,
  perceptron([784, 1024, 1024, 10], 'relu'),
  perceptron([784, 2048, 1600, 10], 'relu'),
];
const batches = [32, 128, 512, 2048, 4096];
const microBatches = [4, 16, 64, 256, 512];
/** Micro-batch for steps that up to four workers share. A step then has enough slots that no worker waits long. */
const dividedMicroBatch = 64;
const scheduling = 'other';
/** One round is enough for a curve: the neighbouring points show how large the noise is. */
const roundsMax = 1;

/** A point of a curve: its label, and the run that is measured. */
interface Point {
  readonly at: string;
  readonly row: Row;
  readonly workers: Workers;
}

const two: Workers = { threads: 2 };
const perModel = (make: (network: Network) => Point[]) => [small, wide].flatMap(make);

const curves: readonly (readonly [by: string, points: Point[]])[] = [
  ['batch', perModel((network) => batches.map((batch) => point(network, batch, two, `${batch}`)))],
  [
    'micro-batch, at a batch of 1024',
    perModel((network) => microBatches.map((size) => point(network, 1024, two, `${size}`, size))),
  ],
  [
    'parameters, at a batch of 128',
    models.map((network) => point(network, 128, two, thousands(parameterCount(network.model)))),
  ],
  [
    'threads, at a batch of 1024',
    perModel((network) =>
      [1, 2, 4].map((threads) => point(network, 1024, { threads }, `${threads}`, dividedMicroBatch)),
    ),
  ],
  [
    'worker processes of one thread over sockets, at a batch of 1024',
    perModel((network) =>
      [1, 2, 3, 4].map((n) => point(network, 1024, { processes: Array(n).fill(1) }, `${n}`, dividedMicroBatch)),
    ),
  ],
];

export const growth: Section = {
  name: 'growth',
  title: 'How throughput grows',
  async run(context, findings) {
    for (const [by, points] of curves) await curve(context, findings, by, context.quick ? ends(points) : points);
  },
};

function point(network: Network, batch: number, workers: Workers, at: string, microBatch?: number): Point {
  return { at, row: row(network, batch, [2], microBatch), workers };
}

async function curve(context: Context, findings: Findings, by: string, points: readonly Point[]): Promise<void> {
  context.log(`by ${by}`);
  const contenders = points.map(({ at, row, workers }) => {
    const contender = ours(context, row, context.mnist, scheduling, workers);
    return { ...contender, name: `${row.network.name}, ${at}` };
  });
  const outcomes = await hold(contenders, Math.min(roundsMax, context.rounds), context.log);
  findings.contest(`by ${by}`, outcomes);
  const rows = outcomes.map(({ values }, i) => {
    const { at, row } = points[i];
    const shown = values.length > 0 ? ranged(summarise(values), thousands) : '-';
    const settings = { batch: `${row.batch}`, 'micro-batch': `${row.microBatch}` };
    // The second column has the setting that varies. If it is also one of `settings`, it has no further column.
    return { model: row.network.name, [by.split(',')[0]]: at, ...settings, 'samples/s': shown };
  });
  findings.table(`Samples/s by ${by}: median (range)`, Object.keys(rows[0]), rows.map(Object.values<string>));
}

function ends(points: readonly Point[]): Point[] {
  return [points[0], points[points.length - 1]];
}
