/** The common code of the JavaScript peers: options, MNIST in memory, batches, and the measurement. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';

const pixels = 784;
const classes = 10;

/** Reads the options. `--model` names a model file that `lockstep train` takes, of dense, conv2d and maxPool layers. */
export function readOptions() {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      model: { type: 'string' },
      batch: { type: 'string', default: '128' },
      way: { type: 'string', default: 'hand' },
      optimizer: { type: 'string', default: 'sgd' },
      lr: { type: 'string', default: '0.1' },
      segments: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '1' },
    },
  });
  const { data, optimizer, way } = values;
  const model = JSON.parse(readFileSync(values.model, 'utf8'));
  const [batch, rate, segments, seconds] = [values.batch, values.lr, values.segments, values.seconds].map(Number);
  return { data, model, optimizer, way, batch, rate, segments, seconds };
}

/** The number of inputs, then the number of outputs of each layer. Throws if a layer is not dense. */
export function widthsOf({ layers }) {
  if (!layers.every(({ dense }) => dense > 0)) throw new Error('this way trains dense layers only');
  return [pixels, ...layers.map(({ dense }) => dense)];
}

/** Reads the training images as floats from 0 to 1, and their labels. */
export function readSamples(directory) {
  const read = (name) => {
    const path = join(directory, name);
    return existsSync(path) ? readFileSync(path) : gunzipSync(readFileSync(`${path}.gz`));
  };
  const images = Float32Array.from(read('train-images-idx3-ubyte').subarray(16), (pixel) => pixel / 255);
  return { images, labels: Uint8Array.from(read('train-labels-idx1-ubyte').subarray(8)) };
}

/** Makes batches. Each epoch has every sample at most once, in a new order. */
export class Batches {
  constructor(samples, batch) {
    Object.assign(this, samples);
    this.batch = batch;
    this.order = Int32Array.from(this.labels, (_, i) => i);
    this.at = this.order.length;
  }

  /** The images of the next batch, and its labels as one-hot vectors. */
  next() {
    if (this.at + this.batch > this.order.length) this.shuffle();
    const images = new Float32Array(this.batch * pixels);
    const labels = new Float32Array(this.batch * classes);
    for (let row = 0; row < this.batch; row++) {
      const sample = this.order[this.at++];
      images.set(this.images.subarray(sample * pixels, (sample + 1) * pixels), row * pixels);
      labels[row * classes + this.labels[sample]] = 1;
    }
    return { images, labels };
  }

  shuffle() {
    const { order } = this;
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    this.at = 0;
  }
}

/** Runs `work` again and again until each segment's time is over, and prints the speed. `work` returns its samples. */
export async function measure({ segments, seconds }, peer, work) {
  const segment = async () => {
    const start = performance.now();
    let samples = 0;
    let passed = 0;
    do {
      samples += await work();
      passed = performance.now() - start;
    } while (passed < 1000 * seconds);
    return (1000 * samples) / passed;
  };
  await segment();
  const rates = [];
  for (let i = 0; i < segments; i++) rates.push(await segment());
  const samplesPerSecond = rates.toSorted((a, b) => a - b)[segments >> 1];
  console.log(JSON.stringify({ peer, samplesPerSecond, rates }));
}
