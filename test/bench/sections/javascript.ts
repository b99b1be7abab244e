/** Compares `lockstep train` with jax-js and TensorFlow.js, the other ways to train in JavaScript, on WebAssembly. */
import { join } from 'node:path';
import { ours, threadsOf } from '../contenders.js';
import { type Contender, compare, hold, type Outcome } from '../contest.js';
import { type Context, readable, type Section, Unavailable } from '../context.js';
import { packageVersion } from '../environment.js';
import type { Findings } from '../findings.js';
import { run } from '../processes.js';
import type { Row } from '../rows.js';
import { summarise } from '../statistics.js';
import { ranged, thousands, times } from '../table.js';

interface Peer {
  readonly name: string;
  readonly package: string;
  readonly words: readonly string[];
  /** The target: Lockstep's speed divided by the peer's. */
  readonly wanted: number;
}

/** A careful author computes gradients by hand. Tutorials use model.fit. */
const peers: readonly Peer[] = [
  { name: 'jax-js', package: '@jax-js/jax', words: ['jax.mjs'], wanted: 10 },
  { name: 'TensorFlow.js, by hand', package: '@tensorflow/tfjs', words: ['tfjs.mjs', '--way', 'hand'], wanted: 10 },
  { name: 'TensorFlow.js, model.fit', package: '@tensorflow/tfjs', words: ['tfjs.mjs', '--way', 'fit'], wanted: 50 },
];
const scheduling = 'other';

export const javascript: Section = {
  name: 'javascript',
  title: '`lockstep train` against training in JavaScript',
  async run(context, findings) {
    const installed = peers.filter((peer) => packageVersion(context.root, peer.package) !== 'not installed');
    for (const { name } of peers.filter((peer) => !installed.includes(peer))) {
      findings.note(`${name} is left out: it is not installed (npm ci --prefix test/bench/peers).`);
    }
    if (installed.length === 0) throw new Unavailable('no peer is installed: npm ci --prefix test/bench/peers');
    const cells: string[][] = [];
    for (const row of context.rows) {
      context.log(row.name);
      const contenders = [
        ours(context, row, context.mnist, scheduling, { threads: await threadsOf(context, row) }),
        ...installed.map((peer) => contender(context, row, peer)),
      ];
      const outcomes = await hold(contenders, context.rounds, context.log);
      findings.contest(row.name, outcomes);
      for (const peer of installed) cells.push(...line(findings, row, peer, outcomes));
    }
    const columns = ['model, batch', 'lockstep train', 'peer', 'its samples/s', 'ratio'];
    findings.table('Samples/s on MNIST: median (range)', columns, cells);
  },
};

function contender(context: Context, row: Row, { name, words: [script, ...rest] }: Peer): Contender {
  const words = [
    process.execPath,
    join(context.root, 'test/bench/peers', script),
    ...rest,
    ...['--data', context.mnist.directory, '--layers', row.widths.join(','), '--hidden', row.hidden],
    ...['--batch', String(row.batch), '--seconds', String(context.seconds / 5)],
  ];
  const command = { words, scheduling } as const;
  return {
    name,
    side: 'peer',
    scheduling,
    command: readable(command, context),
    measure: async () => {
      const { stdout } = await run(command);
      const last = stdout.trim().split('\n').at(-1) ?? '';
      return (JSON.parse(last) as { samplesPerSecond: number }).samplesPerSecond;
    },
  };
}

function line(findings: Findings, row: Row, { name, wanted }: Peer, outcomes: readonly Outcome[]): string[][] {
  const comparison = compare(outcomes, scheduling, (each) => each.side === 'ours' || each.name === name);
  if (comparison === undefined) return [];
  const { ours, peer, ratio, ratios } = comparison;
  findings.target(`javascript, ${row.name}`, `${wanted} x ${name}`, times(ratio), ratio >= wanted);
  const [own, its] = [ours, peer].map(({ values }) => ranged(summarise(values), thousands));
  return [[row.name, own, name, its, ranged(summarise(ratios), times)]];
}
