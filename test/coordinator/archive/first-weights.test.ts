import { describe, expect, it } from 'vitest';
import { encodeCheckpoint, freeze, ownerOf } from '../../../coordinator/archive/checkpoint-file.js';
import { decodeFirstWeights } from '../../../coordinator/archive/first-weights.js';
import { littleEndianBytes, weightsSha256 } from '../../../coordinator/archive/floats.js';
import { encodeModel } from '../../../coordinator/archive/model-file.js';
import { encodeHeader, MalformedFile, type TensorShape } from '../../../coordinator/archive/safetensors.js';
import type { Model } from '../../../shared/model/model.js';
import { config, model, snapshot, vector } from './samples.js';

/** A file as another program writes it: these tensors, filled with 1, 2, 3 and so on, and no metadata. */
function foreign(tensors: readonly TensorShape[], change: (values: Float32Array) => void = () => {}): Uint8Array {
  const elements = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const values = Float32Array.from({ length: elements }, (_, i) => i + 1);
  change(values);
  return Buffer.concat([encodeHeader(tensors, {}), littleEndianBytes(values)]);
}

const weight: TensorShape = { name: 'layers.0.weight', shape: [2, 3] };
const bias: TensorShape = { name: 'layers.0.bias', shape: [3] };

describe('first weights', () => {
  it('come from the model of a run, and from a checkpoint, whose other vectors do not matter', async () => {
    const expected = { weights: vector(7), weightsSha256: weightsSha256(vector(7)) };
    const ofRun = Buffer.concat(await encodeModel(config, littleEndianBytes(vector(7))));
    const checkpoint = Buffer.concat(await encodeCheckpoint(ownerOf(config), freeze(snapshot(7))));
    expect(decodeFirstWeights(model, ofRun)).toEqual(expected);
    expect(decodeFirstWeights(model, checkpoint)).toEqual(expected);
  });

  it('come from a file of another program, in any order of its tensors', () => {
    const { weights } = decodeFirstWeights(model, foreign([bias, weight]));
    expect([...weights]).toEqual([4, 5, 6, 7, 8, 9, 1, 2, 3]);
  });

  const wider: Model = { ...model, input: [5] };
  const faults: [string, Model, Uint8Array, string][] = [
    [
      'a tensor of another shape, with both shapes',
      wider,
      foreign([weight, bias]),
      'its tensor layers.0.weight has the shape [2, 3], and the model needs [5, 3]',
    ],
    [
      'a tensor that is transposed',
      model,
      foreign([{ ...weight, shape: [3, 2] }, bias]),
      'has the shape [3, 2], and the model needs [2, 3]; transpose it: PyTorch has outputs x inputs',
    ],
    ['a tensor that is not there', model, foreign([weight]), 'it lacks the tensor layers.0.bias of shape [3]'],
    [
      'a tensor that the model does not have',
      model,
      foreign([weight, bias, { name: 'layers.1.weight', shape: [3, 4] }]),
      'it has a tensor "layers.1.weight", which the model does not have',
    ],
    [
      'a value that is not a number',
      model,
      foreign([weight, bias], (values) => values.fill(Number.NaN, 7, 8)),
      'value 1 of its tensor layers.0.bias is NaN, which is not a finite number',
    ],
    ['a file that is cut off', model, foreign([weight, bias]).subarray(0, -1), 'its tensors need 36 bytes'],
    ['a file that is something else', model, Buffer.from('{"a": 1, "b": "a JSON file"}'), 'its header would have'],
  ];
  it.each(faults)('name %s', (_, of, file, message) => {
    expect(() => decodeFirstWeights(of, file)).toThrow(MalformedFile);
    expect(() => decodeFirstWeights(of, file)).toThrow(message);
  });

  it('are not taken from a file of a run in which a bit has changed', async () => {
    const file = Buffer.concat(await encodeModel(config, littleEndianBytes(vector(7))));
    file[file.length - 1] ^= 1;
    expect(() => decodeFirstWeights(model, file)).toThrow('its SHA-256 does not match its content');
  });
});
