import type { Pointer } from '../../arithmetic/kernels.js';
import { fraction, object } from '../../fields.js';
import { elements, type LayerKind, type Pass, type Place, type Shape } from './layer.js';
import { Parameterless } from './parameterless.js';

/** y = x where x > 0, else slope * x (Maas, Hannun and Ng 2013). */
export interface LeakyReluDescription {
  /** The slope. */
  readonly leakyRelu: number;
}

export const leakyRelu: LayerKind<LeakyReluDescription> = {
  check: object<LeakyReluDescription>({ leakyRelu: fraction }),
  build: ({ leakyRelu: slope }, input) => new LeakyRelu(Math.fround(slope), input),
};

class LeakyRelu extends Parameterless {
  private readonly width: number;

  constructor(
    private readonly slope: number,
    readonly output: Shape,
  ) {
    super();
    this.width = elements(output);
  }

  forward(at: Place, _parameters: Pointer, { rows }: Pass): void {
    const { slope, width } = this;
    const [xs, ys] = [at.floats(at.x, rows * width), at.floats(at.y, rows * width)];
    for (let i = 0; i < xs.length; i++) ys[i] = xs[i] > 0 ? xs[i] : slope * xs[i];
  }

  inputGradient(at: Place, delta: Pointer, deltaIn: Pointer, _transposed: Pointer, { rows }: Pass): void {
    const { slope, width } = this;
    const [deltas, out] = [at.floats(delta, rows * width), at.floats(deltaIn, rows * width)];
    const xs = at.floats(at.x, rows * width);
    for (let i = 0; i < xs.length; i++) out[i] = xs[i] > 0 ? deltas[i] : slope * deltas[i];
  }
}
