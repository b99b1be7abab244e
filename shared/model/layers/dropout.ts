import type { Pointer } from '../../arithmetic/kernels.js';
import { between, object } from '../../fields.js';
import { Random, stream } from '../../random.js';
import { elements, type LayerKind, type Pass, type Place, type Shape } from './layer.js';
import { Parameterless } from './parameterless.js';

const f = Math.fround;

/**
 * In training, a random choice of the values becomes 0, and the others grow so that the mean stays (Srivastava et al.
 * 2014). An evaluation changes nothing. The choice depends on the seed, the layer, the epoch and the sample. It does not
 * depend on where the sample lies in a micro-batch.
 */
export interface DropoutDescription {
  /** The probability of a value to become 0. */
  readonly dropout: number;
}

/** The highest probability. It is far enough from 1 that the factor of the other values is small. */
const dropoutMax = 0.99;

export const dropout: LayerKind<DropoutDescription> = {
  check: object<DropoutDescription>({ dropout: between(0, dropoutMax) }),
  build: ({ dropout: probability }, input) => new Dropout(f(probability), input),
};

class Dropout extends Parameterless {
  private readonly width: number;
  /** The factor of the values that stay. */
  private readonly scale: number;

  constructor(
    private readonly probability: number,
    readonly output: Shape,
  ) {
    super();
    this.width = elements(output);
    this.scale = f(1 / f(1 - probability));
  }

  /** For each value, a byte: whether it stays. */
  keptFloats(rows: number): number {
    return Math.ceil((rows * this.width) / 4);
  }

  forward(at: Place, _parameters: Pointer, { rows, ids, moment }: Pass): void {
    const { probability, scale, width } = this;
    const [xs, ys] = [at.floats(at.x, rows * width), at.floats(at.y, rows * width)];
    if (moment === null) {
      ys.set(xs);
      return;
    }
    const [samples, stays] = [at.uint32s(ids, rows), at.bytes(at.kept, rows * width)];
    for (let r = 0; r < rows; r++) {
      const random = new Random(moment.seed, stream.dropout, at.index, moment.epoch, samples[r]);
      for (let i = r * width; i < (r + 1) * width; i++) {
        const doesStay = random.uniform() >= probability;
        stays[i] = doesStay ? 1 : 0;
        ys[i] = doesStay ? scale * xs[i] : 0;
      }
    }
  }

  inputGradient(at: Place, delta: Pointer, deltaIn: Pointer, _transposed: Pointer, { rows }: Pass): void {
    const { scale, width } = this;
    const [deltas, out] = [at.floats(delta, rows * width), at.floats(deltaIn, rows * width)];
    const stays = at.bytes(at.kept, rows * width);
    for (let i = 0; i < out.length; i++) out[i] = stays[i] === 1 ? scale * deltas[i] : 0;
  }
}
