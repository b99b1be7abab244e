/**
 * A model as TensorFlow.js keeps its layers models: model.json and the weights in one file. `tf.loadLayersModel` opens it.
 * Its input is float32 from 0 to 1 in the shape of a sample, and its output the probabilities.
 *
 * TensorFlow.js has the axes of images and of weights in the same order as Lockstep. So the file of the weights has the
 * bytes that the weights hash is made from.
 */
import type { Layer, Shape } from '../../shared/model/layers/layer.js';
import type { Tensor } from '../archive/safetensors.js';
import { version } from '../version.js';
import { type ExportedModel, metadataOf, probabilities } from './exported-model.js';
import { imageShape, type LayerWriters, type TrainedLayer, writeLayers } from './trained-layer.js';

/** The content of model.json. `weightsFile` is the name of the file with the weights. Throws `format-unsupported`. */
export function tfjsTopology(exported: ExportedModel, weightsFile: string): Record<string, unknown> {
  const { model, layers, name } = exported;
  const made = new LayersModel(model.input);
  writeLayers('TensorFlow.js', writers, layers, made);
  made.end(layers.length, probabilities[model.loss]);
  return {
    format: 'layers-model',
    generatedBy: `Lockstep ${version}`,
    convertedBy: null,
    modelTopology: {
      class_name: 'Sequential',
      config: { name, layers: made.layers },
      keras_version: 'tfjs-layers 4.22.0',
      backend: 'tensor_flow.js',
    },
    weightsManifest: [{ paths: [weightsFile], weights: made.weights }],
    userDefinedMetadata: metadataOf(exported),
  };
}

/** The names that Keras gives to the tensors of each kind of layer, in the order of Lockstep's. */
const tensorNames = {
  Dense: ['kernel', 'bias'],
  Conv2D: ['kernel', 'bias'],
  BatchNormalization: ['gamma', 'beta', 'moving_mean', 'moving_variance'],
} as const;

/** The chain of layers, as far as it is made. */
class LayersModel {
  readonly layers: { class_name: string; config: Record<string, unknown> }[] = [];
  readonly weights: { name: string; shape: Shape; dtype: 'float32' }[] = [];

  /** `shape` is the shape of the newest output in TensorFlow.js, without the axis of samples. */
  constructor(private shape: Shape) {}

  /** Adds a layer. `index` is the number of the layer in Lockstep's model. */
  add(index: number, className: string, config: Record<string, unknown>): string {
    const name = `${className.toLowerCase()}_${index}`;
    const first = this.layers.length === 0 ? { batch_input_shape: [null, ...this.shape], dtype: 'float32' } : {};
    this.layers.push({ class_name: className, config: { name, ...first, ...config } });
    return name;
  }

  /** Adds a layer that has parameters. */
  addTrained(
    index: number,
    className: keyof typeof tensorNames,
    config: Record<string, unknown>,
    tensors: readonly Tensor[],
  ): void {
    const name = this.add(index, className, config);
    tensors.forEach(({ shape }, n) => {
      this.weights.push({ name: `${name}/${tensorNames[className][n]}`, shape, dtype: 'float32' });
    });
  }

  toImage(index: number): void {
    if (this.shape.length === 1 || this.shape.length === 3) return;
    const shape = imageShape(this.shape);
    this.add(index, 'Reshape', { target_shape: shape });
    this.shape = shape;
  }

  toVector(index: number): void {
    if (this.shape.length > 1) this.add(index, 'Flatten', {});
  }

  /** Ends a layer of Lockstep's that changes the shape. */
  become(shape: Shape): void {
    this.shape = shape;
  }

  activate(index: number, activation: Layer['activation'] | 'softmax'): void {
    if (activation !== 'linear') this.add(index, 'Activation', { activation });
  }

  end(index: number, activation: 'softmax' | 'sigmoid' | 'linear'): void {
    this.toVector(index);
    // A model must have a layer.
    if (this.layers.length === 0) this.add(index, 'Activation', { activation: 'linear' });
    this.activate(index, activation);
  }
}

const writers: LayerWriters<LayersModel> = {
  dense: ({ index, tensors, output, activation }, model) => {
    model.toVector(index);
    model.addTrained(index, 'Dense', { units: output[0], activation, use_bias: true }, tensors);
    model.become(output);
  },
  conv2d: ({ index, description, tensors, output, activation }, model) => {
    const { conv2d: filters, kernel, stride = 1, padding = 0 } = description;
    const sides = [padding, padding];
    model.toImage(index);
    if (padding > 0) model.add(index, 'ZeroPadding2D', { padding: [sides, sides], data_format: 'channels_last' });
    const windows = { kernel_size: [kernel, kernel], strides: [stride, stride], padding: 'valid' };
    const config = { filters, ...windows, data_format: 'channels_last', activation, use_bias: true };
    model.addTrained(index, 'Conv2D', config, tensors);
    model.become(output);
  },
  maxPool: (layer, model) => {
    const { maxPool: size, stride = size } = layer.description;
    pool('MaxPooling2D', windows(size, stride), layer, model);
  },
  averagePool: (layer, model) => {
    const { averagePool: size, stride = size } = layer.description;
    pool('AveragePooling2D', windows(size, stride), layer, model);
  },
  globalAveragePool: (layer, model) => pool('GlobalAveragePooling2D', { data_format: 'channels_last' }, layer, model),
  flatten: ({ index, output }, model) => {
    model.toVector(index);
    model.become(output);
  },
  dropout: ({ index, description }, model) => {
    model.add(index, 'Dropout', { rate: description.dropout });
  },
  batchNorm: ({ index, description, tensors, activation }, model) => {
    model.toImage(index);
    const config = { axis: -1, epsilon: description.batchNorm, center: true, scale: true };
    model.addTrained(index, 'BatchNormalization', config, tensors);
    model.activate(index, activation);
  },
  leakyRelu: ({ index, description }, model) => {
    model.add(index, 'LeakyReLU', { alpha: description.leakyRelu });
  },
};

function pool(className: string, config: Record<string, unknown>, layer: TrainedLayer<unknown>, model: LayersModel) {
  const { index, output, activation } = layer;
  model.toImage(index);
  model.add(index, className, config);
  model.become(output);
  model.activate(index, activation);
}

function windows(size: number, stride: number): Record<string, unknown> {
  return { pool_size: [size, size], strides: [stride, stride], padding: 'valid', data_format: 'channels_last' };
}
