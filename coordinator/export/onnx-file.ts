/**
 * The messages of an ONNX file (onnx.proto3 of the ONNX project), as far as exported models need them. The numbers are
 * the fields' numbers in that file.
 */
import { littleEndianBytes } from '../archive/floats.js';
import { bytesField, floatField, messageField, type Pieces, packedField, textField, varintField } from './protobuf.js';

/** Version 13 of the operators: ONNX Runtime knows it since version 1.6, of December 2020. */
const [irVersion, operatorsVersion] = [7, 13];

/** TensorProto.DataType */
const dataType = { float: 1, int64: 7 } as const;
/** AttributeProto.AttributeType */
const attributeType = { float: 1, int: 2, ints: 7 } as const;

/** An attribute of a node: a whole number, a list of whole numbers, or a float32. */
export type OnnxAttribute = number | readonly number[] | { readonly float: number };

export interface OnnxNode {
  readonly name: string;
  /** The operator, such as "Gemm". */
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** A constant: float32, or whole numbers that are not negative. */
export interface OnnxConstant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array | readonly number[];
}

/** An input or an output of the graph. */
export interface OnnxValue {
  readonly name: string;
  /** A name stands for any extent. */
  readonly shape: readonly (number | string)[];
  /** One sentence for people. */
  readonly about: string;
}

export interface OnnxModel {
  readonly name: string;
  readonly about: string;
  readonly producerVersion: string;
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Makes the pieces of the file. */
export function encodeOnnx({ name, about, producerVersion, metadata, ...graph }: OnnxModel): Pieces {
  return [
    ...varintField(1, irVersion),
    ...textField(2, 'Lockstep'),
    ...textField(3, producerVersion),
    ...textField(6, about),
    ...messageField(7, [
      ...graph.nodes.flatMap((node) => messageField(1, encodeNode(node))),
      ...textField(2, name),
      ...graph.constants.flatMap((constant) => messageField(5, encodeTensor(constant))),
      ...graph.inputs.flatMap((value) => messageField(11, encodeValue(value))),
      ...graph.outputs.flatMap((value) => messageField(12, encodeValue(value))),
    ]),
    ...messageField(8, [...textField(1, ''), ...varintField(2, operatorsVersion)]),
    ...Object.entries(metadata).flatMap(([key, value]) => {
      return messageField(14, [...textField(1, key), ...textField(2, value)]);
    }),
  ];
}

function encodeNode({ name, op, inputs, output, attributes }: OnnxNode): Pieces {
  return [
    ...inputs.flatMap((input) => textField(1, input)),
    ...textField(2, output),
    ...textField(3, name),
    ...textField(4, op),
    ...Object.entries(attributes).flatMap(([key, value]) => messageField(5, encodeAttribute(key, value))),
  ];
}

function encodeAttribute(name: string, value: OnnxAttribute): Pieces {
  const typed = (type: number, field: Pieces) => [...textField(1, name), ...field, ...varintField(20, type)];
  if (typeof value === 'number') return typed(attributeType.int, varintField(3, value));
  if ('float' in value) return typed(attributeType.float, floatField(2, value.float));
  return typed(attributeType.ints, packedField(8, value));
}

function encodeTensor({ name, shape, values }: OnnxConstant): Pieces {
  const isFloat = values instanceof Float32Array;
  return [
    ...packedField(1, shape),
    ...varintField(2, isFloat ? dataType.float : dataType.int64),
    ...(isFloat ? bytesField(9, littleEndianBytes(values)) : packedField(7, values)),
    ...textField(8, name),
  ];
}

function encodeValue({ name, shape, about }: OnnxValue): Pieces {
  const extents = shape.flatMap((extent) => {
    return messageField(1, typeof extent === 'string' ? textField(2, extent) : varintField(1, extent));
  });
  const tensor = [...varintField(1, dataType.float), ...messageField(2, extents)];
  return [...textField(1, name), ...messageField(2, messageField(1, tensor)), ...textField(3, about)];
}
