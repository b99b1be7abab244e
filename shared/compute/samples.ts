/** Reads samples from a memory and writes them to one, in the form in which they travel. */
import type { KernelMemory } from '../arithmetic/backend.js';
import { type SampleSet, sizeOf } from '../data/dataset.js';
import { packImage } from '../protocol/images.js';
import type { Workspace } from './workspace.js';

/** A memory that holds samples. */
export interface SampleMemory {
  readonly memory: KernelMemory;
  readonly workspace: Workspace;
}

/** Samples side by side: their numbers, their labels, and their images, one byte per pixel. */
export interface LooseSamples {
  readonly ids: Uint32Array;
  readonly labels: Uint8Array;
  readonly pixels: Uint8Array;
}

/**
 * Writes the payload of a `samples` message (protocol/messages.ts) and returns its length. `payload` has room for
 * `samplesBytesMax`.
 */
export function packSamples(from: SampleMemory, set: SampleSet, ids: readonly number[], payload: Uint8Array): number {
  const { memory, workspace } = from;
  const labels = new Uint8Array(memory.buffer, workspace[set].labels, sizeOf(workspace.context, set));
  const view = new DataView(payload.buffer, payload.byteOffset);
  const images = restorer(from, set);
  let end = 5 * ids.length;
  for (let i = 0; i < ids.length; i++) {
    view.setUint32(4 * i, ids[i], true);
    payload[4 * ids.length + i] = labels[ids[i]];
    end = packImage(images(ids[i]), payload, end);
  }
  return end;
}

/** The pixels of a sample that is held: a view, which the next image overwrites. */
export function imageOf(from: SampleMemory, set: SampleSet, id: number): Uint8Array {
  return restorer(from, set)(id);
}

/** `imageOf` for many samples, with one set of views for all. The views are valid until the memory grows. */
function restorer({ memory, workspace }: SampleMemory, set: SampleSet): (id: number) => Uint8Array {
  const { image, pixels } = workspace;
  const records = new Uint32Array(memory.buffer, workspace[set].records, sizeOf(workspace.context, set));
  const restored = new Uint8Array(memory.buffer, image, pixels);
  return (id) => {
    memory.kernels.restore(records[id], pixels, image);
    return restored;
  };
}

/** Writes samples to a memory. Samples that it holds already stay as they are. */
export function storeSamples(into: SampleMemory, set: SampleSet, { ids, labels, pixels: images }: LooseSamples): void {
  const { memory, workspace } = into;
  const { image, pixels } = workspace;
  const { heap, ...at } = workspace[set];
  const count = sizeOf(workspace.context, set);
  const records = new Uint32Array(memory.buffer, at.records, count);
  const held = new Uint8Array(memory.buffer, at.labels, count);
  const used = new Uint32Array(memory.buffer, at.heapUsed, 1);
  const place = new Uint8Array(memory.buffer, image, pixels);
  for (const [i, id] of ids.entries()) {
    if (records[id] !== 0) continue;
    held[id] = labels[i];
    place.set(images.subarray(i * pixels, (i + 1) * pixels));
    records[id] = heap + used[0];
    used[0] += memory.kernels.keep(image, pixels, records[id]);
  }
}
