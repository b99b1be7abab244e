/**
 * Reads weights for a model from any file in the safetensors format that has its tensors: `model.safetensors` of a run, a
 * checkpoint, or a file that another program has written with the same names and shapes.
 */
import type { Model } from '../../shared/model/model.js';
import { tensorSpans } from '../../shared/model/parameters.js';
import { checkpointFormat } from './checkpoint-file.js';
import { floatsOf, weightsSha256 } from './floats.js';
import { weightsIn } from './model-file.js';
import { decodeHeader, MalformedFile } from './safetensors.js';

export interface FirstWeights {
  readonly weights: Float32Array;
  readonly weightsSha256: string;
}

/** Throws `MalformedFile` if the file is damaged, or if its tensors are not those of the model. */
export function decodeFirstWeights(model: Model, file: Uint8Array): FirstWeights {
  const layout = decodeHeader(file);
  const { metadata } = layout;
  // A checkpoint also has the optimizer's vectors.
  const weights = floatsOf(weightsIn(model, layout, metadata.format === checkpointFormat));
  const sha256 = weightsSha256(weights);
  // Files of Lockstep state the hash of their weights. Files of other programs state none.
  if ((metadata.weightsSha256 ?? sha256) !== sha256) throw new MalformedFile('its SHA-256 does not match its content');
  checkFinite(model, weights);
  return { weights, weightsSha256: sha256 };
}

function checkFinite(model: Model, weights: Float32Array): void {
  const at = weights.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  const { name, offset } = tensorSpans(model).findLast((span) => span.offset <= at)!;
  throw new MalformedFile(`value ${at - offset} of its tensor ${name} is ${weights[at]}, which is not a finite number`);
}
