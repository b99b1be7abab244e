/** E4, by several threads at once: each parameter is updated on its own, so it does not matter who updates which. */
import type { KernelMemory } from '../arithmetic/backend.js';
import { assert } from '../assert.js';
import { scaleOf, type UpdateRules, updateWeights, type WholeSum } from '../optimizer/update.js';
import type { UpdateOrder } from './orders.js';
import type { Workspace } from './workspace.js';

/** Parameters above which threads help to update them. */
const UPDATE_SHARED_MIN = 200_000;
/** A part is a multiple of this many floats, so that no two threads write to the same cache line or to the same block. */
const PART_FLOATS = 64;

/** A thread of the same memory that is idle, for a part of an update. */
export interface Helper {
  beginUpdate(order: UpdateOrder): void;
  /** Waits until the part is done. */
  finishUpdate(): void;
}

/** The helpers whose help is worth its cost. */
export function helpersFor<H>(parameters: number, helpers: () => H[]): H[] {
  return parameters < UPDATE_SHARED_MIN ? [] : helpers();
}

/** The order for the whole update of a step. What all parts share is computed here, once. */
export function wholeUpdate(memory: KernelMemory, workspace: Workspace, whole: WholeSum): UpdateOrder {
  const scale = scaleOf(rulesOf(workspace), memory, whole, workspace.statistics);
  return { kind: 'update', first: 0, ...whole, ...scale };
}

/** Carries out an update on the caller's thread, and parts of it on the helpers' threads. Returns when all is done. */
export function updateWith(
  memory: KernelMemory,
  workspace: Workspace,
  whole: UpdateOrder,
  helpers: readonly Helper[],
): void {
  const part = PART_FLOATS * Math.ceil(whole.floats / (helpers.length + 1) / PART_FLOATS);
  const partFrom = (first: number): UpdateOrder => {
    return { ...whole, first, floats: Math.max(0, Math.min(part, whole.floats - first)) };
  };
  for (const [i, helper] of helpers.entries()) helper.beginUpdate(partFrom((i + 1) * part));
  update(memory, workspace, partFrom(0));
  for (const helper of helpers) helper.finishUpdate();
}

/** Updates a part of the weights on the caller's thread. */
export function update(memory: KernelMemory, workspace: Workspace, order: UpdateOrder): void {
  updateWeights(rulesOf(workspace), memory, workspace, order, workspace.statistics);
}

function rulesOf({ run }: Workspace): UpdateRules {
  assert(run.optimizer !== undefined, 'an update in a run that has no optimizer here');
  return run as UpdateRules;
}
