/**
 * A model for PyTorch: a class in Python, and the tensors of its state_dict. Its input is float32 from 0 to 1 in the shape
 * of a sample, where an image of several channels has them first. Its output is the scores.
 *
 * PyTorch has the channels of an image before its height and width, and the outputs of a layer before its inputs. So a
 * dense layer that follows an image gets its weights in the order of an image whose channels come first. Then
 * `x.flatten(1)`, as people write it, is right.
 */
import type { Layer, Shape } from '../../shared/model/layers/layer.js';
import type { Tensor } from '../archive/safetensors.js';
import { type ExportedModel, probabilities } from './exported-model.js';
import {
  imageShape,
  isSameChannelsFirst,
  type LayerWriters,
  permuted,
  type TrainedLayer,
  writeLayers,
} from './trained-layer.js';

export interface PytorchModel {
  /** The text of a Python module. */
  readonly source: string;
  /** The tensors that it loads, in a file that `weightsFile` names. */
  readonly tensors: readonly Tensor[];
}

/** Throws `format-unsupported`. */
export function pytorchModel({ model, layers, name }: ExportedModel, weightsFile: string): PytorchModel {
  const module = new Module(model.input);
  writeLayers('PyTorch', writers, layers, module);
  module.end();
  const scores = scoresAre[probabilities[model.loss]];
  return { source: source(module, name, model.input, scores, weightsFile), tensors: module.tensors };
}

const scoresAre = {
  softmax: 'scores; torch.softmax(scores, 1) are the probabilities',
  sigmoid: 'scores; torch.sigmoid(scores) are the probabilities',
  linear: 'the probability of each class',
} as const;

/** The class, as far as it is made. */
class Module {
  /** The expressions that make the modules in `self.layers`, one for each layer of the model. */
  readonly modules: string[] = [];
  /** The lines of `forward`. */
  readonly lines: string[] = [];
  readonly tensors: Tensor[] = [];
  /** Whether the newest value is an image whose channels come first. */
  private channelsFirst: boolean;
  /** The image that the newest value was before it became a vector, if that vector has the channels first. */
  private flattened: Shape | null = null;

  /** `shape` is the shape of the newest value, without the axis of samples, as Lockstep has it. */
  constructor(private shape: Shape) {
    this.channelsFirst = shape.length === 3;
  }

  /** Brings the newest value into the form that layers need which take images. A vector stays a vector. */
  toImage(): void {
    if (this.channelsFirst || this.shape.length === 1) return;
    const [height, width, channels] = imageShape(this.shape);
    if (channels === 1) this.lines.push(`x = x.reshape(-1, 1, ${height}, ${width})`);
    else this.lines.push(`x = x.reshape(-1, ${height}, ${width}, ${channels}).permute(0, 3, 1, 2)`);
    this.channelsFirst = true;
  }

  toVector(): void {
    if (this.shape.length === 1) return;
    this.lines.push('x = x.flatten(1)');
    this.becomeVector();
  }

  /** Notes that the newest value became a vector. */
  becomeVector(): void {
    if (this.channelsFirst && !isSameChannelsFirst(this.shape)) this.flattened = this.shape;
    this.channelsFirst = false;
  }

  /** Adds a module, and calls it in `forward`. */
  add(module: string, output: Shape, activation: Layer['activation'] = 'linear', method = ''): void {
    const call = `self.layers[${this.modules.length}](x)${method}`;
    this.modules.push(module);
    this.lines.push(`x = ${activation === 'linear' ? call : `torch.${activation}(${call})`}`);
    this.shape = output;
  }

  /** Adds a tensor of the next module. */
  addTensor(name: string, tensor: Pick<Tensor, 'shape' | 'values'>): void {
    this.tensors.push({ ...tensor, name: `layers.${this.modules.length}.${name}` });
  }

  /** The weights of a dense layer: outputs x inputs. */
  addDenseWeight({ shape: [inputs, outputs], values }: Tensor): void {
    const rows = this.flattened === null ? [1, inputs, 1] : imageShape(this.flattened);
    const { values: transposed } = permuted({ shape: [...rows, outputs], values }, [3, 2, 0, 1]);
    this.addTensor('weight', { shape: [outputs, inputs], values: transposed });
    this.flattened = null;
  }

  /** A tensor with a number for each feature or channel of the newest value. */
  addFeatures(name: string, { shape, values }: Tensor): void {
    const ordered =
      this.flattened === null ? values : permuted({ shape: imageShape(this.flattened), values }, [2, 0, 1]).values;
    this.addTensor(name, { shape, values: ordered });
  }

  get isVector(): boolean {
    return this.shape.length === 1;
  }

  /** Brings the outputs into Lockstep's order. */
  end(): void {
    this.toVector();
    if (this.flattened === null) return;
    const [height, width, channels] = imageShape(this.flattened);
    this.lines.push(`x = x.reshape(-1, ${channels}, ${height}, ${width}).permute(0, 2, 3, 1).flatten(1)`);
  }
}

const writers: LayerWriters<Module> = {
  dense: ({ tensors: [weight, bias], output, activation }, module) => {
    module.toVector();
    module.addDenseWeight(weight);
    module.addTensor('bias', bias);
    const [inputs, outputs] = weight.shape;
    module.add(`nn.Linear(${inputs}, ${outputs})`, output, activation);
  },
  conv2d: ({ description, tensors: [weight, bias], output, activation }, module) => {
    const { conv2d: outputs, kernel, stride = 1, padding = 0 } = description;
    module.toImage();
    module.addTensor('weight', permuted(weight, [3, 2, 0, 1]));
    module.addTensor('bias', bias);
    const sizes = `${weight.shape[2]}, ${outputs}, ${kernel}, stride=${stride}, padding=${padding}`;
    module.add(`nn.Conv2d(${sizes})`, output, activation);
  },
  maxPool: (layer, module) => {
    const { maxPool: size, stride = size } = layer.description;
    pool(`nn.MaxPool2d(${size}, stride=${stride})`, layer, module);
  },
  averagePool: (layer, module) => {
    const { averagePool: size, stride = size } = layer.description;
    pool(`nn.AvgPool2d(${size}, stride=${stride})`, layer, module);
  },
  globalAveragePool: ({ output }, module) => {
    module.toImage();
    module.add('nn.AdaptiveAvgPool2d(1)', output, 'linear', '.flatten(1)');
    module.becomeVector();
  },
  flatten: ({ output }, module) => {
    module.becomeVector();
    module.add('nn.Flatten()', output);
  },
  dropout: ({ description, output }, module) => module.add(`nn.Dropout(${description.dropout})`, output),
  batchNorm: ({ description, tensors: [scale, shift, mean, variance], output, activation }, module) => {
    module.toImage();
    const names = ['weight', 'bias', 'running_mean', 'running_var'];
    [scale, shift, mean, variance].forEach((tensor, n) => {
      module.addFeatures(names[n], tensor);
    });
    const kind = module.isVector ? 'nn.BatchNorm1d' : 'nn.BatchNorm2d';
    module.add(`${kind}(${scale.shape[0]}, eps=${description.batchNorm})`, output, activation);
  },
  leakyRelu: ({ description, output }, module) => module.add(`nn.LeakyReLU(${description.leakyRelu})`, output),
};

function pool(module: string, { output, activation }: TrainedLayer<unknown>, to: Module): void {
  to.toImage();
  to.add(module, output, activation);
}

/** The text of model.py. */
function source({ modules, lines }: Module, name: string, input: Shape, scores: string, weightsFile: string): string {
  const axes = input.length === 3 ? [input[2], input[0], input[1]] : input;
  const title = JSON.stringify(name).slice(1, -1);
  return `"""${title}: a network that Lockstep has trained. README.md says on what, and how to check it."""
import json
from pathlib import Path

import torch
from torch import nn

WEIGHTS = Path(__file__).with_name("${weightsFile}")


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
${modules.map((module) => `            ${module},`).join('\n')}
        ])

    def forward(self, x):
        """Takes float32 [N, ${axes.join(', ')}], pixels / 255. Returns ${scores}."""
${lines.map((line) => `        ${line}`).join('\n')}
        return x


def tensors(path):
    """Reads a safetensors file, as load_file of safetensors.torch does."""
    data = bytearray(Path(path).read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    floats = torch.frombuffer(data, dtype=torch.float32, offset=start)
    places = {name: [end // 4 for end in t["data_offsets"]] for name, t in header.items()}
    return {name: floats[slice(*places[name])].reshape(t["shape"]) for name, t in header.items()}


def load(path=WEIGHTS):
    network = Network()
    network.load_state_dict(tensors(path))
    return network.eval()
`;
}
