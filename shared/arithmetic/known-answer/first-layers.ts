/** The stage of the known-answer test that computes first layers, over samples that are kept as records. */
import { Activation, type ActivationCode, type Pointer } from '../kernels.js';
import type { Bench } from './bench.js';
import { activations, gradients, type Size, upTo } from './layers.js';

interface FirstLayer {
  readonly size: Size;
  /** Sixteenths of each image's pixels that are zero, in turn. */
  readonly zeros: readonly number[];
  readonly scale?: number;
}

/** Images with few pixels, with many, and mixed; then sizes that need several blocks, and subnormal products. */
export const firstLayerCases: readonly FirstLayer[] = [
  ...upTo(17).map((outputs) => ({ size: [5, 85, outputs] as const, zeros: [13] })),
  ...[3, 10, 20].flatMap((outputs) =>
    [[0], [13, 13, 0], [0, 0, 13]].map((zeros) => ({ size: [5, 85, outputs] as const, zeros })),
  ),
  { size: [7, 300, 10], zeros: [13] },
  { size: [7, 300, 23], zeros: [13, 13, 0] },
  { size: [70, 150, 10], zeros: [13] },
  { size: [70, 150, 20], zeros: [13, 13, 0] },
  { size: [17, 140, 130], zeros: [13] },
  { size: [2, 4100, 3], zeros: [13] },
  { size: [2, 9, 1030], zeros: [13] },
  { size: [5, 85, 6], zeros: [13], scale: -126 },
  { size: [5, 85, 21], zeros: [13], scale: -126 },
  { size: [5, 85, 6], zeros: [0], scale: -126 },
];

export function firstLayers(bench: Bench): void {
  for (const [i, { size, zeros, scale = 0 }] of firstLayerCases.entries()) {
    const activation = scale === 0 ? activations[i % activations.length] : Activation.linear;
    firstLayer(bench, size, zeros, scale, activation);
  }
}

function firstLayer(
  bench: Bench,
  size: Size,
  zeros: readonly number[],
  scale: number,
  activation: ActivationCode,
): void {
  const { kernels } = bench;
  const [rows, pixels, outputs] = size;
  bench.forget();
  const packed = gatherSamples(bench, rows, pixels, zeros);
  const w = bench.numbers(pixels * outputs, 0, scale);
  const b = bench.numbers(outputs, 0, scale);
  const delta = bench.numbers(rows * outputs, 8, scale);
  const y = bench.room(4 * rows * outputs);
  const scratch = bench.scratch(...size);
  kernels.inputForward(packed, w, b, y, rows, pixels, outputs, activation, scratch);
  bench.result(y, rows * outputs);
  gradients(bench, size, scale, (gw, gb, write) =>
    kernels.inputParameterGradient(packed, delta, gw, gb, rows, pixels, outputs, write, scratch),
  );
}

/** Images, each kept as a record and restored from it, and a micro-batch of them, the last one first. */
function gatherSamples(bench: Bench, rows: number, pixels: number, zeros: readonly number[]): Pointer {
  const { kernels, sizes } = bench;
  const count = rows + 1;
  const records = bench.room(4 * count);
  const [image, restored] = [bench.room(pixels), bench.room(pixels)];
  for (let n = 0; n < count; n++) {
    const record = bench.room(sizes.recordBytesMax(pixels));
    bench.pixels(image, pixels, zeros[n % zeros.length]);
    kernels.keep(image, pixels, record);
    kernels.restore(record, pixels, restored);
    bench.resultBytes(restored, pixels);
    bench.wordsAt(records, count)[n] = record;
  }
  const labels = bench.bytes(count, 256);
  const ids = bench.room(4 * rows);
  for (let r = 0; r < rows; r++) bench.wordsAt(ids, rows)[r] = rows - r;
  const [packed, rowLabels] = [bench.room(4 * sizes.packedFloats(rows, pixels)), bench.room(rows)];
  kernels.gather(records, labels, pixels, ids, rows, packed, rowLabels);
  bench.resultBytes(rowLabels, rows);
  const x = bench.room(4 * rows * pixels);
  kernels.unpack(packed, pixels, rows, x);
  bench.result(x, rows * pixels);
  return packed;
}
