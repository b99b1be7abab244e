import { assert } from './assert.js';

/**
 * A generator of random numbers that gives the same numbers on every engine: xoshiro128** (Blackman and Vigna 2018).
 * splitmix32 computes its first state from a seed and a list of labels, so every purpose can have its own stream.
 */
export class Random {
  private readonly state: Uint32Array;

  /** `labels` name the stream: the same seed with other labels gives other numbers. Seed and labels are uint32. */
  constructor(seed: number, ...labels: number[]) {
    let mixed = seed >>> 0;
    for (const label of labels) mixed = splitmix32((mixed ^ splitmix32(label >>> 0)) >>> 0);
    this.state = new Uint32Array(4);
    for (let i = 0; i < 4; i++) {
      this.state[i] = splitmix32(mixed);
      mixed = (mixed + 0x9e3779b9) >>> 0;
    }
  }

  /** A random integer, uniform over 0 .. 2^32 - 1. */
  uint32(): number {
    const s = this.state;
    const x = Math.imul(s[1], 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  /**
   * A random integer, uniform over 0 .. limit - 1. To avoid a bias, numbers at or above the largest multiple of `limit`
   * are drawn again.
   */
  below(limit: number): number {
    assert(limit >= 1, 'no number is below', limit);
    for (;;) {
      const x = this.uint32();
      // The exact bound is computed only for numbers that may be above it, because a remainder takes longer than a
      // draw.
      if (x < 2 ** 32 - limit || x < 2 ** 32 - (2 ** 32 % limit)) return x % limit;
    }
  }

  /** A random number, uniform over [0, 1) in steps of 2^-24. It is exact as a float32. */
  uniform(): number {
    return (this.uint32() >>> 8) / 2 ** 24;
  }

  /** Shuffles `items` in place (Fisher-Yates). */
  shuffle(items: Uint32Array): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const kept = items[i];
      items[i] = items[j];
      items[j] = kept;
    }
  }
}

function splitmix32(seed: number): number {
  let z = (seed + 0x9e3779b9) >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/** The first label of every stream that influences the weights. It names the purpose of the stream. */
export const stream = { partition: 1, epoch: 2, weights: 3, dropout: 4, augmentation: 5 } as const;
