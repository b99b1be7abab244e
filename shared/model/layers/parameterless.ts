import type { ActivationCode, Pointer } from '../../arithmetic/kernels.js';
import type { Layer, LayerTensor, Pass, Place, Shape } from './layer.js';

/** A layer without parameters. Its kind has only the outputs to say, and the gradient at the inputs. */
export abstract class Parameterless implements Layer {
  abstract readonly output: Shape;
  readonly tensors: readonly LayerTensor[] = [];
  readonly activation: Layer['activation'] = 'linear';
  readonly carriesBack: boolean = false;
  readonly transposedFloats = 0;

  initialise(): void {}
  transpose(): void {}
  parameterGradient(): void {}

  scratchFloats(): number {
    return 0;
  }

  abstract forward(at: Place, parameters: Pointer, pass: Pass): void;
  abstract inputGradient(
    at: Place,
    delta: Pointer,
    deltaIn: Pointer,
    transposed: Pointer,
    pass: Pass,
    through: ActivationCode,
  ): void;
}
