/** The compared networks and batches, and Lockstep's settings for each. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Activation } from '../../shared/arithmetic/kernels.js';
import type { Model } from '../../shared/model/model.js';
import { findPreset, type PresetName } from '../../shared/model/presets.js';
import { type OptimizerDescription, optimizerDefaults } from '../../shared/optimizer/optimizers.js';

export interface Network {
  readonly name: string;
  readonly model: Model;
  /** SGD, or Adam with the usual settings. The speed does not depend on the settings. */
  readonly optimizer: 'sgd' | 'adam';
}

export interface Row {
  readonly name: string;
  readonly network: Network;
  readonly batch: number;
  readonly microBatch: number;
  /** Numbers of threads with which `lockstep train` is tried. The best counts, and the report says which it is. */
  readonly threads: readonly number[];
}

export const tiny = perceptron([784, 16, 16, 10], 'sigmoid');
export const small = perceptron([784, 100, 10], 'sigmoid');
export const wide = perceptron([784, 512, 512, 10], 'relu');

/** The micro-batch of a row is half of the batch, but at most this. It influences the bits of the weights. */
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

/** The rows of the section on convolutions. */
export const convolutionRows: readonly Row[] = [
  row(preset('cnn-small'), 256, [2, 1], 16),
  row(preset('lenet5'), 128, [2, 1], 32),
];

export function row(network: Network, batch: number, threads: readonly number[], microBatch?: number): Row {
  const size = microBatch ?? Math.min(microBatchCap, batch / 2);
  return { name: `${network.name}, ${batch}`, network, batch, microBatch: size, threads };
}

export function findRow(name: string): Row {
  const found = rows.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no row ${name}`);
  return found;
}

/** `widths`: the number of inputs, then the number of outputs of each layer. `hidden`: the activation before the last. */
export function perceptron(widths: readonly number[], hidden: keyof typeof Activation & ('sigmoid' | 'relu')): Network {
  const layers = widths.slice(1).map((dense, n) => {
    return { dense, activation: n === widths.length - 2 ? 'linear' : hidden } as const;
  });
  const name = `${widths.join('-')}${hidden === 'relu' ? ' relu' : ''}`;
  return { name, model: { input: [28, 28], layers, loss: 'softmaxCrossEntropy' }, optimizer: 'sgd' };
}

function preset(name: PresetName): Network {
  return { name, model: findPreset(name).model, optimizer: 'adam' };
}

/** The rate is that of the pixels for plain SGD. Adam converges with one rate on all of them. */
export function optimizerOf({ network }: Row, rate: number): OptimizerDescription {
  if (network.optimizer === 'adam') return optimizerDefaults('adam');
  return { name: 'sgd', rate, momentum: 0 };
}

/** Writes a model file for `--model`. Returns its path. */
export function writeModel({ name, model }: Network, directory: string): string {
  const path = join(directory, `${name.replace(' ', '-')}.json`);
  writeFileSync(path, JSON.stringify(model));
  return path;
}
