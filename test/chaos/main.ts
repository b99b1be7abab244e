/** `npm run chaos`: runs the chaos test for a given time. Exit code 1 means that something was lost. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chaos } from './chaos.js';

const usage = `npm run chaos -- [--minutes M] [--seed K] [--verbose]

  --minutes M   how long to cause faults (default: 1); checking then takes about a third of that time
  --seed K      determines which faults happen, and when (default: 1)
  --verbose     print each fault when it happens
`;

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '1' },
        seed: { type: 'string', default: '1' },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
    if (!(minutes > 0)) throw new Error('--minutes must be a number above 0');
    if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) throw new Error('--seed must be 0 to 2^32 - 1');
    return { ...values, minutes, seed };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exit(2);
  }
}

function table(counts: ReadonlyMap<string, number>): string {
  return Array.from(counts, ([name, count]) => `  ${String(count).padStart(6)}  ${name}\n`).join('');
}

const { minutes, seed, verbose, help } = readOptions();
if (help) {
  process.stdout.write(usage);
  process.exit(0);
}
const directory = mkdtempSync(join(tmpdir(), 'lockstep-chaos-'));
const start = performance.now();
const elapsed = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
try {
  const { faults, said, steps, weightsSha256 } = await chaos({
    seed,
    goesOn: () => performance.now() - start < 60_000 * minutes,
    directory,
    onFault: ({ kind, worker }) => {
      if (verbose) process.stdout.write(`${elapsed()}: ${kind}${worker > 0 ? ` (w${worker})` : ''}\n`);
    },
  });
  process.stdout.write(`done in ${minutes} min with seed ${seed}:\n${table(faults)}`);
  process.stdout.write(`said by the coordinators:\n${table(said)}`);
  process.stdout.write(`${steps} steps, each once, each as in a quiet run on one worker: weights ${weightsSha256}\n`);
  rmSync(directory, { recursive: true });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.stderr.write(`lost after ${elapsed()}; the run is in ${directory}\n`);
  process.stderr.write(`again: npm run chaos -- --minutes ${minutes} --seed ${seed} --verbose\n`);
  process.exit(1);
}
