/**
 * Checks that all of Lockstep's contenders compute the same weights. It runs first: a fast wrong answer is worthless.
 */

import { weightsSha256 } from '../../../coordinator/archive/floats.js';
import { loadDataset } from '../../../coordinator/data/load.js';
import { multiplications } from '../../../coordinator/plan/step-work.js';
import { openScalar } from '../../../shared/arithmetic/scalar/backend.js';
import { withSettings } from '../../../shared/optimizer/optimizers.js';
import { type ReferenceRun, referenceTrain } from '../../../shared/reference.js';
import type { Context, Section } from '../context.js';
import { densePixels, type Pixels } from '../dataset.js';
import type { Findings } from '../findings.js';
import { type Workers, weightsAfter } from '../lockstep.js';
import { optimizerOf, type Row } from '../rows.js';

const stepsWanted = 20;
/** Samples times multiplications of a sample. The scalar reference takes about a quarter of a minute for this product. */
const workMax = 5e8;

const webAssembly = { LOCKSTEP_KERNELS: 'wasm' };

/** All but the last compute with the kernels that the machine chooses. */
const contenders: readonly (readonly [name: string, workers: Workers, env?: Record<string, string>])[] = [
  ['train, 1 thread', { threads: 1 }],
  ['train, 2 threads', { threads: 2 }],
  ['train, 3 threads', { threads: 3 }],
  ['1 worker of 2 threads', { processes: [2] }],
  ['2 workers of 1 thread', { processes: [1, 1] }],
  ['train, 2 threads, WebAssembly', { threads: 2 }, webAssembly],
];

export const exactness: Section = {
  name: 'exactness',
  title: 'Exactness: the weights of every contender are those of the scalar reference',
  async run(context, findings) {
    const cells: string[][] = [];
    for (const pixels of [context.mnist, densePixels(context.scratch)]) {
      for (const row of [...context.rows, ...context.convolutionRows])
        cells.push(await check(context, findings, row, pixels));
    }
    const columns = ['model, batch', 'pixels', 'steps', 'reference', ...contenders.map(([name]) => name)];
    findings.table('SHA-256 of the weights (its beginning)', columns, cells);
    const all = `${cells.length * contenders.length} runs`;
    findings.target(
      'the scalar reference’s weights, bit for bit',
      all,
      findings.failed ? 'not all' : 'all',
      !findings.failed,
    );
  },
};

async function check(context: Context, findings: Findings, row: Row, pixels: Pixels): Promise<string[]> {
  const steps = stepsOf(row, context.quick);
  const expected = await referenceHash(row, pixels, steps);
  context.log(`${row.name}, ${pixels.name}: ${steps} steps give ${expected.slice(0, 16)}`);
  const cells = [row.name, pixels.name, String(steps), expected.slice(0, 16)];
  for (const [name, workers, env = {}] of contenders) {
    const training = { row, pixels, scheduling: 'other', scratch: context.scratch, env } as const;
    const hash = await weightsAfter(training, workers, steps);
    cells.push(hash === expected ? 'the same' : hash.slice(0, 16));
    if (hash === expected) continue;
    findings.failed = true;
    findings.note(`WRONG: ${row.name} on ${pixels.name}, ${name}: ${hash} instead of ${expected}`);
  }
  return cells;
}

function stepsOf(row: Row, quick: boolean): number {
  const affordable = Math.floor(workMax / (row.batch * multiplications(row.network.model)));
  return quick ? 2 : Math.max(2, Math.min(stepsWanted, affordable));
}

async function referenceHash(row: Row, { directory, rate }: Pixels, stepCount: number): Promise<string> {
  const { train } = await loadDataset({ dataset: 'auto', directory });
  const { batch, microBatch, network } = row;
  // A run rounds the settings of its optimizer.
  const optimizer = withSettings(optimizerOf(row, rate), {});
  const run: ReferenceRun = { model: network.model, train, batch, microBatch, seed: 1, optimizer };
  for (const { step, weights } of referenceTrain(run, openScalar())) {
    if (step === stepCount) return weightsSha256(weights);
  }
  throw new Error('the reference ended early');
}
