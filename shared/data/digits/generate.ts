import type { Dataset } from '../dataset.js';

export interface DigitsOptions {
  readonly seed: number;
  /** Training images. The first n images do not depend on how many are made. */
  readonly train: number;
  readonly test: number;
}

export function generateDigits(options: DigitsOptions): Dataset {
  const samples = (count: number) => ({
    count,
    shape: [28, 28],
    images: new Uint8Array(count * 784),
    labels: new Uint8Array(count),
  });
  return { name: 'digits', classes: 10, train: samples(options.train), test: samples(options.test) };
}
