/** The weights alone, as a safetensors file that other programs can read. */
import { tensorSpans } from '../../shared/model/parameters.js';
import type { ConfigFile } from './config.js';
import { sha256OfParts } from './floats.js';
import { decodeHeader, encodeHeader, MalformedFile } from './safetensors.js';

/** Makes the parts of the file. `weights` are little-endian float32 bytes, and must not change until this resolves. */
export async function encodeModel({ model, dataset }: ConfigFile, weights: Uint8Array): Promise<Uint8Array[]> {
  const header = encodeHeader(tensorSpans(model), {
    model: JSON.stringify(model),
    layout: 'weight: inputs x outputs; y = activation(x weight + bias)',
    weightsSha256: await sha256OfParts([weights]),
    datasetSha256: dataset.sha256,
  });
  return [header, weights];
}

/** Reads the weights of such a file, as little-endian float32 bytes. Throws `MalformedFile` if the file is damaged. */
export async function decodeModel({ model }: ConfigFile, file: Uint8Array): Promise<Uint8Array> {
  const { tensors, metadata, data } = decodeHeader(file);
  const wanted = tensorSpans(model).map(({ name, shape }) => ({ name, shape }));
  if (JSON.stringify(tensors) !== JSON.stringify(wanted)) throw new MalformedFile("its tensors are not the model's");
  if (metadata.weightsSha256 === (await sha256OfParts([data]))) return data;
  throw new MalformedFile('its SHA-256 does not match its content');
}
