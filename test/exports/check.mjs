/**
 * Checks models that were exported for TensorFlow.js with TensorFlow.js: node check.mjs MODULES DIRECTORY. MODULES is a
 * folder with a package.json whose dependencies have @tensorflow/tfjs. The folders of DIRECTORY and the lines that are
 * printed are those of check.py.
 */
import { once } from 'node:events';
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [modules, directory] = process.argv.slice(2);
const tf = createRequire(join(modules, 'package.json'))('@tensorflow/tfjs');
await tf.setBackend('cpu');

const server = createServer(({ url }, response) => {
  // A connection that stays open would time out while a model computes.
  response.setHeader('connection', 'close');
  createReadStream(join(directory, decodeURIComponent(url))).pipe(response);
}).listen(0, '127.0.0.1');
await once(server, 'listening');

function floats(name, file) {
  const bytes = readFileSync(join(directory, name, `${file}.bin`));
  return new Float32Array(new Uint8Array(bytes).buffer);
}

for (const name of readdirSync(directory).sort()) {
  const { input } = JSON.parse(readFileSync(join(directory, name, 'case.json'), 'utf8'));
  const url = `http://127.0.0.1:${server.address().port}/${encodeURIComponent(name)}/tfjs/model.json`;
  const model = await tf.loadLayersModel(url);
  const pixels = floats(name, 'pixels');
  const samples = pixels.length / input.reduce((a, b) => a * b, 1);
  const output = model.predict(tf.tensor(pixels, [samples, ...input]), { batchSize: 256 });
  const [found, expected] = [output.dataSync(), floats(name, 'probabilities')];
  let [difference, wrong] = [found.length === expected.length ? 0 : Infinity, 0];
  expected.forEach((x, i) => {
    difference = Math.max(difference, Math.abs(found[i] - x) / Math.max(1, Math.abs(x)));
  });
  const classes = expected.length / samples;
  const answer = (values, n) => {
    const row = values.slice(n * classes, (n + 1) * classes);
    return row.indexOf(row.reduce((a, b) => Math.max(a, b)));
  };
  for (let n = 0; n < samples; n++) if (answer(found, n) !== answer(expected, n)) wrong += 1;
  console.log(JSON.stringify({ model: name, samples, difference, wrong }));
}
server.close();
