/** Compares `lockstep train` with jax-js and TensorFlow.js, the other ways to train in JavaScript, on WebAssembly. */
import { type Section, Unavailable } from '../context.js';
import { installedPeers, javascriptColumns, meetPeers, type Peer } from '../javascript-contest.js';

/** A careful author computes gradients by hand. Tutorials use model.fit. */
const peers: readonly Peer[] = [
  { name: 'jax-js', package: '@jax-js/jax', words: ['jax.mjs'], wanted: 10 },
  { name: 'TensorFlow.js, by hand', package: '@tensorflow/tfjs', words: ['tfjs.mjs', '--way', 'hand'], wanted: 10 },
  { name: 'TensorFlow.js, model.fit', package: '@tensorflow/tfjs', words: ['tfjs.mjs', '--way', 'fit'], wanted: 50 },
];

export const javascript: Section = {
  name: 'javascript',
  title: '`lockstep train` against training in JavaScript',
  async run(context, findings) {
    const installed = installedPeers(context, findings, peers);
    if (installed.length === 0) throw new Unavailable('no peer is installed: npm ci --prefix test/bench/peers');
    const cells: string[][] = [];
    for (const row of context.rows) {
      context.log(row.name);
      cells.push(...(await meetPeers(context, findings, row, installed)));
    }
    findings.table('Samples/s on MNIST: median (range)', javascriptColumns, cells);
  },
};
