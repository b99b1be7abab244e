/**
 * The kernel calls that are timed. Their operands have the sizes and the fraction of zeros that they have in training.
 *
 * What this is not: the timing, which is in `kernels.ts`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Arena } from '../../shared/arithmetic/arena.js';
import type { KernelMemory } from '../../shared/arithmetic/backend.js';
import { Activation, type Kernels, Loss, type Pointer, Write } from '../../shared/arithmetic/kernels.js';
import { Random } from '../../shared/random.js';
import { nodePlatform } from '../../worker/node-platform.js';

const PIXELS = 784;
const IMAGES = 4096;
const random = new Random(1);

export interface Measurement {
  readonly name: string;
  /** Number of operations or bytes of one run. 0 if the unit is us. */
  readonly work: number;
  readonly unit: 'GFLOP/s' | 'GB/s' | 'us';
  run(turn: number): void;
}

const arena = new Arena();
const { backend } = nodePlatform();
const { packedFloats, recordBytesMax, scratchFloats } = backend.sizes;
const records = arena.uint32(IMAGES);
const image = arena.bytes(PIXELS);
const heap = arena.bytes(IMAGES * recordBytesMax(PIXELS));
const labels = arena.bytes(IMAGES);
const ids = arena.uint32(IMAGES);
const scratch = arena.floats(scratchFloats(64, PIXELS, 512));
const fills: (() => void)[] = [];
let memory: KernelMemory;
let kernels: Kernels;

function numbers(length: number, zeros: number): Pointer {
  const at = arena.floats(length);
  fills.push(() => {
    const out = new Float32Array(memory.buffer, at, length);
    for (let i = 0; i < length; i++) out[i] = random.uniform() < zeros ? 0 : random.uniform() - 0.5;
  });
  return at;
}

/** The number of different batches. The turns use them one after the other, so that no branch predictor learns one. */
const BATCHES = 16;
const fetchedLabels = arena.bytes(64);

function batchesOf(rows: number): (turn: number) => Pointer {
  const bytes = 4 * packedFloats(rows, PIXELS);
  const first = arena.bytes(BATCHES * bytes);
  fills.push(() => {
    for (let n = 0; n < BATCHES; n++) {
      kernels.gather(records, labels, PIXELS, ids + 4 * rows * n, rows, first + bytes * n, fetchedLabels);
    }
  });
  return (turn) => first + bytes * (turn % BATCHES);
}

function dense(rows: number, inputs: number, outputs: number, zeros: number): Measurement[] {
  const x = numbers(rows * inputs, zeros);
  const [w, b, y] = [numbers(inputs * outputs, 0), numbers(outputs, 0), numbers(rows * outputs, 0)];
  const delta = numbers(rows * outputs, zeros);
  const [gw, gb] = [numbers(inputs * outputs, 0), numbers(outputs, 0)];
  const [wT, deltaIn] = [numbers(inputs * outputs, 0), numbers(rows * inputs, 0)];
  const label = `${rows}x${inputs}x${outputs} ${100 * zeros}% zeros`;
  const common = { work: 2 * rows * inputs * outputs, unit: 'GFLOP/s' } as const;
  const { linear, relu } = Activation;
  return [
    {
      ...common,
      name: `forward ${label}`,
      run: () => kernels.denseForward(x, w, b, y, rows, inputs, outputs, relu, scratch),
    },
    {
      ...common,
      name: `parameter gradient ${label}`,
      run: () => kernels.denseParameterGradient(x, delta, gw, gb, rows, inputs, outputs, Write.accumulate, scratch),
    },
    {
      ...common,
      name: `input gradient ${label}`,
      run: () => kernels.denseInputGradient(delta, wT, x, deltaIn, rows, inputs, outputs, linear, scratch),
    },
  ];
}

/** Measurements of the first layer, on fetched samples. */
function input(rows: number, outputs: number): Measurement[] {
  const [w, b, y] = [numbers(PIXELS * outputs, 0), numbers(outputs, 0), numbers(rows * outputs, 0)];
  const [delta, gw, gb] = [numbers(rows * outputs, 0), numbers(PIXELS * outputs, 0), numbers(outputs, 0)];
  const at = batchesOf(rows);
  const label = `${rows}x${PIXELS}x${outputs} digits`;
  const common = { work: 2 * rows * PIXELS * outputs, unit: 'GFLOP/s' } as const;
  const { relu } = Activation;
  return [
    {
      ...common,
      name: `forward ${label}`,
      run: (turn) => kernels.inputForward(at(turn), w, b, y, rows, PIXELS, outputs, relu, scratch),
    },
    {
      ...common,
      name: `parameter gradient ${label}`,
      run: (turn) =>
        kernels.inputParameterGradient(at(turn), delta, gw, gb, rows, PIXELS, outputs, Write.accumulate, scratch),
    },
  ];
}

function elementwise(): Measurement[] {
  const n = 78_400;
  const [a, b, c] = [numbers(n, 0), numbers(n, 0), numbers(n, 0)];
  const [wide, out] = [numbers(784 * 512, 0), numbers(784 * 512, 0)];
  const packed = arena.floats(packedFloats(32, PIXELS));
  const [y, delta, sums] = [numbers(32 * 10, 0), numbers(32 * 10, 0), numbers(2, 0)];
  const { softmaxCrossEntropy } = Loss;
  return [
    { name: 'add 78400', work: 12 * n, unit: 'GB/s', run: () => kernels.add(a, b, c, n) },
    { name: 'sgd 78400', work: 20 * n, unit: 'GB/s', run: () => kernels.sgd(a, b, c, n, 32, 1e-9, 0.9) },
    { name: 'allFinite 78400', work: 4 * n, unit: 'GB/s', run: () => void kernels.allFinite(a, n) },
    {
      name: 'transpose 784x512',
      work: 8 * 784 * 512,
      unit: 'GB/s',
      run: () => kernels.transpose(wide, 784, 512, out),
    },
    {
      name: 'gather 32 images',
      work: 0,
      unit: 'us',
      run: () => kernels.gather(records, labels, PIXELS, ids, 32, packed, fetchedLabels),
    },
    {
      name: 'softmax cross-entropy 32x10',
      work: 0,
      unit: 'us',
      run: () =>
        kernels.outputLoss(softmaxCrossEntropy, 0, y, fetchedLabels, delta, sums, 32, 10, Write.store, scratch),
    },
  ];
}

/** Measures all kernel calls of one micro-batch, for a network of relu layers with a softmax at the end. */
function network(rows: number, widths: number[]): Measurement {
  const packed = arena.floats(packedFloats(rows, PIXELS));
  const sums = numbers(2, 0);
  const layers = widths.slice(1).map((outputs, n) => ({
    inputs: widths[n],
    outputs,
    activation: n === widths.length - 2 ? Activation.linear : Activation.relu,
    y: numbers(rows * outputs, 0),
    delta: numbers(rows * outputs, 0),
    w: numbers(widths[n] * outputs, 0),
    wT: numbers(widths[n] * outputs, 0),
    b: numbers(outputs, 0),
    gw: numbers(widths[n] * outputs, 0),
    gb: numbers(outputs, 0),
  }));
  const last = layers[layers.length - 1];
  const { softmaxCrossEntropy } = Loss;
  const run = (turn: number) => {
    const first = ids + 4 * rows * (turn % Math.floor(IMAGES / rows));
    kernels.gather(records, labels, PIXELS, first, rows, packed, fetchedLabels);
    layers.forEach(({ w, b, y, inputs, outputs, activation }, n) => {
      if (n === 0) kernels.inputForward(packed, w, b, y, rows, inputs, outputs, activation, scratch);
      else kernels.denseForward(layers[n - 1].y, w, b, y, rows, inputs, outputs, activation, scratch);
    });
    const { y, delta, outputs } = last;
    kernels.outputLoss(softmaxCrossEntropy, 0, y, fetchedLabels, delta, sums, rows, outputs, Write.accumulate, scratch);
    for (let n = layers.length - 1; n > 0; n--) {
      const { delta, wT, gw, gb, inputs, outputs } = layers[n];
      const input = layers[n - 1].y;
      kernels.denseParameterGradient(input, delta, gw, gb, rows, inputs, outputs, Write.accumulate, scratch);
      const { activation, delta: deltaIn } = layers[n - 1];
      kernels.denseInputGradient(delta, wT, input, deltaIn, rows, inputs, outputs, activation, scratch);
    }
    const { delta: deltaFirst, gw, gb, outputs: width } = layers[0];
    kernels.inputParameterGradient(packed, deltaFirst, gw, gb, rows, PIXELS, width, Write.accumulate, scratch);
  };
  return { name: `micro-batch of ${rows}, ${widths.join('-')}`, work: 0, unit: 'us', run };
}

function loadImages(): string {
  const out = new Uint8Array(IMAGES * PIXELS);
  const source = fillImages(out);
  const addresses = new Uint32Array(memory.buffer, records, IMAGES);
  for (let [n, record] = [0, heap]; n < IMAGES; n++) {
    new Uint8Array(memory.buffer, image, PIXELS).set(out.subarray(n * PIXELS, (n + 1) * PIXELS));
    addresses[n] = record;
    record += kernels.keep(image, PIXELS, record);
  }
  new Uint32Array(memory.buffer, ids, IMAGES).forEach((_, i, all) => {
    all[i] = i;
  });
  return source;
}

function fillImages(out: Uint8Array): string {
  const place = process.env.LOCKSTEP_DATA;
  if (place !== undefined) {
    const file = gunzipSync(readFileSync(join(place, 'train-images-idx3-ubyte.gz')));
    out.set(file.subarray(16, 16 + out.length));
    return 'MNIST digits';
  }
  for (let i = 0; i < out.length; i++) out[i] = random.uniform() < 0.81 ? 0 : random.below(256);
  return 'random pixels (LOCKSTEP_DATA is not set)';
}

/**
 * Makes all measurements, and says what the pixels are. Call it once per process, because listing the measurements also
 * lays out their memory.
 */
export function prepare(): { measurements: readonly Measurement[]; pixels: string } {
  const measurements = [
    ...dense(64, 784, 512, 0),
    ...dense(64, 512, 512, 0),
    ...dense(16, 512, 512, 0),
    ...dense(64, 512, 512, 0.5),
    ...dense(16, 512, 512, 0.5),
    ...dense(32, 128, 64, 0.5),
    ...dense(32, 100, 10, 0),
    ...dense(32, 100, 10, 0.5),
    ...dense(16, 16, 16, 0.5),
    ...[16, 32, 64].flatMap((rows) => input(rows, 100)),
    ...input(64, 512),
    ...[16, 64].flatMap((rows) => input(rows, 16)),
    ...elementwise(),
    network(16, [784, 16, 16, 10]),
    network(32, [784, 100, 10]),
    network(32, [784, 128, 64, 10]),
    network(64, [784, 512, 512, 10]),
  ];
  memory = backend.createMemory(arena.end, false);
  kernels = memory.kernels;
  const pixels = loadImages();
  for (const fill of fills) fill();
  return { measurements, pixels };
}
