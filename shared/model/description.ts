/**
 * Reading a model description from outside: a file or the wire. Everything is checked by own keys, against the limits,
 * before anything is allocated from it; each fault is one sentence that names the field and what is allowed there.
 */

import { Activation, Loss } from '../arithmetic/kernels.js';
import { LockstepError } from '../errors.js';
import { limits } from '../limits.js';
import type { Model } from './model.js';
import { inputWidth, outputWidth, parameterCount } from './parameters.js';

/** Axes of one sample. */
const axesMax = 8;

/** What is wrong with a model description, or null: then `x` is a `Model`. */
export function invalidModel(x: unknown): string | null {
  return (
    invalidKeys('the model', x, ['input', 'layers', 'loss']) ??
    invalidInput((x as Model).input) ??
    invalidLayers((x as Model).layers) ??
    invalidLoss(x as Model) ??
    invalidSize(x as Model)
  );
}

/** What keeps a valid model from training on images of `shape` with labels below `classes`, or null. */
export function misfit(model: Model, shape: readonly number[], classes: number): string | null {
  if (model.input.join() !== shape.join()) {
    return `the model takes samples of shape [${model.input.join(', ')}], but the data set's are [${shape.join(', ')}]`;
  }
  if (outputWidth(model) >= classes) return null;
  return `the model's last layer has ${outputWidth(model)} outputs, but the data set has ${classes} classes`;
}

/**
 * The model that the text of a JSON file describes. `source` names the file in errors. Throws `model-invalid`, also
 * when the text is longer than `modelFileBytesMax` characters or is not JSON.
 */
export function parseModel(text: string, source: string): Model {
  const fault = text.length > limits.modelFileBytesMax ? `it is longer than ${limits.modelFileBytesMax} bytes` : null;
  const model = fault === null ? parseJson(text, source) : null;
  const sentence = fault ?? invalidModel(model);
  if (sentence === null) return model as Model;
  throw new LockstepError('model-invalid', `${source} is not a model description: ${sentence}. ${example}`);
}

const example =
  'A model looks like {"input": [28, 28], "layers": [{"dense": 128, "activation": "relu"}, ' +
  '{"dense": 10, "activation": "linear"}], "loss": "softmaxCrossEntropy"}.';

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LockstepError('model-invalid', `${source} is not JSON: ${reason}. ${example}`);
  }
}

function invalidInput(input: unknown): string | null {
  if (!Array.isArray(input) || input.length < 1 || input.length > axesMax) {
    return `input must be a list of 1 to ${axesMax} extents, the shape of one sample`;
  }
  for (const [axis, extent] of input.entries()) {
    const fault = invalidWidth(`input[${axis}]`, extent, limits.layerWidthMax);
    if (fault !== null) return fault;
  }
  const pixels = inputWidth({ input } as unknown as Model);
  return pixels <= limits.layerWidthMax ? null : `input has ${pixels} pixels, more than ${limits.layerWidthMax}`;
}

function invalidLayers(layers: unknown): string | null {
  if (!Array.isArray(layers) || layers.length < 1 || layers.length > limits.layersMax) {
    return `layers must be a list of 1 to ${limits.layersMax} layers`;
  }
  for (const [n, layer] of layers.entries()) {
    const widthMax = n === layers.length - 1 ? limits.classesMax : limits.layerWidthMax;
    const fault = invalidLayer(`layers[${n}]`, layer, widthMax);
    if (fault !== null) return fault;
  }
  return null;
}

function invalidLayer(path: string, layer: unknown, widthMax: number): string | null {
  return (
    invalidKeys(path, layer, ['dense', 'activation']) ??
    invalidWidth(`${path}.dense`, (layer as { dense: unknown }).dense, widthMax) ??
    invalidName(`${path}.activation`, (layer as { activation: unknown }).activation, Activation)
  );
}

function invalidLoss({ loss, layers }: Model): string | null {
  const fault = invalidName('loss', loss, Loss);
  const { activation } = layers[layers.length - 1];
  if (fault !== null || loss === 'quadratic' || activation === 'linear') return fault;
  const path = `layers[${layers.length - 1}].activation`;
  return `${path} is "${activation}", but loss "${loss}" takes raw scores: it must be "linear"`;
}

function invalidSize(model: Model): string | null {
  const count = parameterCount(model);
  if (count <= limits.parametersMax) return null;
  return `the model has ${count} parameters, more than ${limits.parametersMax}: use narrower layers`;
}

/** Null for an object with exactly these own keys. */
function invalidKeys(path: string, x: unknown, keys: readonly string[]): string | null {
  const expected = keys.map((key) => `"${key}"`).join(', ');
  if (typeof x !== 'object' || x === null || Array.isArray(x)) return `${path} must be an object with ${expected}`;
  const missing = keys.find((key) => !Object.hasOwn(x, key));
  if (missing !== undefined) return `${path} lacks "${missing}": it must have ${expected}`;
  const unknown = Object.keys(x).find((key) => !keys.includes(key));
  return unknown === undefined ? null : `${path} has an unknown field ${quoted(unknown)}: it may have ${expected}`;
}

function invalidWidth(path: string, x: unknown, max: number): string | null {
  if (typeof x === 'number' && Number.isInteger(x) && x >= 1 && x <= max) return null;
  return `${path} must be a whole number from 1 to ${max}`;
}

function invalidName(path: string, x: unknown, names: object): string | null {
  if (typeof x === 'string' && Object.hasOwn(names, x)) return null;
  return `${path} must be one of ${Object.keys(names).join(', ')}`;
}

/** A name from outside, short enough for a sentence. */
function quoted(name: string): string {
  return JSON.stringify(name.length > 32 ? `${name.slice(0, 32)}…` : name);
}
