/** The weights alone, as a safetensors file that other programs can read. */
import { invalidModel } from '../../shared/model/description.js';
import type { Model } from '../../shared/model/model.js';
import { tensorSpans } from '../../shared/model/parameters.js';
import { printableOf } from '../../shared/text.js';
import type { ConfigFile } from './config.js';
import { sha256OfParts } from './floats.js';
import {
  decodeHeader,
  encodeHeader,
  type Layout,
  MalformedFile,
  type Metadata,
  type TensorShape,
} from './safetensors.js';

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
export async function decodeModel({ model }: Pick<ConfigFile, 'model'>, file: Uint8Array): Promise<Uint8Array> {
  const layout = decodeHeader(file);
  const weights = weightsIn(model, layout);
  if (layout.metadata.weightsSha256 === (await sha256OfParts([weights]))) return weights;
  throw new MalformedFile('its SHA-256 does not match its content');
}

/** Reads the description of the model in the metadata of a file. Throws `MalformedFile` with the reason. */
export function modelIn({ model: text }: Metadata): Model {
  if (text === undefined) {
    throw new MalformedFile('its metadata have no field "model", which describes the layers in the files of a run');
  }
  const model = parsed(text);
  const fault = invalidModel(model);
  if (fault !== null) throw new MalformedFile(`the description of the model in its metadata is wrong: ${fault}`);
  return model as Model;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MalformedFile('the description of the model in its metadata is not JSON');
  }
}

/**
 * The weights of a model as one flat vector. The tensors may be in any order in the file: other programs sort them by their
 * names. `allowsMore` says whether the file may have tensors of other names. Throws `MalformedFile`, which names the tensor.
 */
export function weightsIn(model: Model, { tensors, data }: Omit<Layout, 'metadata'>, allowsMore = false): Uint8Array {
  const held = placesOf(tensors);
  const spans = tensorSpans(model);
  const parts = spans.map(({ name, shape }) => {
    const found = held.get(name);
    if (found === undefined) throw new MalformedFile(`it lacks the tensor ${name} of shape ${shapeText(shape)}`);
    held.delete(name);
    if (found.shape.join() === shape.join()) return data.subarray(found.begin, found.end);
    const needed = `the model needs ${shapeText(shape)}`;
    const remedy = isTransposed(found.shape, shape) ? '; transpose it: PyTorch has outputs x inputs' : '';
    throw new MalformedFile(`its tensor ${name} has the shape ${shapeText(found.shape)}, and ${needed}${remedy}`);
  });
  const [other] = held.keys();
  if (other !== undefined && !allowsMore) {
    throw new MalformedFile(`it has a tensor "${printableOf(other, 64)}", which the model does not have`);
  }
  return Buffer.concat(parts);
}

/** Where each tensor lies in the data, by its name. */
function placesOf(tensors: readonly TensorShape[]) {
  let end = 0;
  return new Map(
    tensors.map(({ name, shape }) => {
      const begin = end;
      end += 4 * shape.reduce((product, extent) => product * extent, 1);
      return [name, { shape, begin, end }];
    }),
  );
}

function isTransposed(shape: readonly number[], wanted: readonly number[]): boolean {
  return wanted.length === 2 && shape.join() === wanted.toReversed().join();
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
