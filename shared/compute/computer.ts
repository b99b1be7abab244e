/**
 * What one thread does: it computes shards of any kind of work, in a workspace.
 *
 * This is where a training step reaches the kernels: `compute` looks up the shard's samples. model/shard.ts sums the slots
 * along the canonical tree, and model/network.ts computes one micro-batch after the other. In a run of rounds,
 * model/local-steps.ts makes a slot's steps in between.
 */

import type { KernelMemory } from '../arithmetic/backend.js';
import type { Pointer } from '../arithmetic/kernels.js';
import type { SampleSet } from '../data/dataset.js';
import type { SlotOrder } from '../data/order.js';
import { LocalSteps } from '../model/local-steps.js';
import { Network, type Operands } from '../model/network.js';
import type { SlotParts } from '../model/shard.js';
import { type Shard, shardEnd } from '../pool/tree.js';
import { kinds } from '../work/kinds.js';
import { type Orders, ordersOf } from '../work/orders.js';
import { computations } from './computations.js';
import type { ShardOrder } from './orders.js';
import { rowsMaxOf, type SampleStore, type ThreadRegion, type Workspace } from './workspace.js';

export class Computer {
  private readonly parts: SlotParts;
  private readonly region: ThreadRegion;
  private readonly operands: Readonly<Record<SampleSet, Operands>>;

  constructor(
    private readonly memory: KernelMemory,
    private readonly workspace: Workspace,
    thread: number,
    /** The orders of the run. All computers of one thread may share them. */
    private readonly orders: Orders = ordersOf(workspace.run),
  ) {
    this.region = workspace.threads[thread];
    const { run, chain, statistics, sizes, weights, transposed } = workspace;
    const [rowsMax, base] = [rowsMaxOf(orders), this.region.network];
    const network = new Network({ ...run, memory, sizes, rowsMax, chain, base });
    const { microBatch, rounds: rules } = run;
    const { local: at } = this.region;
    const isRounds = rules !== undefined && at !== null;
    const local = isRounds ? new LocalSteps({ memory, network, chain, statistics, rules, microBatch, at }) : null;
    this.parts = { network, local };
    const operandsOf = ({ records, labels }: SampleStore) => ({ records, labels, weights, transposed });
    this.operands = {
      train: operandsOf(workspace.train),
      validation: operandsOf(workspace.validation),
      test: operandsOf(workspace.test),
    };
  }

  /** Sums a shard into `out`: `sumFloats` floats. Predictions go to their place in the workspace. */
  compute(task: ShardOrder['task'], shard: Shard, out: Pointer): void {
    const { set } = kinds[task.work];
    const { region, workspace } = this;
    const order = this.orders[set];
    const { epoch, stepInEpoch } = task;
    this.writeIds(order, task, shard);
    const work = {
      shard,
      samples: order.samplesIn(stepInEpoch),
      slotRows: order.rows,
      ids: region.ids,
      moment: { seed: workspace.run.seed, epoch },
      step: epoch * order.stepsPerEpoch + stepInEpoch,
      coding: workspace.coding,
    };
    const predictions = workspace.predictions + shard.lo * order.rows;
    computations[task.work](this.parts, this.operands[set], work, out, region.temporaries, predictions);
  }

  /** Writes the numbers of the shard's samples, in slot order without gaps. */
  private writeIds(order: SlotOrder, { epoch, stepInEpoch }: ShardOrder['task'], shard: Shard): void {
    const ids = new Uint32Array(this.memory.buffer, this.region.ids);
    const end = shardEnd(shard, order.slotsIn(stepInEpoch));
    let at = 0;
    for (let slot = shard.lo; slot < end; slot++) {
      const samples = order.slotIds(epoch, stepInEpoch, slot);
      ids.set(samples, at);
      at += samples.length;
    }
  }
}
