/**
 * Trains with TensorFlow.js on its wasm backend in Node: `node tfjs.mjs --data DIR --model FILE --way WAY`.
 *
 *     hand       gradients written by hand, which are faster than its automatic differentiation; dense layers with SGD
 *     minimize   automatic differentiation
 *     fit        model.fit
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Batches, measure, readOptions, readSamples, widthsOf } from './common.mjs';

const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(`${join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist')}/`);
await tf.setBackend('wasm');
tf.enableProdMode();

/**
 * The wasm backend has no gradient of a convolution's weights. It is a convolution as well: of the inputs, with the
 * samples as channels, by the deltas. This is for strides of 1.
 */
tf.registerKernel({
  kernelName: 'Conv2DBackpropFilter',
  backendName: 'wasm',
  kernelFunc: ({ inputs: { x, dy }, attrs: { pad, filterShape } }) => {
    if (pad !== 'valid' && pad !== 0) throw new Error(`there is no gradient with a padding of ${pad}`);
    const sums = tf.conv2d(tf.transpose(x, [3, 1, 2, 0]), tf.transpose(dy, [1, 2, 0, 3]), 1, 'valid');
    return tf.reshape(tf.transpose(sums, [1, 2, 0, 3]), filterShape);
  },
});

const options = readOptions();
const { model, batch, rate } = options;
const batches = new Batches(readSamples(options.data), batch);
const isPerceptron = model.layers.every(({ dense }) => dense > 0);
const inputShape = isPerceptron ? [784] : [...model.input, 1];

function optimizerOf() {
  return options.optimizer === 'adam' ? tf.train.adam(rate) : tf.train.sgd(rate);
}

function build() {
  const net = tf.sequential();
  net.add(tf.layers.inputLayer({ inputShape }));
  for (const layer of model.layers) for (const each of layersOf(layer, net.outputs[0].shape)) net.add(each);
  return net;
}

function layersOf({ dense, conv2d, kernel, stride, padding = 0, maxPool, activation = 'linear' }, shape) {
  if (dense > 0)
    return [...(shape.length > 2 ? [tf.layers.flatten()] : []), tf.layers.dense({ units: dense, activation })];
  if (maxPool > 0) {
    return [
      tf.layers.maxPooling2d({ poolSize: maxPool, strides: stride ?? maxPool }),
      tf.layers.activation({ activation }),
    ];
  }
  const pad = padding > 0 ? [tf.layers.zeroPadding2d({ padding })] : [];
  return [...pad, tf.layers.conv2d({ filters: conv2d, kernelSize: kernel, strides: stride ?? 1, activation })];
}

function fit() {
  const net = build();
  net.compile({ optimizer: optimizerOf(), loss: (labels, scores) => tf.losses.softmaxCrossEntropy(labels, scores) });
  // One call of model.fit trains only four batches, because a whole epoch takes longer than a segment.
  const count = 4 * batch;
  const some = new Batches(batches, count).next();
  const [images, labels] = [tf.tensor(some.images, [count, ...inputShape]), tf.tensor2d(some.labels, [count, 10])];
  const settings = { epochs: 1, batchSize: batch, shuffle: true, verbose: 0, yieldEvery: 'never' };
  return async () => {
    await net.fit(images, labels, settings);
    return count;
  };
}

function minimize() {
  const [net, optimizer] = [build(), optimizerOf()];
  return () => {
    const drawn = batches.next();
    const loss = tf.tidy(() => {
      const [images, labels] = [
        tf.tensor(drawn.images, [batch, ...inputShape]),
        tf.tensor2d(drawn.labels, [batch, 10]),
      ];
      return optimizer.minimize(
        () => tf.losses.softmaxCrossEntropy(labels, net.apply(images, { training: true })),
        true,
      );
    });
    // Reading the loss waits until the step has ended.
    loss.dataSync();
    loss.dispose();
    return batch;
  };
}

function hand() {
  const widths = widthsOf(model);
  const variable = (shape, scale) => tf.variable(tf.randomUniform(shape, -scale, scale));
  const layers = widths.slice(1).map((outputs, n) => ({
    weights: variable([widths[n], outputs], 1 / Math.sqrt(widths[n])),
    bias: variable([outputs], 0.01),
    activation: model.layers[n].activation,
  }));
  return () => {
    const drawn = batches.next();
    tf.tidy(() => {
      const inputs = tf.tensor2d(drawn.images, [batch, widths[0]]);
      descend(layers, forward(layers, inputs), tf.tensor2d(drawn.labels, [batch, widths.at(-1)]));
    });
    layers.at(-1).bias.dataSync();
    return batch;
  };
}

/** Returns the inputs of each layer, followed by the output of the last one. */
function forward(layers, inputs) {
  const values = [inputs];
  layers.forEach(({ weights, bias, activation }, n) => {
    const sum = tf.add(tf.matMul(values[n], weights), bias);
    if (activation === 'linear') values.push(sum);
    else values.push(activation === 'relu' ? tf.relu(sum) : tf.sigmoid(sum));
  });
  return values;
}

/** Makes the update. It transposes explicitly, because the wasm backend's matMul is slow if it has to transpose. */
function descend(layers, values, labels) {
  let delta = tf.div(tf.sub(tf.softmax(values.at(-1)), labels), batch);
  for (let n = layers.length - 1; n >= 0; n--) {
    const { weights, bias } = layers[n];
    const [input, own] = [values[n], delta];
    if (n > 0) {
      const slope = layers[n - 1].activation === 'relu' ? tf.step(input) : tf.mul(input, tf.sub(1, input));
      delta = tf.mul(tf.matMul(own, tf.transpose(weights)), slope);
    }
    weights.assign(tf.sub(weights, tf.mul(tf.matMul(tf.transpose(input), own), rate)));
    bias.assign(tf.sub(bias, tf.mul(tf.sum(own, 0), rate)));
  }
}

const ways = { hand, minimize, fit };
await measure(options, `TensorFlow.js ${tf.version.tfjs}, ${options.way}`, ways[options.way]());
