/** Trains with jax-js on its wasm backend, with a jitted step. In Node it has one thread. `node jax.mjs --data DIR --model FILE` */
import { Batches, measure, readOptions, readSamples } from './common.mjs';

// If there is shared memory, jax-js looks for web workers, which Node does not have.
delete globalThis.SharedArrayBuffer;
const jax = await import('@jax-js/jax');
const { numpy, jit, lax, valueAndGrad, nn, init, defaultDevice } = jax;
await init('wasm');
defaultDevice('wasm');

const options = readOptions();
const { model, batch, rate } = options;
const classes = 10;
const random = (length, scale) => Float32Array.from({ length }, () => scale * (2 * Math.random() - 1));
const sizeOf = (shape) => shape.reduce((product, extent) => product * extent);
const array = (shape, scale) => numpy.array(random(sizeOf(shape), scale)).reshape(shape);
const activations = { linear: (x) => x, relu: nn.relu, sigmoid: nn.sigmoid };

/** The parameters of each layer, or null, and the function of it. Images are [channels, height, width]. */
const layers = [];
let shape = 'dense' in model.layers[0] ? [784] : [1, ...model.input];
const inputShape = shape;
for (const layer of model.layers) layers.push(layerOf(layer));

function layerOf({ dense, conv2d, kernel, stride = 1, padding = 0, maxPool, activation = 'linear' }) {
  const after = activations[activation];
  if (maxPool > 0) {
    // Windows that touch are axes of their own, whose largest value has a faster gradient than a window has.
    const [channels, height, width] = shape;
    const [tall, wide] = [height / maxPool, width / maxPool];
    shape = [channels, tall, wide];
    const split = [batch, channels, tall, maxPool, wide, maxPool];
    return { parameters: null, apply: (_, x) => after(numpy.max(x.reshape(split), [3, 5])) };
  }
  if (dense > 0) {
    const inputs = sizeOf(shape);
    shape = [dense];
    return {
      parameters: { weights: array([inputs, dense], 1 / Math.sqrt(inputs)), bias: array([dense], 0.01) },
      apply: ({ weights, bias }, x) => after(numpy.matmul(x.reshape([batch, inputs]), weights).add(bias)),
    };
  }
  const [channels, ...extents] = shape;
  const inputs = channels * kernel * kernel;
  shape = [conv2d, ...extents.map((extent) => Math.floor((extent + 2 * padding - kernel) / stride) + 1)];
  const around = [padding, padding];
  return {
    parameters: {
      weights: array([conv2d, channels, kernel, kernel], 1 / Math.sqrt(inputs)),
      bias: array([conv2d, 1, 1], 0.01),
    },
    apply: ({ weights, bias }, x) =>
      after(lax.convGeneralDilated(x, weights, [stride, stride], [around, around]).add(bias)),
  };
}

function loss(parameters, images, labels) {
  let [x, at] = [images, 0];
  for (const { parameters: own, apply } of layers) x = apply(own === null ? null : parameters[at++], x);
  return nn
    .logSoftmax(x, -1)
    .mul(labels)
    .sum()
    .mul(-1 / batch);
}

/** The state of a parameter is its value, followed by what the optimizer remembers of it. */
const optimizers = {
  sgd: { vectors: 0, update: ([value], gradient) => [value.sub(gradient.mul(rate))] },
  adam: { vectors: 2, update: adam },
};

/** Without the correction of the first steps' bias, which costs nothing beside the rest. */
function adam([value, mean, square], gradient) {
  const m = mean.mul(0.9).add(gradient.ref.mul(0.1));
  const v = square.mul(0.999).add(gradient.ref.mul(gradient).mul(0.001));
  return [value.sub(m.ref.div(numpy.sqrt(v.ref).add(1e-8)).mul(rate)), m, v];
}

const { vectors, update } = optimizers[options.optimizer];
const step = jit((states, images, labels) => {
  const values = states.map(({ weights, bias }) => ({ weights: weights[0].ref, bias: bias[0].ref }));
  const [value, gradient] = valueAndGrad(loss)(values, images, labels);
  const stepped = states.map(({ weights, bias }, n) => ({
    weights: update(weights, gradient[n].weights),
    bias: update(bias, gradient[n].bias),
  }));
  return [value, stepped];
});

const zeros = (value) => Array.from({ length: vectors }, () => numpy.zeros(value.shape));
let states = layers.flatMap(({ parameters }) => {
  if (parameters === null) return [];
  const { weights, bias } = parameters;
  return [{ weights: [weights, ...zeros(weights)], bias: [bias, ...zeros(bias)] }];
});

const batches = new Batches(readSamples(options.data), batch);
await measure(options, 'jax-js', () => {
  const { images, labels } = batches.next();
  let value;
  [value, states] = step(
    states,
    numpy.array(images).reshape([batch, ...inputShape]),
    numpy.array(labels).reshape([batch, classes]),
  );
  // Reading the loss waits until the step has ended.
  const [lossNow] = value.dataSync();
  if (!Number.isFinite(lossNow)) throw new Error('the loss is not finite');
  return batch;
});
process.exit();
