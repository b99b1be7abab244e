/**
 * Measures the speed of the kernels on one thread: `node dist/test/bench/kernels.js`, or a section of the benchmark.
 *
 * Rates count every multiplication and addition of the dense product, even those that a kernel skips
 * ("dense-equivalent"). A round makes every measurement once, so that a disturbance of the machine affects all of them.
 * LOCKSTEP_DATA names a directory with MNIST's train-images-idx3-ubyte.gz. Without it, the pixels are random, and 81%
 * of them are zero. If NumPy is installed, its SGEMM on one core is measured for comparison.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Measurement, prepare } from './kernel-cases.js';
import { type Summary, summarise } from './statistics.js';

const ROUND_MS = 12;

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

/** Measures all kernels. `python` is a Python that may have NumPy. */
export function measureKernels(rounds: number, python: string): KernelReport {
  const { measurements, pixels } = prepare();
  const rates = measure(measurements, rounds).map((times, i) => {
    const { name, work, unit } = measurements[i];
    return { name, unit, ...summarise(times.map((ms) => (unit === 'us' ? 1000 * ms : work / ms / 1e6))) };
  });
  return { pixels, rates, sgemm: sgemm(python) };
}

/** Returns the milliseconds of one run, for each measurement and each round. */
function measure(list: readonly Measurement[], rounds: number): number[][] {
  const runs = list.map((each) => {
    timed(each, 20);
    return Math.max(16, Math.ceil(ROUND_MS / timed(each, 20)));
  });
  const times = list.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, each] of list.entries()) times[i].push(timed(each, runs[i]));
  }
  return times;
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
  return rate.toFixed(1).padStart(8);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) print(measureKernels(9, 'python3'));
