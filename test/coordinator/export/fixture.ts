import { weightsSha256 } from '../../../coordinator/archive/floats.js';
import { type ExportedModel, exportedModel } from '../../../coordinator/export/exported-model.js';
import type { Model } from '../../../shared/model/model.js';

/** A model that is exported from a file which lies alone. */
export function exportedOf(model: Model, weights: Float32Array): ExportedModel {
  const hash = weightsSha256(weights);
  const alone = { step: 12, config: null, datasetSha256: null };
  return exportedModel({ path: 'runs/some/model.safetensors', model, weights, weightsSha256: hash, ...alone }, null);
}
