/** Makes the payloads of a coordinator's messages from plain arrays. */
import { changeBlockFloats } from '../../shared/arithmetic/kernels.js';
import type { LooseSamples } from '../../shared/compute/samples.js';
import { packImage, packPlain } from '../../shared/protocol/images.js';
import { samplesBytesMax } from '../../shared/protocol/payload.js';

/** Makes the mask of a part. It has a set bit for each block that differs from `before` in at least one bit. */
export function changedBlocks(now: Float32Array, before: Float32Array): Uint8Array {
  const mask = new Uint8Array(Math.ceil(now.length / changeBlockFloats / 8));
  const [nowBits, beforeBits] = [now, before].map((floats) => new Uint32Array(floats.slice().buffer));
  for (let i = 0; i < now.length; i++) {
    const block = Math.floor(i / changeBlockFloats);
    if (nowBits[i] !== beforeBits[i]) mask[block >> 3] |= 1 << (block & 7);
  }
  return mask;
}

/** A worker must read both forms of an image, so every other image has all its pixels. */
export function samplesPayload({ ids, labels, pixels: images }: LooseSamples): Uint8Array {
  const pixels = images.length / ids.length;
  const payload = new Uint8Array(samplesBytesMax(ids.length, pixels));
  const view = new DataView(payload.buffer);
  for (const [i, id] of ids.entries()) view.setUint32(4 * i, id, true);
  payload.set(labels, 4 * ids.length);
  let end = 5 * ids.length;
  for (const i of ids.keys()) {
    const pack = i % 2 === 0 ? packImage : packPlain;
    end = pack(images.subarray(i * pixels, (i + 1) * pixels), payload, end);
  }
  return payload.subarray(0, end);
}
