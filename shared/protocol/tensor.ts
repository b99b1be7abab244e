/**
 * Weights and gradients on the wire. They travel in parts, so that one end unpacks a part while the other sends the
 * next, and without the blocks that the other end knows already. The border of most images is empty: for a mini-batch,
 * a third of the first layer's gradient is zero, and the same third of its weights does not change.
 *
 * A tensor is cut into blocks, and the blocks are grouped into parts. A part is a mask with one bit for each of its
 * blocks (the lowest bit of the first byte first), then the float32 of the blocks whose bit is set. Blocks are compared
 * bit by bit, so nothing is lost, not even the sign of a zero.
 *
 * In a run whose numbers travel in fewer bits, a part may be coded: then the blocks behind the mask are codes, and the
 * statistics of the part follow them as float32.
 */
import { changeBlockFloats as blockFloats, codedBlockBytes } from '../arithmetic/kernels.js';
import { spansIn } from '../model/chain.js';
import type { Coding } from '../model/coding.js';

/** A part is one message. Fewer parts cost less, but a part cannot be unpacked before all of it has come. */
const partBlocks = 640;
/** Floats of a part. The last part of a tensor and its last block end with the tensor. */
export const partFloats = blockFloats * partBlocks;
/** A multiple of a memory word, so that the floats behind it are copied faster. */
export const maskBytes = partBlocks / 8;
/** The longest payload of a part. */
export const partBytesMax = maskBytes + 4 * partFloats;

/** The longest payload of a coded part, without statistics. */
export const codedPartBytesMax = maskBytes + partBlocks * codedBlockBytes(blockFloats, 16);

/** Room for the payload of a part. A coded part that is mostly statistics may be longer than one of float32. */
export function partRoomBytes(coding: Coding | null): number {
  return coding === null ? partBytesMax : partBytesMax + codedPartBytesMax;
}

/** How many bits of a byte are set. */
const bitsOf = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);

/** Parts of a tensor of this many floats. */
export function partsOf(floats: number): number {
  return Math.ceil(floats / partFloats);
}

/** Bytes of the mask of this many floats, without padding. */
export function maskBytesOf(floats: number): number {
  return Math.ceil(floats / (8 * blockFloats));
}

/** Where a part of a tensor of `floats` floats lies: `count` floats from `first` on. */
export function partAt(part: number, floats: number): { readonly first: number; readonly count: number } {
  const first = part * partFloats;
  return { first, count: Math.min(partFloats, floats - first) };
}

/**
 * Writes a part's payload and returns its length. `bytes` are those of the part's floats. Blocks whose bit is not set
 * in `mask` (`Kernels.changes`) are left out. With null, all blocks are written.
 */
export function packPart(bytes: Uint8Array, mask: Uint8Array | null, payload: Uint8Array): number {
  const floats = bytes.length / 4;
  if (mask === null) markAll(payload, Math.ceil(floats / blockFloats));
  else payload.fill(0, mask.length, maskBytes).set(mask);
  let at = maskBytes;
  forEachRun(payload, floats, (present, first, end) => {
    if (!present) return;
    payload.set(bytes.subarray(4 * first, 4 * end), at);
    at += 4 * (end - first);
  });
  return at;
}

function markAll(mask: Uint8Array, blocks: number): void {
  const whole = blocks >> 3;
  mask.fill(0xff, 0, whole).fill(0, whole, maskBytes);
  if (blocks % 8 > 0) mask[whole] = (1 << (blocks & 7)) - 1;
}

/** What is wrong with the payload of a part of this many floats, or null. */
export function invalidPart(payload: Uint8Array, floats: number): string | null {
  return invalidBlocks(payload, floats, (count) => 4 * count, 0);
}

/** The same for a coded part. `part` is its number, in a tensor of `floats` floats. */
export function invalidCodedPart(payload: Uint8Array, part: number, floats: number, coding: Coding): string | null {
  const { first, count } = partAt(part, floats);
  const behind = 4 * spansIn(coding.statistics, first, count).reduce((sum, span) => sum + span.floats, 0);
  return invalidBlocks(payload, count, (block) => codedBlockBytes(block, coding.bits), behind);
}

/** `bytesOf` says how long a block of so many floats is. `behind` is the number of bytes behind the blocks. */
function invalidBlocks(
  payload: Uint8Array,
  floats: number,
  bytesOf: (floats: number) => number,
  behind: number,
): string | null {
  if (payload.length < maskBytes) return `a part has ${payload.length} bytes, less than its mask`;
  const blocks = Math.ceil(floats / blockFloats);
  if (hasBitsFrom(payload, blocks)) return 'a part has a block beyond its end';
  let present = 0;
  for (let byte = 0; byte < maskBytes; byte++) present += bitsOf[payload[byte]];
  const whole = bytesOf(blockFloats);
  const cutOff = isPresent(payload, blocks - 1) ? whole - bytesOf(floats - (blocks - 1) * blockFloats) : 0;
  const bytes = maskBytes + present * whole - cutOff + behind;
  return payload.length === bytes ? null : `a part has ${payload.length} bytes, not ${bytes}`;
}

/** Whether the mask has a bit from that of block `first` on. */
function hasBitsFrom(mask: Uint8Array, first: number): boolean {
  const byte = first >> 3;
  if (byte < maskBytes && mask[byte] >> (first & 7) !== 0) return true;
  for (let rest = byte + 1; rest < maskBytes; rest++) if (mask[rest] !== 0) return true;
  return false;
}

/** Receives the floats of a valid part, in runs that are as long as possible. */
export interface PartTarget {
  /** These are the floats from `first` on, as bytes. */
  present(first: number, bytes: Uint8Array): void;
  /** The floats [first, end) were left out. */
  absent(first: number, end: number): void;
}

export function unpackPart(payload: Uint8Array, floats: number, target: PartTarget): void {
  let at = maskBytes;
  forEachRun(payload, floats, (present, first, end) => {
    if (!present) return target.absent(first, end);
    const next = at + 4 * (end - first);
    target.present(first, payload.subarray(at, next));
    at = next;
  });
}

/** Runs of neighbouring blocks that are all there, or all left out, as floats. */
function forEachRun(
  mask: Uint8Array,
  floats: number,
  visit: (present: boolean, first: number, end: number) => void,
): void {
  const blocks = Math.ceil(floats / blockFloats);
  for (let from = 0; from < blocks; ) {
    const present = isPresent(mask, from);
    const to = endOfRun(mask, from, present, blocks);
    visit(present, from * blockFloats, Math.min(to * blockFloats, floats));
    from = to;
  }
}

/** Eight blocks at a time where a byte of the mask is of one kind. */
function endOfRun(mask: Uint8Array, from: number, present: boolean, blocks: number): number {
  const whole = present ? 0xff : 0;
  let to = from + 1;
  while (to < blocks && isPresent(mask, to) === present) to += (to & 7) === 0 && mask[to >> 3] === whole ? 8 : 1;
  return Math.min(to, blocks);
}

function isPresent(mask: Uint8Array, block: number): boolean {
  return (mask[block >> 3] & (1 << (block & 7))) !== 0;
}
