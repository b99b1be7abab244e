/** The table of the formats that a trained model can be exported to. A new format is a file and an entry here. */
import { tensorSpans } from '../../shared/model/parameters.js';
import { littleEndianBytes } from '../archive/floats.js';
import { encodeHeader } from '../archive/safetensors.js';
import type { ExportFormat, FormatName } from './export-format.js';
import { metadataOf } from './exported-model.js';
import { modelPage } from './model-page.js';
import { onnxFile } from './onnx.js';
import { pytorchModel } from './pytorch.js';
import { tfjsTopology } from './tfjs.js';

export const formats: Readonly<Record<FormatName, ExportFormat>> = {
  onnx: {
    title: 'ONNX',
    files: (exported) => ({ 'model.onnx': [Buffer.concat(onnxFile(exported))] }),
    usage: ({ model }) => `
With Python, \`pip install onnxruntime\`:

    import numpy as np, onnxruntime
    session = onnxruntime.InferenceSession("model.onnx")
    x = images.astype(np.float32) / 255                     # images: uint8 [N, ${model.input.join(', ')}]
    scores, probabilities = session.run(["scores", "probabilities"], {"pixels": x})
    answers = scores.argmax(axis=1)

${inputText(model.input)}
There are two outputs: \`scores\`, what the last layer computes, and \`probabilities\`. The file is for version 13 of ONNX's operators, which ONNX Runtime has known since version 1.6. Its metadata have the
description of the model and the weights hash.`,
  },
  safetensors: {
    title: 'safetensors',
    files: (exported) => {
      const header = encodeHeader(tensorSpans(exported.model), { ...metadataOf(exported), layout });
      return { 'model.safetensors': [header, littleEndianBytes(exported.weights)] };
    },
    usage: ({ model }) => `
Lockstep reads the file by itself:

    npx lockstep eval model.safetensors --data DIR
    npx lockstep predict model.safetensors image.png

So does every program that knows safetensors, such as \`load_file\` of safetensors.numpy. ${inputText(model.input)}
Dense weights are inputs x outputs, those of convolutions height x width x inputs x outputs. The metadata have the
description of the model. The weights hash is the SHA-256 of all bytes behind the header.`,
  },
  tfjs: {
    title: 'TensorFlow.js',
    files: (exported) => ({
      'model.json': [Buffer.from(`${JSON.stringify(tfjsTopology(exported, tfjsWeights), null, 2)}\n`)],
      [tfjsWeights]: [littleEndianBytes(exported.weights)],
    }),
    usage: ({ model }) => `
It is a layers model. A page can load it over HTTP:

    const model = await tf.loadLayersModel('model.json');
    const x = tf.tensor(pixels, [N, ${model.input.join(', ')}]).div(255);  // pixels: bytes, row by row
    const probabilities = model.predict(x);

${inputText(model.input)}
The output is the probability of each class. The weights hash is the SHA-256 of ${tfjsWeights}.`,
  },
  pytorch: {
    title: 'PyTorch',
    files: (exported) => {
      const { source, tensors } = pytorchModel(exported, 'model.safetensors');
      const header = encodeHeader(tensors, { format: 'pt', ...metadataOf(exported) });
      return {
        'model.py': [Buffer.from(source)],
        'model.safetensors': [header, ...tensors.map(({ values }) => littleEndianBytes(values))],
      };
    },
    usage: ({ model }) => `
model.safetensors is a state_dict, and model.py the network that it belongs to. It needs PyTorch alone:

    import torch
    from model import model                                 # an nn.Sequential, in the mode of evaluations
    x = torch.from_numpy(images) / 255                      # images: uint8 [N, ${channelsFirst(model.input).join(', ')}]
    with torch.no_grad():
        scores = model(x)

${inputText(channelsFirst(model.input))}
The weights are outputs x inputs, as PyTorch has them. Those of a dense layer behind an image are in the order of an image
whose channels come first. The weights hash is that of Lockstep's own order.`,
  },
  html: {
    title: 'a page',
    files: (exported) => ({ 'model.html': [Buffer.from(modelPage(exported))] }),
    usage: () => `
Open model.html in a browser, also without a network. The page has everything in it: the pad, the weights, and the
kernels that trained them, as WebAssembly. It sends nothing to anybody.`,
  },
};

const layout = 'dense weights: inputs x outputs; convolutions: height x width x inputs x outputs';
const tfjsWeights = 'weights.bin';

function inputText(shape: readonly number[]): string {
  return `The input is float32 [N, ${shape.join(', ')}], where a pixel is its byte / 255: 0 to 1, 0 is the background.`;
}

/** PyTorch has the channels of an image before its height and width. */
function channelsFirst(shape: readonly number[]): readonly number[] {
  return shape.length === 3 ? [shape[2], shape[0], shape[1]] : shape;
}
