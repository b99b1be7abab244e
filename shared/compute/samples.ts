/** Samples on their way from one memory to another: which ones a shard needs, and the bytes that they travel as. */
import { evaluationRows, type SampleOrder } from '../data/order.js';
import { shardSamples } from '../model/shard.js';
import { type Shard, shardEnd } from '../pool/tree.js';
import type { SampleSet } from '../protocol/messages.js';
import { samplesBytes, samplesIn } from '../protocol/payload.js';
import type { Task } from './computer.js';
import type { Workspace } from './workspace.js';

interface Memory {
  readonly buffer: ArrayBufferLike;
}

/** Which set a task's samples are of. */
export function sampleSetOf({ work }: Pick<Task, 'work'>): SampleSet {
  return work === 'gradient' ? 'train' : 'test';
}

/** The samples of a shard, in slot order. `order` is that of the training set. */
export function* sampleIds(
  order: SampleOrder,
  test: number,
  { work, epoch, stepInEpoch }: Pick<Task, 'work' | 'epoch' | 'stepInEpoch'>,
  shard: Shard,
): Iterable<number> {
  if (work === 'evaluation') {
    const first = shard.lo * evaluationRows;
    const end = first + shardSamples(shard, test, evaluationRows);
    for (let id = first; id < end; id++) yield id;
    return;
  }
  const end = shardEnd(shard, order.slotsIn(stepInEpoch));
  for (let slot = shard.lo; slot < end; slot++) yield* order.microBatch(epoch, stepInEpoch, slot);
}

/** The payload of a `samples` message (protocol/messages.ts). */
export function packSamples(
  memory: Memory,
  workspace: Workspace,
  set: SampleSet,
  ids: readonly number[],
): Uint8Array<ArrayBuffer> {
  const { pixels } = workspace;
  const { images, labels } = storeIn(memory, workspace, set);
  const payload = new Uint8Array(samplesBytes(ids.length, pixels));
  const view = new DataView(payload.buffer);
  for (const [i, id] of ids.entries()) {
    view.setUint32(4 * i, id, true);
    payload[4 * ids.length + i] = labels[id];
    payload.set(images.subarray(id * pixels, (id + 1) * pixels), 5 * ids.length + i * pixels);
  }
  return payload;
}

/** Puts such a payload, which is valid, in its place. */
export function storeSamples(
  memory: Memory,
  workspace: Workspace,
  set: SampleSet,
  payload: Uint8Array,
  count: number,
): void {
  const { pixels } = workspace;
  const { images, labels } = storeIn(memory, workspace, set);
  const samples = samplesIn(payload, count);
  for (const [i, id] of samples.ids.entries()) {
    labels[id] = samples.labels[i];
    images.set(samples.pixels.subarray(i * pixels, (i + 1) * pixels), id * pixels);
  }
}

function storeIn({ buffer }: Memory, workspace: Workspace, set: SampleSet) {
  const { [set]: store, context, pixels } = workspace;
  return {
    images: new Uint8Array(buffer, store.images, context[set] * pixels),
    labels: new Uint8Array(buffer, store.labels, context[set]),
  };
}
