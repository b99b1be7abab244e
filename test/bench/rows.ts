/** The compared networks and batches, and Lockstep's settings for each. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Activation } from '../../shared/arithmetic/kernels.js';
import type { Model } from '../../shared/model/model.js';

export interface Network {
  /** The number of inputs, then the number of outputs of each layer. */
  readonly widths: readonly number[];
  /** The activation of all layers before the last. */
  readonly hidden: keyof typeof Activation & ('sigmoid' | 'relu');
}

export interface Row extends Network {
  readonly name: string;
  readonly batch: number;
  readonly microBatch: number;
  /** Numbers of threads with which `lockstep train` is tried. The best counts, and the report says which it is. */
  readonly threads: readonly number[];
}

const small: Network = { widths: [784, 100, 10], hidden: 'sigmoid' };
const tiny: Network = { widths: [784, 16, 16, 10], hidden: 'sigmoid' };
const wide: Network = { widths: [784, 512, 512, 10], hidden: 'relu' };

/**
 * Rows whose micro-batch is not half of the batch (and at most `microBatchCap`). The micro-batch influences the bits of
 * the weights.
 */
const microBatches: Readonly<Record<string, number>> = {};
const microBatchCap = 256;

/**
 * The rows of the benchmark. Small networks are also tried with one thread, because a second one may make them slower.
 */
export const rows: readonly Row[] = [
  row(small, 128, [2, 1]),
  row(small, 1024, [2, 1]),
  row(tiny, 128, [2, 1]),
  row(tiny, 1024, [2, 1]),
  row(wide, 128, [2]),
  row(wide, 1024, [2]),
];

export function row(network: Network, batch: number, threads: readonly number[], microBatch?: number): Row {
  const name = `${nameOf(network)}, ${batch}`;
  const size = microBatch ?? microBatches[name] ?? Math.min(microBatchCap, batch / 2);
  return { ...network, name, batch, microBatch: size, threads };
}

export function findRow(name: string): Row {
  const found = rows.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no row ${name}`);
  return found;
}

export function nameOf({ widths, hidden }: Network): string {
  return `${widths.join('-')}${hidden === 'relu' ? ' relu' : ''}`;
}

export function parameters({ widths }: Network): number {
  return widths.slice(1).reduce((sum, outputs, n) => sum + (widths[n] + 1) * outputs, 0);
}

export function modelOf({ widths, hidden }: Network): Model {
  const layers = widths.slice(1).map((dense, n) => {
    return { dense, activation: n === widths.length - 2 ? 'linear' : hidden } as const;
  });
  return { input: [28, 28], layers, loss: 'softmaxCrossEntropy' };
}

/** Writes a model file for `--model`. Returns its path. */
export function writeModel(network: Network, directory: string): string {
  const path = join(directory, `${nameOf(network).replace(' ', '-')}.json`);
  writeFileSync(path, JSON.stringify(modelOf(network)));
  return path;
}
