/**
 * The operands of the timed kernel calls, in one memory of a backend: random numbers, and the images of MNIST.
 *
 * What this is not: the calls, which are in `kernel-cases.ts`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Arena } from '../../shared/arithmetic/arena.js';
import type { KernelBackend, KernelMemory, KernelSizes } from '../../shared/arithmetic/backend.js';
import type { ConvSizes } from '../../shared/arithmetic/conv-sizes.js';
import type { Kernels, Pointer } from '../../shared/arithmetic/kernels.js';
import { Random } from '../../shared/random.js';

export const PIXELS = 784;
export const IMAGES = 4096;
/** The number of different batches. The turns use them one after the other, so that no branch predictor learns one. */
const BATCHES = 16;
/** The largest sizes of a measured layer. */
const [rowsMax, outputsMax] = [256, 512];

/** What the images are. */
export const pixelsSource =
  process.env.LOCKSTEP_DATA === undefined ? 'random pixels (LOCKSTEP_DATA is not set)' : 'MNIST digits';

/** Operands are laid out first. Then `fill` makes the memory and the contents, and `kernels` may be called. */
export class Operands {
  readonly records: Pointer;
  readonly ids: Pointer;
  readonly labels: Pointer;
  readonly fetchedLabels: Pointer;
  readonly scratch: Pointer;
  private readonly arena = new Arena();
  private readonly random = new Random(1);
  private readonly image: Pointer;
  private readonly heap: Pointer;
  private readonly fills: (() => void)[] = [];
  private made: KernelMemory | null = null;

  constructor(
    private readonly backend: KernelBackend,
    private readonly sizes: KernelSizes,
  ) {
    const { arena } = this;
    this.records = arena.uint32(IMAGES);
    this.image = arena.bytes(PIXELS);
    this.heap = arena.bytes(IMAGES * sizes.recordBytesMax(PIXELS));
    this.labels = arena.bytes(IMAGES);
    this.ids = arena.uint32(IMAGES);
    this.scratch = arena.floats(sizes.scratchFloats(rowsMax, PIXELS, outputsMax));
    this.fetchedLabels = arena.bytes(rowsMax);
  }

  private get memory(): KernelMemory {
    if (this.made === null) throw new Error('the operands are not filled yet');
    return this.made;
  }

  /** Lays out random numbers, a fraction `zeros` of which are zero. */
  numbers(length: number, zeros: number): Pointer {
    const at = this.arena.floats(length);
    this.fills.push(() => {
      const { random } = this;
      const out = new Float32Array(this.memory.buffer, at, length);
      for (let i = 0; i < length; i++) out[i] = random.uniform() < zeros ? 0 : random.uniform() - 0.5;
    });
    return at;
  }

  /** Lays out room for a packed micro-batch. */
  packed(rows: number): Pointer {
    return this.arena.floats(this.sizes.packedFloats(rows, PIXELS));
  }

  /** Lays out the scratch of a convolution. */
  convScratch(sizes: ConvSizes): Pointer {
    return this.arena.floats(this.sizes.convScratchFloats(sizes));
  }

  /** Lays out packed batches of images. Returns the batch of a turn. */
  batches(rows: number): (turn: number) => Pointer {
    const all = Array.from({ length: BATCHES }, () => this.packed(rows));
    this.fills.push(() => {
      const { records, labels, ids, fetchedLabels, memory } = this;
      for (const [n, packed] of all.entries()) {
        memory.kernels.gather(records, labels, PIXELS, ids + 4 * rows * n, rows, packed, fetchedLabels);
      }
    });
    return (turn) => all[turn % BATCHES];
  }

  /** Makes the memory and its contents. Returns the kernels over this memory. */
  fill(): Kernels {
    this.made = this.backend.createMemory(this.arena.end, false);
    this.keepImages(images(this.random));
    for (const fill of this.fills) fill();
    return this.made.kernels;
  }

  private keepImages(pixels: Uint8Array): void {
    const { memory, image, ids } = this;
    const addresses = new Uint32Array(memory.buffer, this.records, IMAGES);
    for (let [n, record] = [0, this.heap]; n < IMAGES; n++) {
      new Uint8Array(memory.buffer, image, PIXELS).set(pixels.subarray(n * PIXELS, (n + 1) * PIXELS));
      addresses[n] = record;
      record += memory.kernels.keep(image, PIXELS, record);
    }
    new Uint32Array(memory.buffer, ids, IMAGES).set(Uint32Array.from({ length: IMAGES }, (_, i) => i));
  }
}

function images(random: Random): Uint8Array {
  const place = process.env.LOCKSTEP_DATA;
  if (place !== undefined) {
    const file = gunzipSync(readFileSync(join(place, 'train-images-idx3-ubyte.gz')));
    return file.subarray(16, 16 + IMAGES * PIXELS);
  }
  return Uint8Array.from({ length: IMAGES * PIXELS }, () => (random.uniform() < 0.81 ? 0 : random.below(256)));
}
