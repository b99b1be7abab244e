/**
 * Trains with TensorFlow.js on its wasm backend in Node. `node tfjs.mjs --data DIR --way hand` uses gradients written
 * by hand, which are faster than its automatic differentiation. `--way fit` uses model.fit.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Batches, measure, readOptions, readSamples } from './common.mjs';

const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(`${join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist')}/`);
await tf.setBackend('wasm');
tf.enableProdMode();

const options = readOptions();
const { widths, batch, rate, hidden } = options;
const batches = new Batches(readSamples(options.data), batch);

function fit() {
  const model = tf.sequential();
  widths.slice(1).forEach((units, n) => {
    const activation = n === widths.length - 2 ? 'softmax' : hidden;
    model.add(tf.layers.dense({ units, activation, ...(n === 0 && { inputShape: [widths[0]] }) }));
  });
  model.compile({ optimizer: tf.train.sgd(rate), loss: 'categoricalCrossentropy' });
  // One call of model.fit trains only four batches, because a whole epoch takes longer than a segment.
  const count = 4 * batch;
  const some = new Batches(batches, count).next();
  const [images, labels] = [tf.tensor2d(some.images, [count, widths[0]]), tf.tensor2d(some.labels, [count, 10])];
  const settings = { epochs: 1, batchSize: batch, shuffle: true, verbose: 0, yieldEvery: 'never' };
  return async () => {
    await model.fit(images, labels, settings);
    return count;
  };
}

function hand() {
  const variable = (shape, scale) => tf.variable(tf.randomUniform(shape, -scale, scale));
  const layers = widths.slice(1).map((outputs, n) => ({
    weights: variable([widths[n], outputs], 1 / Math.sqrt(widths[n])),
    bias: variable([outputs], 0.01),
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
  layers.forEach(({ weights, bias }, n) => {
    const sum = tf.add(tf.matMul(values[n], weights), bias);
    if (n === layers.length - 1) values.push(sum);
    else values.push(hidden === 'relu' ? tf.relu(sum) : tf.sigmoid(sum));
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
      const slope = hidden === 'relu' ? tf.step(input) : tf.mul(input, tf.sub(1, input));
      delta = tf.mul(tf.matMul(own, tf.transpose(weights)), slope);
    }
    weights.assign(tf.sub(weights, tf.mul(tf.matMul(tf.transpose(input), own), rate)));
    bias.assign(tf.sub(bias, tf.mul(tf.sum(own, 0), rate)));
  }
}

await measure(options, `TensorFlow.js ${tf.version.tfjs}, ${options.way}`, options.way === 'fit' ? fit() : hand());
