/** Guesses what a member will be asked for, so that its samples can be sent while its link is idle. */

import type { EvaluationSet } from '../../shared/data/dataset.js';
import type { Guess } from '../../shared/fleet/remote-transport.js';
import { cut, runsOf } from '../../shared/pool/split.js';
import { evaluationOf } from '../../shared/work/kinds.js';
import { type Orders, orderOf } from '../../shared/work/orders.js';
import type { Task } from '../../shared/work/task.js';

/** The training step after `step` updates. */
export function taskAt(step: number, stepsPerEpoch: number): Task {
  return { work: 'gradient', step, epoch: Math.floor(step / stepsPerEpoch), stepInEpoch: step % stepsPerEpoch };
}

/** The share of each of so many members, if all have the same. */
export function evenShares(task: Task, orders: Orders, members: number): Guess[] {
  const slots = orderOf(orders, task).slotsIn(task.stepInEpoch);
  return runsOf(0, cut(0, slots, Array(members).fill(1)), slots).map((shards) => ({ task, shards }));
}

/** The evaluation of a set, as far as its samples are concerned. */
export function evaluationTask(set: EvaluationSet): Task {
  return { work: evaluationOf[set], step: 0, epoch: 0, stepInEpoch: 0 };
}
