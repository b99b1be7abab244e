/**
 * A model as an ONNX file, for ONNX Runtime and others. Its input is `pixels`, float32 from 0 to 1 in the shape of a
 * sample, and its outputs are `scores` and `probabilities`.
 *
 * ONNX has the channels of an image before its height and width. So images are transposed in front of the first layer
 * that needs them as images, and back again where they become vectors. The weights of dense layers stay as they are.
 */
import { elements, type Layer, type Shape } from '../../shared/model/layers/layer.js';
import type { Model } from '../../shared/model/model.js';
import type { Tensor } from '../archive/safetensors.js';
import { version } from '../version.js';
import { type ExportedModel, metadataOf, probabilities } from './exported-model.js';
import { encodeOnnx, type OnnxConstant, type OnnxNode } from './onnx-file.js';
import type { Pieces } from './protobuf.js';
import {
  imageShape,
  isSameChannelsFirst,
  type LayerWriters,
  permuted,
  type TrainedLayer,
  writeLayers,
} from './trained-layer.js';

const inputName = 'pixels';

type Attributes = OnnxNode['attributes'];

/** Makes the pieces of the file. Throws `format-unsupported`. */
export function onnxFile(exported: ExportedModel): Pieces {
  const { model, name, layers } = exported;
  const graph = new OnnxGraph(model.input);
  writeLayers('ONNX', writers, layers, graph);
  graph.end(model.loss);
  const outputs = elements(layers[layers.length - 1].output);
  return encodeOnnx({
    name,
    about: 'A classifier of images, trained by Lockstep',
    producerVersion: version,
    nodes: graph.nodes,
    constants: graph.constants,
    inputs: [{ name: inputName, shape: ['N', ...model.input], about: 'Images; a pixel is its byte / 255' }],
    outputs: [
      { name: 'scores', shape: ['N', outputs], about: 'The outputs of the last layer; the largest one is the answer' },
      { name: 'probabilities', shape: ['N', outputs], about: 'The probability of each class' },
    ],
    metadata: metadataOf(exported),
  });
}

/** The graph, as far as it is made: a chain of nodes, each of which takes the value that the one before it makes. */
class OnnxGraph {
  readonly nodes: OnnxNode[] = [];
  readonly constants: OnnxConstant[] = [];
  /** The name of the newest value. */
  private value = inputName;
  /** What the next nodes belong to: the first part of their names. */
  private owner = 'input';
  private channelsFirst = false;

  /** `shape` is the shape of the newest value, without the axis of samples, as Lockstep has it. */
  constructor(private shape: Shape) {}

  /** Adds a node, whose first input is the newest value. */
  add(op: string, inputs: readonly string[] = [], attributes: Attributes = {}): void {
    const name = `${this.owner}.${op}`;
    this.nodes.push({ name, op, inputs: [this.value, ...inputs], output: name, attributes });
    this.value = name;
  }

  /** Begins a layer: the next nodes and constants are named after it. */
  begin(index: number): void {
    this.owner = `layers.${index}`;
  }

  /** Ends a layer, whose output has this shape. */
  endLayer(shape: Shape, activation: Layer['activation'] = 'linear'): void {
    this.shape = shape;
    if (activation !== 'linear') this.add(activations[activation]);
  }

  /** Adds a tensor as a constant, and returns its name. */
  constant({ name, shape, values }: Tensor): string {
    const named = { name: `${this.owner}.${name}`, shape, values };
    this.constants.push(named);
    return named.name;
  }

  /** Names the newest value "scores", and adds the probabilities. */
  end(loss: Model['loss']): void {
    this.owner = 'output';
    this.toVector();
    if (this.nodes.length === 0) this.add('Identity');
    const last = this.nodes.pop()!;
    this.nodes.push({ ...last, output: 'scores' });
    const op = activations[probabilities[loss]];
    const attributes: Attributes = op === 'Softmax' ? { axis: 1 } : {};
    this.nodes.push({ name: 'probabilities', op, inputs: ['scores'], output: 'probabilities', attributes });
  }

  /** Brings the newest value into the form that layers need which take images. A vector stays a vector. */
  toImage(): void {
    if (this.channelsFirst || this.shape.length === 1) return;
    const [height, width, channels] = imageShape(this.shape);
    if (channels === 1) this.reshape([1, height, width]);
    else {
      if (this.shape.length > 3) this.reshape([height, width, channels]);
      this.add('Transpose', [], { perm: [0, 3, 1, 2] });
    }
    this.channelsFirst = true;
  }

  /** Makes one row of each sample, in Lockstep's order. */
  toVector(): void {
    if (this.channelsFirst && !isSameChannelsFirst(this.shape)) this.add('Transpose', [], { perm: [0, 2, 3, 1] });
    if (this.shape.length > 1) this.add('Flatten', [], { axis: 1 });
    this.channelsFirst = false;
    this.shape = [elements(this.shape)];
  }

  private reshape(shape: Shape): void {
    const name = `${this.owner}.shape`;
    // 0 keeps the number of samples.
    this.constants.push({ name, shape: [1 + shape.length], values: [0, ...shape] });
    this.add('Reshape', [name]);
  }
}

const activations = { linear: 'Identity', sigmoid: 'Sigmoid', tanh: 'Tanh', relu: 'Relu', softmax: 'Softmax' } as const;

const writers: LayerWriters<OnnxGraph> = {
  dense: ({ index, tensors, output, activation }, graph) => {
    graph.begin(index);
    graph.toVector();
    graph.add(
      'Gemm',
      tensors.map((tensor) => graph.constant(tensor)),
    );
    graph.endLayer(output, activation);
  },
  conv2d: ({ index, description, tensors: [weight, bias], output, activation }, graph) => {
    const { kernel, stride = 1, padding = 0 } = description;
    graph.begin(index);
    graph.toImage();
    const inputs = [graph.constant({ ...weight, ...permuted(weight, [3, 2, 0, 1]) }), graph.constant(bias)];
    graph.add('Conv', inputs, { ...windows(kernel, stride), pads: [padding, padding, padding, padding] });
    graph.endLayer(output, activation);
  },
  maxPool: (layer, graph) => {
    const { maxPool: size, stride = size } = layer.description;
    pool('MaxPool', windows(size, stride), layer, graph);
  },
  averagePool: (layer, graph) => {
    const { averagePool: size, stride = size } = layer.description;
    pool('AveragePool', windows(size, stride), layer, graph);
  },
  globalAveragePool: (layer, graph) => {
    const [, , channels] = imageShape(layer.input);
    pool('GlobalAveragePool', {}, { ...layer, output: [1, 1, channels] }, graph);
    graph.toVector();
  },
  flatten: ({ index }, graph) => {
    graph.begin(index);
    graph.toVector();
  },
  // Dropout changes nothing outside of training.
  dropout: () => {},
  batchNorm: ({ index, description, tensors, output, activation }, graph) => {
    graph.begin(index);
    graph.toImage();
    const inputs = tensors.map((tensor) => graph.constant(tensor));
    graph.add('BatchNormalization', inputs, { epsilon: { float: description.batchNorm } });
    graph.endLayer(output, activation);
  },
  leakyRelu: ({ index, description, output }, graph) => {
    graph.begin(index);
    graph.add('LeakyRelu', [], { alpha: { float: description.leakyRelu } });
    graph.endLayer(output);
  },
};

function pool(op: string, attributes: Attributes, layer: TrainedLayer<unknown>, graph: OnnxGraph): void {
  graph.begin(layer.index);
  graph.toImage();
  graph.add(op, [], attributes);
  graph.endLayer(layer.output, layer.activation);
}

function windows(size: number, stride: number): Attributes {
  return { kernel_shape: [size, size], strides: [stride, stride] };
}
