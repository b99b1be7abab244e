/** The benchmark's command line. Pure. */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Whether to write the report's files. */
  readonly report: boolean;
  readonly quick: boolean;
  /** Names of the sections to run, or null for all. */
  readonly only: readonly string[] | null;
  /** Rows are measured if their name contains this text. */
  readonly row: string;
  readonly rounds: number;
  /** Length of one of Lockstep's measurements. */
  readonly seconds: number;
}

const roundsDefault = 5;
const secondsDefault = 4;
const quickly = { rounds: 1, seconds: 2 };

/** The help text. It ends with the names of the sections. */
export const usage = (
  sections: readonly string[],
) => `npm run bench -- [--report] [--only NAME,NAME] [--row TEXT] [--rounds N] [--quick]

  --report     write test/bench/REPORT.md and test/bench/report.json
  --only       run only these sections; with --report, the rest of the report stays as it is
  --row TEXT   only models and batches whose name contains TEXT, such as 784-16 or 1024
  --rounds N   number of rounds of each contest (default: ${roundsDefault})
  --quick      one short round of everything, to check that it runs

LOCKSTEP_DATA names the directory with the four files of MNIST. PyTorch is measured if /usr/bin/python3 has it (Debian:
python3-torch libopenblas0-openmp), and in the interpreters that LOCKSTEP_BENCH_PYTHON names, separated by colons (such
as a virtual environment after pip install torch numpy). The JavaScript peers are measured after
npm ci --prefix test/bench/peers.
The section scaling takes 25 minutes, and needs root. It measures Flower in the interpreter that LOCKSTEP_BENCH_FLOWER
names (pip install flwr torch).
The section classroom needs root and Chromium.
Sections: ${sections.join(', ')}
`;

/** Parses the command line. Throws an Error with a sentence for people. */
export function parseOptions(words: readonly string[], sections: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      report: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      row: { type: 'string', default: '' },
      rounds: { type: 'string' },
    },
  });
  const only = values.only?.split(',') ?? null;
  const unknown = only?.find((name) => !sections.includes(name));
  if (unknown !== undefined) throw new Error(`there is no section ${unknown}; there are ${sections.join(', ')}`);
  const { quick, report, row } = values;
  const rounds = values.rounds === undefined ? (quick ? quickly.rounds : roundsDefault) : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number from 1');
  return { report, quick, only, row, rounds, seconds: quick ? quickly.seconds : secondsDefault };
}
