/** Trains with jax-js on its wasm backend, with a jitted step. In Node it has one thread. `node jax.mjs --data DIR` */
import { Batches, measure, readOptions, readSamples } from './common.mjs';

// If there is shared memory, jax-js looks for web workers, which Node does not have.
delete globalThis.SharedArrayBuffer;
const jax = await import('@jax-js/jax');
const { numpy, jit, valueAndGrad, nn, init, defaultDevice } = jax;
await init('wasm');
defaultDevice('wasm');

const options = readOptions();
const { widths, batch, rate } = options;
const activation = options.hidden === 'relu' ? nn.relu : nn.sigmoid;
const random = (length, scale) => Float32Array.from({ length }, () => scale * (2 * Math.random() - 1));

let layers = widths.slice(1).map((outputs, n) => ({
  weights: numpy.array(random(widths[n] * outputs, 1 / Math.sqrt(widths[n]))).reshape([widths[n], outputs]),
  bias: numpy.array(random(outputs, 0.01)),
}));

function loss(model, images, labels) {
  let x = images;
  model.forEach(({ weights, bias }, n) => {
    x = numpy.matmul(x, weights).add(bias);
    if (n < model.length - 1) x = activation(x);
  });
  return nn
    .logSoftmax(x, -1)
    .mul(labels)
    .sum()
    .mul(-1 / batch);
}

const update = jit((model, images, labels) => {
  const [value, gradient] = valueAndGrad(loss)(jax.tree.ref(model), images, labels);
  const stepped = model.map(({ weights, bias }, n) => ({
    weights: weights.sub(gradient[n].weights.mul(rate)),
    bias: bias.sub(gradient[n].bias.mul(rate)),
  }));
  return [value, stepped];
});

const batches = new Batches(readSamples(options.data), batch);
await measure(options, 'jax-js', () => {
  const { images, labels } = batches.next();
  let value;
  [value, layers] = update(
    layers,
    numpy.array(images).reshape([batch, widths[0]]),
    numpy.array(labels).reshape([batch, widths.at(-1)]),
  );
  // Reading the loss waits until the step has ended.
  value.dataSync();
  return batch;
});
process.exit();
