/**
 * A model for PyTorch: a Python module with an nn.Sequential, and the tensors of its state_dict. Its input is float32 from 0
 * to 1 in the shape of a sample, where an image of several channels has them first. Its output is the scores.
 *
 * PyTorch has the channels of an image before its height and width, and the outputs of a layer before its inputs. So a
 * dense layer that follows an image gets its weights in the order of an image whose channels come first. Then
 * `nn.Flatten()`, as people write it, is right.
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
  softmax: 'to scores; softmax makes them probabilities',
  sigmoid: 'to scores; sigmoid makes them probabilities',
  linear: 'to the probabilities',
} as const;

const activations = { relu: 'nn.ReLU()', sigmoid: 'nn.Sigmoid()', tanh: 'nn.Tanh()' } as const;

/** Longest line of the module, in characters. */
const WIDTH = 110;

/** The nn.Sequential, as far as it is made. */
class Module {
  /** The modules of the nn.Sequential in lines of text. A line begins with a layer that has weights. */
  readonly rows: string[][] = [];
  readonly tensors: Tensor[] = [];
  /** Number of modules. */
  private count = 0;
  /** Modules that the next layer needs before its own. */
  private reshaping: string[] = [];
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
    if (this.shape.length === 2) this.reshape(`nn.Unflatten(1, (1, ${height}))`);
    else {
      this.reshape('nn.Flatten()', `nn.Unflatten(1, (${height}, ${width}, ${channels}))`, 'Permute(0, 3, 1, 2)');
    }
    this.channelsFirst = true;
  }

  toVector(): void {
    if (this.shape.length === 1) return;
    this.reshape('nn.Flatten()');
    this.becomeVector();
  }

  /** Notes that the newest value became a vector. */
  becomeVector(): void {
    if (this.channelsFirst && !isSameChannelsFirst(this.shape)) this.flattened = this.shape;
    this.channelsFirst = false;
  }

  private reshape(...modules: string[]): void {
    this.reshaping.push(...modules);
    this.count += modules.length;
  }

  /** Adds the modules of a layer, whose tensors are added before, and its activation. */
  add(modules: string | readonly string[], output: Shape, activation: Layer['activation'] = 'linear'): void {
    const own = [modules].flat();
    this.count += own.length;
    this.shape = output;
    if (activation !== 'linear') {
      own.push(activations[activation]);
      this.count += 1;
    }
    this.write([...this.reshaping, ...own]);
    this.reshaping = [];
  }

  private write(modules: readonly string[]): void {
    const row = this.rows.at(-1);
    const isNew = modules.some((module) => /^nn\.(Conv2d|Linear)/.test(module));
    if (row === undefined || isNew || rowText([...row, ...modules]).length > WIDTH) this.rows.push([...modules]);
    else row.push(...modules);
  }

  /** Adds a tensor of the next module. */
  addTensor(name: string, tensor: Pick<Tensor, 'shape' | 'values'>): void {
    this.tensors.push({ ...tensor, name: `${this.count}.${name}` });
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
    if (this.flattened !== null) {
      const [height, width, channels] = imageShape(this.flattened);
      this.reshape(`nn.Unflatten(1, (${channels}, ${height}, ${width}))`, 'Permute(0, 2, 3, 1)', 'nn.Flatten()');
    }
    if (this.reshaping.length > 0) this.write(this.reshaping);
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
    const places = `${unless(1, 'stride', stride)}${unless(0, 'padding', padding)}`;
    module.add(`nn.Conv2d(${weight.shape[2]}, ${outputs}, ${kernel}${places})`, output, activation);
  },
  maxPool: (layer, module) => {
    const { maxPool: size, stride = size } = layer.description;
    pool(`nn.MaxPool2d(${size}${unless(size, 'stride', stride)})`, layer, module);
  },
  averagePool: (layer, module) => {
    const { averagePool: size, stride = size } = layer.description;
    pool(`nn.AvgPool2d(${size}${unless(size, 'stride', stride)})`, layer, module);
  },
  globalAveragePool: ({ output }, module) => {
    module.toImage();
    module.add(['nn.AdaptiveAvgPool2d(1)', 'nn.Flatten()'], output);
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
    module.add(`${kind}(${scale.shape[0]}${unless(1e-5, 'eps', description.batchNorm)})`, output, activation);
  },
  leakyRelu: ({ description, output }, module) => module.add(`nn.LeakyReLU(${description.leakyRelu})`, output),
};

function pool(module: string, { output, activation }: TrainedLayer<unknown>, to: Module): void {
  to.toImage();
  to.add(module, output, activation);
}

/** A further argument of a module, unless it has the value that PyTorch takes by itself. */
function unless(byItself: number, name: string, value: number): string {
  return value === byItself ? '' : `, ${name}=${value}`;
}

function rowText(modules: readonly string[]): string {
  return `    ${modules.join(', ')},`;
}

/** Needed only where PyTorch's order of axes does not fit: it has no such module. */
const permuteClass = `class Permute(nn.Module):
    def __init__(self, *axes):
        super().__init__()
        self.axes = axes

    def forward(self, x):
        return x.permute(self.axes)

`;

/** The text of model.py. */
function source({ rows }: Module, name: string, input: Shape, scores: string, weightsFile: string): string {
  const axes = input.length === 3 ? [input[2], input[0], input[1]] : input;
  const title = JSON.stringify(name).slice(1, -1);
  const layers = rows.map(rowText).join('\n');
  return `"""${title}: a network that Lockstep has trained. README.md says on what, and how to check it."""
import json
from pathlib import Path
from torch import float32, frombuffer, nn

${layers.includes('Permute(') ? permuteClass : ''}model = nn.Sequential(  # float32 [N, ${axes.join(', ')}], pixels / 255, ${scores}
${layers}
)
file = Path(__file__).with_name("${weightsFile}").read_bytes()
start = 8 + int.from_bytes(file[:8], "little")  # the tensors are behind a JSON header
for name, place in json.loads(file[8:start]).items():
    if name != "__metadata__":
        values = bytearray(file[start:][slice(*place["data_offsets"])])
        model.state_dict()[name].copy_(frombuffer(values, dtype=float32).reshape(place["shape"]))
model.eval()
`;
}
