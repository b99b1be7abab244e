/** Holds the contests of `lockstep train` against the other ways to train in JavaScript, on WebAssembly. */
import { join } from 'node:path';
import { ours, threadsOf } from './contenders.js';
import { type Contender, compare, hold, type Outcome } from './contest.js';
import { type Context, readable } from './context.js';
import { packageVersion } from './environment.js';
import type { Findings } from './findings.js';
import { run } from './processes.js';
import { optimizerOf, type Row, writeModel } from './rows.js';
import { summarise } from './statistics.js';
import { ranged, thousands, times } from './table.js';

export interface Peer {
  readonly name: string;
  readonly package: string;
  readonly words: readonly string[];
  /** The target: Lockstep's speed divided by the peer's. */
  readonly wanted: number;
}

const scheduling = 'other';

export const javascriptColumns = ['model, batch', 'lockstep train', 'peer', 'its samples/s', 'ratio'];

/** The peers that are installed. The others get a note. */
export function installedPeers({ root }: Context, findings: Findings, peers: readonly Peer[]): readonly Peer[] {
  const isThere = (peer: Peer) => packageVersion(root, peer.package) !== 'not installed';
  for (const { name } of peers.filter((peer) => !isThere(peer))) {
    findings.note(`${name} is left out: it is not installed (npm ci --prefix test/bench/peers).`);
  }
  return peers.filter(isThere);
}

/** Measures a row against the peers. Returns the lines of the table. */
export async function meetPeers(
  context: Context,
  findings: Findings,
  row: Row,
  peers: readonly Peer[],
): Promise<string[][]> {
  const contenders = [
    ours(context, row, context.mnist, scheduling, { threads: await threadsOf(context, row) }),
    ...peers.map((peer) => contender(context, row, peer)),
  ];
  const outcomes = await hold(contenders, context.rounds, context.log);
  findings.contest(row.name, outcomes);
  return peers.flatMap((peer) => line(findings, row, peer, outcomes));
}

function contender(context: Context, row: Row, { name: peer, words: [script, ...rest] }: Peer): Contender {
  const { name, rate } = optimizerOf(row, context.mnist.rate);
  const words = [
    process.execPath,
    join(context.root, 'test/bench/peers', script),
    ...rest,
    ...['--data', context.mnist.directory, '--model', writeModel(row.network, context.scratch)],
    ...['--batch', String(row.batch), '--optimizer', name, '--lr', String(rate)],
    ...['--seconds', String(context.seconds / 5)],
  ];
  const command = { words, scheduling } as const;
  return {
    name: peer,
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
