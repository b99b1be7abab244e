/** Compares `lockstep train` of convolutional networks with PyTorch, TensorFlow.js and jax-js. */
import type { Section } from '../context.js';
import { goalsFor, processorOf } from '../goals.js';
import { installedPeers, javascriptColumns, meetPeers, type Peer } from '../javascript-contest.js';
import { remarkOn } from '../pythons.js';
import { qualified, qualify } from '../qualifying.js';
import {
  allFigures,
  claimed,
  contestColumns,
  contestLines,
  judge,
  meet,
  trialColumns,
  trialLines,
} from '../torch-contest.js';

const tensorflow = { package: '@tensorflow/tfjs', wanted: 10 } as const;
const peers: readonly Peer[] = [
  { name: 'jax-js', package: '@jax-js/jax', words: ['jax.mjs'], wanted: 10 },
  { ...tensorflow, name: 'TensorFlow.js, minimize', words: ['tfjs.mjs', '--way', 'minimize'] },
  { ...tensorflow, name: 'TensorFlow.js, model.fit', words: ['tfjs.mjs', '--way', 'fit'] },
];

export const convolutions: Section = {
  name: 'convolutions',
  title: '`lockstep train` of convolutional networks against PyTorch and training in JavaScript',
  async run(context, findings) {
    findings.note(
      'The models are the presets of these names, without their schedule of the rate. All train with Adam.',
    );
    findings.note(remarkOn(context.pythons));
    findings.note(qualified);
    findings.note(
      'The WebAssembly backend of TensorFlow.js has no gradient of a convolution’s weights. It is computed here by its ' +
        'forward convolution, on transposed tensors.',
    );
    const goal = goalsFor(processorOf()).convolutions;
    const installed = installedPeers(context, findings, peers);
    const [torch, javascript, trials]: string[][][] = [[], [], []];
    for (const row of context.convolutionRows) {
      context.log(row.name);
      const { ways, threads, trials: all } = await qualify(context, row);
      trials.push(...trialLines(row, all));
      const outcomes = await meet(context, findings, row, context.mnist, threads, ways);
      torch.push(...contestLines(row, outcomes));
      judge(findings, `${row.name}, MNIST`, goal, claimed(outcomes));
      javascript.push(...(await meetPeers(context, findings, row, installed)));
    }
    findings.table('Samples/s on MNIST against PyTorch: median (range)', contestColumns, torch);
    findings.table('Samples/s on MNIST against training in JavaScript: median (range)', javascriptColumns, javascript);
    findings.table('The qualifying rounds on MNIST', trialColumns, trials);
    allFigures(findings);
  },
};
