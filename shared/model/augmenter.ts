/**
 * Distorts the samples of a micro-batch on their way into a network. They become records of the thread's own region, and
 * are gathered from there: the kernels and everything behind them see no difference.
 */
import type { KernelMemory, KernelSizes } from '../arithmetic/backend.js';
import type { Pointer } from '../arithmetic/kernels.js';
import type { AugmentDescription } from '../data/augment.js';
import { Distortion } from '../data/distortion.js';
import { elements, type Moment, type Pass, type Shape } from './layers/layer.js';

/** Where the samples are kept: addresses of the records by sample, uint32, and one byte for each label. */
interface Store {
  readonly records: Pointer;
  readonly labels: Pointer;
}

export class Augmenter {
  private readonly distortion: Distortion;
  private readonly pixels: number;
  private readonly recordBytes: number;
  private readonly at: ReturnType<typeof layOut>;

  /** Size of the region of an augmenter for micro-batches of at most `rowsMax` samples. */
  static bytesNeeded(shape: Shape, rowsMax: number, sizes: KernelSizes): number {
    return layOut(0, elements(shape), rowsMax, sizes).end;
  }

  /** `base` is the start of a region of `bytesNeeded` bytes in `memory`, a multiple of 16. */
  constructor(
    private readonly memory: KernelMemory,
    sizes: KernelSizes,
    description: AugmentDescription,
    shape: Shape,
    rowsMax: number,
    base: Pointer,
  ) {
    this.distortion = new Distortion(description, shape);
    this.pixels = elements(shape);
    this.recordBytes = sizes.recordBytesMax(this.pixels);
    this.at = layOut(base, this.pixels, rowsMax, sizes);
    const { rows, addresses, records } = this.at;
    new Uint32Array(memory.buffer, rows, rowsMax).forEach((_, row, all) => {
      all[row] = row;
    });
    new Uint32Array(memory.buffer, addresses, rowsMax).forEach((_, row, all) => {
      all[row] = records + row * this.recordBytes;
    });
  }

  /** Does what `Kernels.gather` does, with each sample's image as it is at this moment. */
  gather(from: Store, { ids, rows }: Pass, { seed, epoch }: Moment, packed: Pointer, labelsOut: Pointer): void {
    const { at, pixels, distortion, recordBytes } = this;
    const { buffer, kernels } = this.memory;
    const image = new Uint8Array(buffer, at.image, pixels);
    const labels = new Uint8Array(buffer, at.labels, rows);
    const [records, samples] = [new Uint32Array(buffer, from.records), new Uint32Array(buffer, ids, rows)];
    const labelsOf = new Uint8Array(buffer, from.labels);
    for (let row = 0; row < rows; row++) {
      const sample = samples[row];
      kernels.restore(records[sample], pixels, at.image);
      distortion.distort(image, seed, epoch, sample);
      kernels.keep(at.image, pixels, at.records + row * recordBytes);
      labels[row] = labelsOf[sample];
    }
    kernels.gather(at.addresses, at.labels, pixels, at.rows, rows, packed, labelsOut);
  }
}

/** An image on its way; the numbers of the rows and the addresses of their records, uint32; labels; records. */
function layOut(base: Pointer, pixels: number, rowsMax: number, sizes: KernelSizes) {
  let end = base;
  const claim = (bytes: number): Pointer => {
    const at = end;
    end += Math.ceil(bytes / 16) * 16;
    return at;
  };
  const regions = {
    image: claim(pixels),
    rows: claim(4 * rowsMax),
    addresses: claim(4 * rowsMax),
    labels: claim(rowsMax),
    records: claim(rowsMax * sizes.recordBytesMax(pixels)),
  };
  return { ...regions, end };
}
