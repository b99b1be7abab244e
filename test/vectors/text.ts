/** Formats numbers for the vector files: separated by spaces, and floats as the 8 hexadecimal digits of their bits. */

export function floatBits(floats: Iterable<number>): string {
  const array = Float32Array.from(floats);
  return Array.from(new Uint32Array(array.buffer), hex).join(' ');
}

export function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}

export function spaced(numbers: Iterable<number>): string {
  return [...numbers].join(' ');
}

/** Two hexadecimal digits per byte, without spaces. */
export function hexBytes(some: Uint8Array): string {
  return Buffer.from(some).toString('hex');
}
