/**
 * Reads a model description from outside: from a file or from the wire. Every field is checked against the limits
 * before anything is allocated from it.
 */

import { Loss } from '../arithmetic/kernels.js';
import { LockstepError } from '../errors.js';
import { both, list, object, oneOf, wholeNumber } from '../fields.js';
import { limits } from '../limits.js';
import { printableOf } from '../text.js';
import { type Chain, chainOf } from './chain.js';
import { buildLayer, checkLayer, layerMisfit } from './layers/layers.js';
import type { Model } from './model.js';
import { inputWidth, outputsOf, outputWidth, parametersOf } from './parameters.js';

/** The most axes that a sample may have. */
const axesMax = 8;

const fields = object<Model>({
  input: list(1, axesMax, wholeNumber(1, limits.layerWidthMax)),
  layers: list(1, limits.layersMax, checkLayer),
  loss: oneOf(...Object.keys(Loss)),
});

/** Checks a model: every field, and that the whole can be built within the limits. */
export const checkModel = both(fields, (path, x) => invalidWhole(path, x as Model));

/** Returns one sentence that says what is wrong with a model description. Null means that `x` is a `Model`. */
export function invalidModel(x: unknown): string | null {
  return checkModel('model', x);
}

/** Says why a valid model cannot train on images of `shape` with labels below `classes`. Null means that it can. */
export function misfit(model: Model, shape: readonly number[], classes: number): string | null {
  if (model.input.join() !== shape.join()) {
    return `the model takes samples of shape [${model.input.join(', ')}], but the data set's are [${shape.join(', ')}]`;
  }
  if (outputWidth(model) >= classes) return null;
  return `the model's last layer has ${outputWidth(model)} outputs, but the data set has ${classes} classes`;
}

/**
 * Reads the text of a model file. `source` names the file in errors. Throws `model-invalid` for a text that is longer
 * than `modelFileBytesMax` characters, that is not JSON, or that describes no valid model.
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

const reasonLengthMax = 200;

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The reason quotes the text, which may be that of any file.
    const reason = printableOf(error instanceof Error ? error.message : String(error), reasonLengthMax);
    throw new LockstepError('model-invalid', `${source} is not JSON: ${reason}. ${example}`);
  }
}

/** Checks what no single field shows. */
function invalidWhole(path: string, model: Model): string | null {
  const { layerWidthMax, classesMax, parametersMax } = limits;
  const pixels = inputWidth(model);
  if (pixels > layerWidthMax) return `${path}.input has ${pixels} pixels, more than ${layerWidthMax}`;
  const fault = invalidShapes(path, model);
  if (fault !== null) return fault;
  const chain = chainOf(model);
  const wide = chain.findIndex(({ width }) => width > layerWidthMax);
  if (wide >= 0) return `${path}.layers[${wide}] has ${chain[wide].width} outputs, more than ${layerWidthMax}`;
  const outputs = outputsOf(chain);
  if (outputs > classesMax) return `${path}.layers ends with ${outputs} outputs, more than ${classesMax}`;
  const parameters = parametersOf(chain);
  if (parameters > parametersMax) {
    return `${path} has ${parameters} parameters, more than ${parametersMax}: use narrower layers`;
  }
  return invalidLoss(path, model.loss, chain);
}

/** Checks that each layer can take the outputs of the layer before. */
function invalidShapes(path: string, { input, layers }: Model): string | null {
  let shape = input;
  for (const [n, description] of layers.entries()) {
    const fault = layerMisfit(description, shape);
    if (fault !== null) return `${path}.layers[${n}] ${fault}`;
    shape = buildLayer(description, shape).output;
  }
  return null;
}

function invalidLoss(path: string, loss: Model['loss'], chain: Chain): string | null {
  const last = chain.length - 1;
  const { activation } = chain[last].layer;
  if (loss === 'quadratic' || activation === 'linear') return null;
  return `${path}.layers[${last}].activation is "${activation}", but loss "${loss}" takes raw scores: use "linear"`;
}
