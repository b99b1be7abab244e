/**
 * Measures the speed of the kernels on one thread: `node dist/test/bench/kernels.js`, or a section of the benchmark.
 *
 *     node dist/test/bench/kernels.js --against FILE.wasm    compares with another build of the WebAssembly kernels
 *     ... --rounds 21 --row forward                          more rounds, and only rows whose name contains the text
 *
 * Rates count every multiplication and addition of the dense product, even those that a kernel skips
 * ("dense-equivalent"). In a round, every backend makes every measurement once, one backend directly after the other,
 * so that a disturbance of the machine affects all of them. The order of the backends is reversed in every other round.
 * LOCKSTEP_DATA names a directory with MNIST's train-images-idx3-ubyte.gz. Without it, the pixels are random, and 81%
 * of them are zero. If NumPy is installed, its SGEMM on one core is measured for comparison.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { KernelBackend, KernelSizes } from '../../shared/arithmetic/backend.js';
import { openBackend } from '../../shared/arithmetic/backends.js';
import { webAssemblyCode } from '../../shared/arithmetic/webassembly/backend.js';
import { nodePlatform } from '../../worker/node-platform.js';
import type { Measurement } from './kernel-cases.js';
import { pixelsSource } from './kernel-operands.js';
import { median, pairRatios, type Summary, summarise } from './statistics.js';

const ROUND_MS = 12;
const roundsDefault = 10;

/** The forward passes that are compared with an SGEMM of the same sizes. */
const compared = ['64x784x512 0% zeros', '64x512x512 0% zeros', '32x784x100 digits'];

export interface KernelRate extends Summary {
  readonly name: string;
  readonly unit: Measurement['unit'];
}

export interface KernelReport {
  readonly pixels: string;
  readonly rates: readonly KernelRate[];
  /** GFLOP/s of SGEMM, by the name of the forward pass; or the reason why it was not measured. */
  readonly sgemm: ReadonlyMap<string, number> | string;
}

/** One measurement, with the milliseconds of one run: for each backend, one number for each round. */
interface Timed {
  readonly measurement: Measurement;
  readonly times: readonly (readonly number[])[];
}

/** Measures all kernels. `python` is a Python that may have NumPy. */
export async function measureKernels(rounds: number, python: string): Promise<KernelReport> {
  const { backend } = nodePlatform();
  const timed = await measure([backend], backend.sizes, rounds, '');
  const rates = timed.map(({ measurement: { name, work, unit }, times: [times] }) => {
    return { name, unit, ...summarise(times.map((ms) => (unit === 'us' ? 1000 * ms : work / ms / 1e6))) };
  });
  return { pixels: pixelsSource, rates, sgemm: sgemm(python) };
}

/** Measures, for each backend and each round, the calls whose name contains `row`. All use regions of these sizes. */
async function measure(
  backends: readonly KernelBackend[],
  sizes: KernelSizes,
  rounds: number,
  row: string,
): Promise<Timed[]> {
  const lists: (readonly Measurement[])[] = [];
  for (const [n, backend] of backends.entries()) lists.push((await casesFor(n)).prepare(backend, sizes));
  const chosen = [...lists[0].keys()].filter((i) => lists[0][i].name.includes(row));
  const cases = chosen.map((i) => lists.map((list) => ({ measurement: list[i], runs: runsOf(list[i]) })));
  const all = cases.map((of) => of.map((): number[] => []));
  for (let round = 0; round < rounds; round++) {
    for (const [i, of] of cases.entries()) {
      const turns = [...of.entries()];
      for (const [n, { measurement, runs }] of round % 2 === 0 ? turns : turns.reverse()) {
        all[i][n].push(timed(measurement, runs));
      }
    }
  }
  return cases.map(([{ measurement }], i) => ({ measurement, times: all[i] }));
}

/** A module of its own for each backend, so that the engine compiles its calls for that backend alone. */
async function casesFor(backend: number): Promise<typeof import('./kernel-cases.js')> {
  return import(`./kernel-cases.js?${backend}`);
}

function runsOf(measurement: Measurement): number {
  timed(measurement, 20);
  return Math.max(16, Math.ceil(ROUND_MS / timed(measurement, 20)));
}

function timed(measurement: Measurement, runs: number): number {
  const start = performance.now();
  for (let turn = 0; turn < runs; turn++) measurement.run(turn);
  return (performance.now() - start) / runs;
}

/** Measures NumPy's SGEMM on one core with the sizes of each forward pass in `compared`, in GFLOP/s. */
function sgemm(python: string): KernelReport['sgemm'] {
  const sizes = compared.map((name) => name.split(' ')[0].split('x').map(Number));
  const script = `
import numpy, time
for rows, inner, columns in ${JSON.stringify(sizes)}:
    a = numpy.random.rand(rows, inner).astype('float32')
    b = numpy.random.rand(inner, columns).astype('float32')
    times = []
    for _ in range(200):
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    print(2 * rows * inner * columns / sorted(times)[100] / 1e9)
`;
  const env = { ...process.env, OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
  const { status, stdout } = spawnSync(python, ['-c', script], { env, encoding: 'utf8' });
  if (status !== 0) return `skipped: ${python} with NumPy is not at hand`;
  const rates = stdout.trim().split('\n').map(Number);
  return new Map(compared.map((name, i) => [`forward ${name}`, rates[i]]));
}

/**
 * Compares with another build of the WebAssembly kernels, and prints how many times as fast ours are in each row. The
 * builds may need regions of different sizes, so both get four times what ours need.
 */
async function compareWith(file: string, rounds: number, row: string): Promise<void> {
  const platform = nodePlatform();
  const { sizes } = platform.backend;
  const generous: KernelSizes = {
    recordBytesMax: (pixels) => 4 * sizes.recordBytesMax(pixels),
    packedFloats: (rows, pixels) => 4 * sizes.packedFloats(rows, pixels),
    scratchFloats: (rows, inputs, outputs) => 4 * sizes.scratchFloats(rows, inputs, outputs),
  };
  const other = openBackend(webAssemblyCode(readFileSync(file), platform.sha256));
  const compared = await measure([platform.backend, other], generous, rounds, row);
  console.log(`pixels: ${pixelsSource}; ${platform.backend.description} (new) against ${other.description} (old)`);
  console.log('     new      old unit      new/old (range)');
  const all = compared.map(({ measurement: { name, work, unit }, times: [ours, theirs] }) => {
    const { median: ratio, min, max } = summarise(pairRatios(theirs, ours));
    const [a, b] = [ours, theirs].map(median).map((ms) => rightwards(unit === 'us' ? 1000 * ms : work / ms / 1e6));
    console.log(`${a} ${b} ${unit.padEnd(8)} ${ratio.toFixed(3)} (${min.toFixed(2)}-${max.toFixed(2)})  ${name}`);
    return ratio;
  });
  const slower = all.filter((ratio) => ratio < 1).length;
  console.log(`median of the ratios ${median(all).toFixed(3)}; below 1 in ${slower} of ${all.length} rows`);
}

function print({ pixels, rates, sgemm }: KernelReport): void {
  console.log(`pixels: ${pixels}`);
  for (const { name, unit, median } of rates) console.log(`${rightwards(median)} ${unit.padEnd(8)} ${name}`);
  if (typeof sgemm === 'string') return console.log(`NumPy SGEMM: ${sgemm}`);
  for (const [name, rate] of sgemm) {
    const ratio = rates.find((each) => each.name === name)!.median / rate;
    console.log(`${rightwards(rate)} GFLOP/s  NumPy SGEMM, of which ${ratio.toFixed(2)} in ${name}`);
  }
}

function rightwards(rate: number): string {
  return rate.toFixed(rate < 10 ? 2 : 1).padStart(8);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      against: { type: 'string' },
      rounds: { type: 'string', default: String(roundsDefault) },
      row: { type: 'string', default: '' },
    },
  });
  const rounds = Number(values.rounds);
  if (values.against !== undefined) await compareWith(values.against, rounds, values.row);
  else print(await measureKernels(rounds, 'python3'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
