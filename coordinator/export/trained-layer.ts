/** A trained model layer by layer, and how a format says how it writes each kind of layer. */
import { LockstepError } from '../../shared/errors.js';
import { chainOf } from '../../shared/model/chain.js';
import { elements, type Layer, type Shape } from '../../shared/model/layers/layer.js';
import { type DescriptionOf, kindOf, type LayerDescription, type LayerName } from '../../shared/model/layers/layers.js';
import type { Model } from '../../shared/model/model.js';
import type { Tensor } from '../archive/safetensors.js';

export interface TrainedLayer<Description = LayerDescription> {
  /** Its number in the model, from 0. */
  readonly index: number;
  readonly description: Description;
  readonly activation: Layer['activation'];
  readonly input: Shape;
  readonly output: Shape;
  /** Its parameters, named as within the layer: `weight`. */
  readonly tensors: readonly Tensor[];
}

export function trainedLayers(model: Model, weights: Float32Array): TrainedLayer[] {
  let input = model.input;
  return chainOf(model).map(({ layer, offset }, index) => {
    let at = offset;
    const tensors = layer.tensors.map(({ name, shape }) => {
      const begin = at;
      at += elements(shape);
      return { name, shape, values: weights.subarray(begin, at) };
    });
    const { activation, output } = layer;
    const trained = { index, description: model.layers[index], activation, input, output, tensors };
    input = output;
    return trained;
  });
}

/** The functions with which a format writes the kinds of layers. `Target` is the model in that format, as far as it is made. */
export type LayerWriters<Target> = {
  readonly [Name in LayerName]?: (layer: TrainedLayer<DescriptionOf<Name>>, target: Target) => void;
};

/** Writes all layers, from the first to the last. Throws `format-unsupported` if the format has no such layer. */
export function writeLayers<Target>(
  format: string,
  writers: LayerWriters<Target>,
  layers: readonly TrainedLayer[],
  target: Target,
): void {
  for (const layer of layers) {
    const kind = kindOf(layer.description);
    const write = writers[kind] as ((layer: TrainedLayer, target: Target) => void) | undefined;
    if (write === undefined) throw unsupported(format, layer.index, kind);
    write(layer, target);
  }
}

function unsupported(format: string, index: number, kind: string): LockstepError {
  const sentence = `layers[${index}] of the model is of the kind "${kind}", which cannot be written as ${format}`;
  return new LockstepError('format-unsupported', `${sentence}. The formats safetensors and html take every layer.`);
}

/**
 * The shape of a layer's input or output as an image: [height, width, channels]. A shape of two axes has one channel.
 * Of more than three axes, all but the last two count as the height.
 */
export function imageShape(shape: Shape): readonly [height: number, width: number, channels: number] {
  if (shape.length === 2) return [shape[0], shape[1], 1];
  const [width, channels] = shape.slice(-2);
  return [elements(shape.slice(0, -2)), width, channels];
}

/**
 * Whether the values of an image are in the same order if its channels come first. That is so with one channel, and
 * with one position.
 */
export function isSameChannelsFirst(shape: Shape): boolean {
  if (shape.length < 2) return true;
  const [height, width, channels] = imageShape(shape);
  return channels === 1 || height * width === 1;
}

/** Writes a tensor with its axes in another order: axis `n` of the result is axis `order[n]` of the tensor. */
export function permuted(
  { shape, values }: Pick<Tensor, 'shape' | 'values'>,
  order: readonly number[],
): Pick<Tensor, 'shape' | 'values'> {
  const extents = order.map((axis) => shape[axis]);
  const steps = order.map((axis) => elements(shape.slice(axis + 1)));
  const out = new Float32Array(values.length);
  const place = order.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = values[from];
    // The place counts up like the digits of a number, the last axis first.
    for (let axis = order.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      place[axis] += 1;
      if (place[axis] < extents[axis]) break;
      from -= steps[axis] * extents[axis];
      place[axis] = 0;
    }
  }
  return { shape: extents, values: out };
}
