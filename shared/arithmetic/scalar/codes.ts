/**
 * The specification of coded numbers (E2): a block of floats as whole numbers of 4, 8 or 16 bits with a common scale,
 * which is a power of two. A number that is read back is the nearest one that its code can say, ties to even.
 */

import type { CodeBits } from '../kernels.js';

const f = Math.fround;

/** 1.5 * 2^23. A float32 that is added to it is rounded to a whole number, ties to even. */
const magic = 12582912;

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** The scale of a block that has a number which is not finite. None of the block's numbers are finite then (E5). */
const notFinite = 255;

/** The power of two whose exponent field is `scale`; 255 gives infinity. */
function powerOf(scale: number): number {
  word[0] = scale << 23;
  return float[0];
}

/** The exponent field of a number: 0 for zeros and subnormal numbers, 255 for infinity and NaN. */
function exponentOf(x: number): number {
  float[0] = x;
  return (word[0] >>> 23) & 0xff;
}

/** The scale of a block: the byte that travels. The largest number then takes the whole range of the codes. */
export function blockScaleOf(block: Float32Array, bits: CodeBits): number {
  const exponent = block.reduce((most, x) => Math.max(most, exponentOf(x)), 0);
  return exponent === notFinite ? notFinite : Math.max(exponent - (bits - 2), 1);
}

/** The code of a number: a whole number from -most to most, where most is 2^(bits - 1) - 1. */
export function nearestCode(x: number, scale: number, bits: CodeBits): number {
  if (scale === notFinite) return 0;
  // The inverse of the scale is a power of two, too, so this division is exact, but for quotients far below 1/2.
  const whole = f(f(f(x * powerOf(254 - scale)) + magic) - magic);
  const most = 2 ** (bits - 1) - 1;
  return Math.min(Math.max(whole, -most), most);
}

/** The number that a code stands for. */
export function numberOf(code: number, scale: number): number {
  return f(code * powerOf(scale));
}

/** Writes the scale and then the codes, the lowest bits of a byte and the lowest byte first. */
export function encodeBlock(block: Float32Array, bits: CodeBits, out: Uint8Array): void {
  const scale = blockScaleOf(block, bits);
  out.fill(0);
  out[0] = scale;
  block.forEach((x, i) => {
    const code = nearestCode(x, scale, bits);
    const at = 1 + ((i * bits) >> 3);
    if (bits === 4) out[at] |= (code & 15) << (4 * (i % 2));
    else out[at] = code & 255;
    if (bits === 16) out[at + 1] = (code >> 8) & 255;
  });
}

/** Reads the number at place `i` of a coded block. */
export function decodedAt(coded: Uint8Array, bits: CodeBits, i: number): number {
  const at = 1 + ((i * bits) >> 3);
  const raw = bits === 4 ? coded[at] >> (4 * (i % 2)) : bits === 8 ? coded[at] : coded[at] | (coded[at + 1] << 8);
  // Two's complement: the highest bit of the code is its sign.
  return numberOf((raw << (32 - bits)) >> (32 - bits), coded[0]);
}
