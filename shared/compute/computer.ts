/**
 * One thread's part of the work: computes a shard of a step, or of an evaluation, in a workspace.
 *
 * This is where a training step reaches the kernels: `gradient` looks up the shard's samples and has them summed along
 * the canonical tree (model/shard.ts), one micro-batch after the other (model/network.ts).
 */

import type { Kernels, Pointer } from '../arithmetic/kernels.js';
import { evaluationRows, SampleOrder } from '../data/order.js';
import { Network, type Operands } from '../model/network.js';
import { shardEvaluation, shardGradient, shardSamples } from '../model/shard.js';
import type { GrowableMemory } from '../pool/partials.js';
import { type Shard, shardEnd } from '../pool/tree.js';
import type { ShardOrder } from './orders.js';
import type { ThreadRegion, Workspace } from './workspace.js';

export class Computer {
  private readonly network: Network;
  private readonly region: ThreadRegion;
  private readonly train: Operands;
  private readonly test: Operands;

  constructor(
    kernels: Kernels,
    private readonly memory: GrowableMemory,
    private readonly workspace: Workspace,
    thread: number,
    /** Of the run: whoever else looks things up on this thread may have the same one. */
    private readonly order = new SampleOrder({ ...workspace.run, samples: workspace.run.train }),
  ) {
    const { run } = workspace;
    this.region = workspace.threads[thread];
    const rowsMax = Math.max(run.microBatch, evaluationRows);
    this.network = new Network(kernels, run.model, rowsMax, this.region.network);
    const { train, test, weights, transposed } = workspace;
    this.train = { records: train.records, labels: train.labels, weights, transposed };
    this.test = { records: test.records, labels: test.labels, weights, transposed };
  }

  /**
   * Sums a shard into `out`: for a gradient, `partialFloats` floats; for an evaluation, two (loss sum, correct count),
   * and the predictions go to their place in the workspace.
   */
  compute(task: ShardOrder['task'], shard: Shard, out: Pointer): void {
    if (task.work === 'gradient') this.gradient(task, shard, out);
    else this.evaluation(shard, out);
  }

  private gradient({ epoch, stepInEpoch }: ShardOrder['task'], shard: Shard, out: Pointer): void {
    const { order, region } = this;
    const ids = new Uint32Array(this.memory.buffer, region.ids);
    const end = shardEnd(shard, order.slotsIn(stepInEpoch));
    let at = 0;
    for (let slot = shard.lo; slot < end; slot++) {
      const samples = order.microBatch(epoch, stepInEpoch, slot);
      ids.set(samples, at);
      at += samples.length;
    }
    const { microBatch } = this.workspace.run;
    const work = { shard, samples: order.samplesIn(stepInEpoch), microBatch, ids: region.ids };
    shardGradient(this.network, this.train, work, out, region.temporaries);
  }

  private evaluation(shard: Shard, out: Pointer): void {
    const { region, workspace } = this;
    const samples = workspace.run.test;
    const first = shard.lo * evaluationRows;
    const ids = new Uint32Array(this.memory.buffer, region.ids);
    const count = shardSamples(shard, samples, evaluationRows);
    for (let i = 0; i < count; i++) ids[i] = first + i;
    const work = { shard, samples, microBatch: evaluationRows, ids: region.ids };
    const predictions = workspace.predictions + first;
    shardEvaluation(this.network, this.test, work, out, predictions, region.temporaries);
  }
}
