/** The table of all kinds of layers. A description names its kind by having a field of that name: `{ "dense": 128, … }`. */
import { assert } from '../../assert.js';
import type { Check } from '../../fields.js';
import { averagePool } from './average-pool.js';
import { batchNorm } from './batch-norm.js';
import { conv2d } from './conv2d.js';
import { dense } from './dense.js';
import { dropout } from './dropout.js';
import { flatten } from './flatten.js';
import { globalAveragePool } from './global-average-pool.js';
import type { Layer, LayerKind, Shape } from './layer.js';
import { leakyRelu } from './leaky-relu.js';
import { maxPool } from './max-pool.js';

const kinds = {
  dense,
  conv2d,
  maxPool,
  averagePool,
  globalAveragePool,
  flatten,
  dropout,
  batchNorm,
  leakyRelu,
};

export type LayerName = keyof typeof kinds;
type Described<Kind> = Kind extends LayerKind<infer Description> ? Description : never;

/** A layer of the kind `Name` in the JSON of a model. */
export type DescriptionOf<Name extends LayerName> = Described<(typeof kinds)[Name]>;

/** A layer in the JSON of a model. */
export type LayerDescription = DescriptionOf<LayerName>;

export const layerNames = Object.keys(kinds) as readonly LayerName[];

/** Checks that a layer is of a known kind and has the fields of that kind. */
export const checkLayer: Check = (path, x) => {
  const name = typeof x === 'object' && x !== null ? layerNames.find((kind) => Object.hasOwn(x, kind)) : undefined;
  if (name !== undefined) return kinds[name].check(path, x);
  return `${path} must be an object with a field that names the kind of layer: ${layerNames.join(', ')}`;
};

/** The kind of a checked description. */
export function kindOf(description: LayerDescription): LayerName {
  const name = layerNames.find((kind) => Object.hasOwn(description, kind));
  assert(name !== undefined, 'the description of a layer was not checked');
  return name;
}

/** Says why a layer of a checked description cannot take inputs of the shape `input`. Null means that it can. */
export function layerMisfit(description: LayerDescription, input: Shape): string | null {
  const name = kindOf(description);
  const kind: LayerKind<LayerDescription> = kinds[name];
  const fault = kind.misfit?.(description, input) ?? null;
  return fault === null ? null : `(${name}) ${fault}`;
}

/** Builds the layer of a checked description, for inputs of the shape `input`, which fits. */
export function buildLayer(description: LayerDescription, input: Shape): Layer {
  const kind: LayerKind<LayerDescription> = kinds[kindOf(description)];
  return kind.build(description, input);
}
