/** The weights alone, as a safetensors file for use elsewhere. */
import { tensorSpans } from '../../shared/model/parameters.js';
import type { ConfigFile } from './config.js';
import { sha256OfParts } from './floats.js';
import { encodeHeader } from './safetensors.js';

/** The file in parts. `weights` are bytes of float32, little-endian, and must not change meanwhile. */
export async function encodeModel({ model, dataset }: ConfigFile, weights: Uint8Array): Promise<Uint8Array[]> {
  const header = encodeHeader(tensorSpans(model), {
    model: JSON.stringify(model),
    layout: 'weight: inputs x outputs; y = activation(x weight + bias)',
    weightsSha256: await sha256OfParts([weights]),
    datasetSha256: dataset.sha256,
  });
  return [header, weights];
}
