/** The two data sets of the benchmark: MNIST, and one without zero pixels. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeIdx } from '../../shared/data/idx.js';
import { Random } from '../../shared/random.js';

export interface Pixels {
  readonly name: string;
  readonly directory: string;
  /** The learning rate. With random labels no training converges, so the rate is small enough to avoid divergence. */
  readonly rate: number;
}

const side = 28;

export function mnistPixels(directory: string): Pixels {
  return { name: 'MNIST', directory, rate: 0.1 };
}

/** As many images as MNIST has. Every pixel is random from 1 to 255, so a kernel can skip nothing. */
export function densePixels(scratch: string): Pixels {
  const directory = join(scratch, 'dense');
  const pixels = { name: 'random pixels, none zero', directory, rate: 0.01 };
  if (existsSync(directory)) return pixels;
  mkdirSync(directory, { recursive: true });
  const random = new Random(1);
  for (const [name, count] of [['train', 60_000] as const, ['t10k', 10_000] as const]) {
    const images = Uint8Array.from({ length: count * side * side }, () => 1 + random.below(255));
    const labels = Uint8Array.from({ length: count }, () => random.below(10));
    const write = (file: string, dimensions: number[], values: Uint8Array) =>
      writeFileSync(join(directory, `${name}-${file}`), encodeIdx({ dimensions, values }));
    write('images-idx3-ubyte', [count, side, side], images);
    write('labels-idx1-ubyte', [count], labels);
  }
  return pixels;
}
