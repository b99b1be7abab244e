/** Writes a small generated data set as IDX files, for `--data`. The same sizes give the same samples. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateDigits } from '../shared/data/digits/generate.js';
import { encodeIdx } from '../shared/data/idx.js';

/** Writes the four files into `directory`, and returns it. */
export function writeDigits(directory: string, sizes: { readonly train: number; readonly test: number }): string {
  mkdirSync(directory, { recursive: true });
  const { train, test } = generateDigits({ seed: 7, ...sizes });
  for (const [name, { count, shape, images, labels }] of [['train', train] as const, ['t10k', test] as const]) {
    const write = (file: string, dimensions: readonly number[], values: Uint8Array) =>
      writeFileSync(join(directory, `${name}-${file}`), encodeIdx({ dimensions, values }));
    write('images-idx3-ubyte', [count, ...shape], images);
    write('labels-idx1-ubyte', [count], labels);
  }
  return directory;
}
