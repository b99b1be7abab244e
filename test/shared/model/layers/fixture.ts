/** Shared by the tests of layers: one layer with its own memory, between inputs and gradients that a test chooses. */
import { type Pointer, Write } from '../../../../shared/arithmetic/kernels.js';
import { elements, type Moment, type Pass, Place, type Shape } from '../../../../shared/model/layers/layer.js';
import { buildLayer, type LayerDescription } from '../../../../shared/model/layers/layers.js';
import { Random } from '../../../../shared/random.js';
import { scalar } from '../../arithmetic/backends.js';

export interface PassOptions {
  /** The parameters of the layer. The first values are the default. */
  readonly parameters?: Float32Array;
  /** The gradient at the outputs. Without one, there is no backward pass. */
  readonly delta?: Float32Array;
  /** What the gradient of the parameters is added to. Without it, the gradient is stored. */
  readonly before?: Float32Array;
  readonly moment?: Moment | null;
  /** Numbers of the samples. The default is 0, 1, 2, … */
  readonly ids?: readonly number[];
  /** Number of the layer in its chain. */
  readonly index?: number;
}

export interface Passed {
  readonly y: Float32Array;
  readonly gradient: Float32Array;
  readonly deltaIn: Float32Array;
}

const memoryBytes = 2 ** 20;
/** Whatever a layer finds in memory that it has not written itself. */
const leftover = 0x5a;

/** Passes the inputs `x` of some samples through a layer whose inputs have the shape `input`, and `delta` back. */
export function passThrough(
  description: LayerDescription,
  input: Shape,
  x: Float32Array,
  { parameters, delta, before, moment = { seed: 1, epoch: 0 }, ids, index = 1 }: PassOptions = {},
): Passed {
  const layer = buildLayer(description, input);
  const memory = scalar.createMemory(memoryBytes, false);
  const { kernels } = memory;
  new Uint8Array(memory.buffer).fill(leftover);
  let end: Pointer = 64;
  const take = (floats: number, content?: ArrayLike<number>): Pointer => {
    const at = end;
    end += 16 * Math.ceil(floats / 4);
    if (content !== undefined) new Float32Array(memory.buffer, at, floats).set(content);
    return at;
  };
  const [rows, width] = [x.length / elements(input), elements(layer.output)];
  const own = parameters ?? firstParameters(description, input);
  const samples = take(rows);
  new Uint32Array(memory.buffer, samples, rows).set(ids ?? Array.from({ length: rows }, (_, r) => r));
  const pass: Pass = { rows, ids: samples, moment };
  const [xAt, yAt, deltaInAt] = [take(x.length, x), take(rows * width), take(x.length)];
  const scratch = take(layer.scratchFloats(rows, scalar.sizes));
  const place = new Place(memory, index, xAt, yAt, scratch, take(layer.keptFloats?.(rows) ?? 0));
  const [weights, gradientAt] = [take(own.length, own), take(own.length, before ?? [])];
  const transposed = take(layer.transposedFloats);
  layer.transpose(kernels, weights, transposed);
  layer.forward(place, weights, pass);
  if (delta !== undefined) {
    const deltaAt = take(delta.length, delta);
    const write = before === undefined ? Write.store : Write.accumulate;
    layer.parameterGradient(place, deltaAt, gradientAt, pass, write);
    layer.inputGradient(place, deltaAt, deltaInAt, transposed, pass, 0);
  }
  const copy = (at: Pointer, floats: number) => new Float32Array(memory.buffer, at, floats).slice();
  return { y: copy(yAt, rows * width), gradient: copy(gradientAt, own.length), deltaIn: copy(deltaInAt, x.length) };
}

/** The first values of a layer's parameters. */
export function firstParameters(description: LayerDescription, input: Shape): Float32Array {
  const layer = buildLayer(description, input);
  const count = layer.tensors.reduce((sum, { shape }) => sum + elements(shape), 0);
  const parameters = new Float32Array(count);
  layer.initialise(parameters, new Random(1));
  return parameters;
}

/** Random numbers from -2 to 2. With `steps`, they are multiples of 1 / steps, so that some are equal. */
export function numbers(count: number, seed: number, steps = 2 ** 20): Float32Array {
  const random = new Random(seed, 103);
  return Float32Array.from({ length: count }, () => Math.round((4 * random.uniform() - 2) * steps) / steps);
}

/** The indexes of the inputs of each window, row by row. There is one window for each output, in their order. */
export function windowsOf(
  rows: number,
  [height, width, channels = 1]: Shape,
  size: number,
  stride: number,
): number[][] {
  const windows: number[][] = [];
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);
  for (let r = 0; r < rows; r++) {
    for (let oy = 0; oy * stride + size <= height; oy++) {
      for (let ox = 0; ox * stride + size <= width; ox++) {
        for (let c = 0; c < channels; c++) {
          const input = (ky: number, kx: number) =>
            ((r * height + oy * stride + ky) * width + ox * stride + kx) * channels + c;
          windows.push(upTo(size).flatMap((ky) => upTo(size).map((kx) => input(ky, kx))));
        }
      }
    }
  }
  return windows;
}
