import type { Pointer } from '../../arithmetic/kernels.js';
import { object, oneOf } from '../../fields.js';
import { elements, type LayerKind, type Pass, type Place, type Shape } from './layer.js';
import { Parameterless } from './parameterless.js';

/** Makes one row of its input. Dense layers do the same by themselves; this layer is for models that say it. */
export interface FlattenDescription {
  readonly flatten: true;
}

export const flatten: LayerKind<FlattenDescription> = {
  check: object<FlattenDescription>({ flatten: oneOf(true) }),
  build: (_description, input) => new Flatten(elements(input)),
};

class Flatten extends Parameterless {
  readonly output: Shape;

  constructor(private readonly width: number) {
    super();
    this.output = [width];
  }

  forward(at: Place, _parameters: Pointer, { rows }: Pass): void {
    at.floats(at.y, rows * this.width).set(at.floats(at.x, rows * this.width));
  }

  inputGradient(at: Place, delta: Pointer, deltaIn: Pointer, _transposed: Pointer, { rows }: Pass): void {
    at.floats(deltaIn, rows * this.width).set(at.floats(delta, rows * this.width));
  }
}
