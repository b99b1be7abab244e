/** All kinds of layers, by the field that names the kind in a model's description: `{ "dense": 128, … }`. */
import { assert } from '../../assert.js';
import type { Check } from '../../fields.js';
import { dense } from './dense.js';
import type { Layer, LayerKind, Shape } from './layer.js';

const kinds = {
  dense,
};

type KindName = keyof typeof kinds;
type Described<Kind> = Kind extends LayerKind<infer Description> ? Description : never;

/** A layer as a model's JSON has it. */
export type LayerDescription = Described<(typeof kinds)[KindName]>;

export const layerNames = Object.keys(kinds) as readonly KindName[];

/** A layer of a kind that there is, with the fields of that kind. */
export const checkLayer: Check = (path, x) => {
  const name = typeof x === 'object' && x !== null ? layerNames.find((kind) => Object.hasOwn(x, kind)) : undefined;
  if (name !== undefined) return kinds[name].check(path, x);
  return `${path} must be an object with a field that names the kind of layer: ${layerNames.join(', ')}`;
};

/** Which kind a checked description is of. */
export function kindOf(description: LayerDescription): KindName {
  const name = layerNames.find((kind) => Object.hasOwn(description, kind));
  assert(name !== undefined, 'the description of a layer was not checked');
  return name;
}

/** Whether the layer may be a model's first one. */
export function takesImages(description: LayerDescription): boolean {
  return kinds[kindOf(description)].takesImages;
}

/** The layer that a checked description makes, for samples of the shape `input`. */
export function buildLayer(description: LayerDescription, input: Shape): Layer {
  const kind: LayerKind<LayerDescription> = kinds[kindOf(description)];
  return kind.build(description, input);
}
