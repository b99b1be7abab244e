/**
 * Evaluates a model on threads of this machine, as a run does after an epoch: the same slots, summed along the same tree. So
 * the result equals that of the run, bit for bit, whatever the number of threads.
 */
import type { Pointer } from '../../shared/arithmetic/kernels.js';
import { Machine } from '../../shared/compute/machine.js';
import type { Platform } from '../../shared/compute/platform.js';
import { storeSamples } from '../../shared/compute/samples.js';
import type { RunDescription } from '../../shared/compute/workspace.js';
import type { Samples } from '../../shared/data/dataset.js';
import { LockstepError } from '../../shared/errors.js';
import { rootShard } from '../../shared/pool/tree.js';
import { scoreFloats } from '../../shared/work/kinds.js';
import type { Task } from '../../shared/work/task.js';
import type { OpenedModel } from './open-model.js';

export interface Evaluated {
  /** The mean loss of a sample. */
  readonly loss: number;
  readonly correct: number;
  /** The class that the model takes each sample for. */
  readonly predicted: Uint8Array;
}

/** `test` fits the model (shared/model/description.ts). Rejects with `diverged` if the loss is no finite number. */
export async function evaluateModel(
  { model, weights }: Pick<OpenedModel, 'model' | 'weights'>,
  { count, labels, images }: Samples,
  platform: Platform,
  threads: number,
): Promise<Evaluated> {
  // Nothing trains, and a machine without training samples cannot be laid out: one is the least.
  const run: RunDescription = { model, train: 1, test: count, batch: 1, microBatch: 1, seed: 0 };
  const machine = new Machine(platform, run, threads);
  try {
    storeSamples(machine, 'test', { ids: Uint32Array.from({ length: count }, (_, id) => id), labels, pixels: images });
    machine.floats(machine.workspace.weights, weights.length).set(weights);
    machine.weightsChanged();
    const [lossSum, correct] = machine.floats(await sumOn(machine), scoreFloats);
    const predicted = machine.bytes(machine.workspace.predictions, count).slice();
    if (Number.isFinite(lossSum)) return { loss: lossSum / count, correct, predicted };
  } finally {
    machine.stop();
  }
  throw new LockstepError('diverged', 'the loss of this model is not a finite number: its training has diverged');
}

/** Starts the threads, and resolves with the sum over all slots. */
function sumOn(machine: Machine): Promise<Pointer> {
  const { slots } = machine.orders.test;
  const task: Task = { work: 'evaluation', step: 0, epoch: 0, stepInEpoch: 0 };
  return new Promise((resolve, reject) => {
    machine.start(reject).then(() => machine.pool.run(task, rootShard(slots), slots, resolve), reject);
  });
}
