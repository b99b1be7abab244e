/**
 * Measures the speed of the kernels on one thread: `node dist/test/bench/kernels.js`, or a section of the benchmark.
 *
 *     node dist/test/bench/kernels.js --against FILE.wasm    compares with another build of the WebAssembly kernels
 *     ... --rounds 21 --row forward                          more rounds, and only rows whose name contains the text
 *
 * Rates count every multiplication and addition of the dense product, even those that a kernel skips
 * ("dense-equivalent"). LOCKSTEP_DATA names a directory with MNIST's train-images-idx3-ubyte.gz. Without it, the pixels
 * are random, and 81% of them are zero. Where a Python has PyTorch, its matrix products are measured for comparison.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { KernelBackend, KernelSizes } from '../../shared/arithmetic/backend.js';
import { native, nativeOfEachWidth, webAssembly, webAssemblyOf } from '../shared/arithmetic/backends.js';
import { pixelsSource } from './kernel-operands.js';
import { type NamedBackend, type Timed, time } from './kernel-timing.js';
import { openSgemms } from './sgemm.js';
import { best, median, pairRatios, summarise } from './statistics.js';

const roundsDefault = 10;

export interface KernelReport {
  readonly pixels: string;
  readonly backends: readonly string[];
  /** The native backend that this machine has chosen by measuring, or null if it has none. */
  readonly chosen: string | null;
  /** The names of the libraries with an SGEMM. */
  readonly libraries: readonly string[];
  readonly timed: readonly Timed[];
}

/** WebAssembly first, then the native kernels with every width of vectors that this processor has. */
const backends: readonly NamedBackend[] = [
  { name: 'WebAssembly', backend: webAssembly },
  ...nativeOfEachWidth.map((backend) => ({ name: shortName(backend), backend })),
];

/** The description without the hash of the code, such as "native avx2". */
function shortName({ description }: KernelBackend): string {
  return description.split(' ').slice(0, -1).join(' ');
}

/** Measures the kernels of every backend of this machine, and the SGEMM of every library. */
export async function measureKernels(rounds: number, row = ''): Promise<KernelReport> {
  const sgemms = openSgemms();
  const timed = await time({ backends, sgemms, rounds, row });
  for (const library of sgemms) library.end();
  return {
    pixels: pixelsSource,
    backends: backends.map(({ name }) => name),
    chosen: native === null ? null : shortName(native),
    libraries: sgemms.map(({ name }) => name),
    timed,
  };
}

/** The library with the fastest SGEMM for a call, or undefined if none was measured. Pure. */
export function bestSgemm({ sgemm }: Timed, libraries: readonly string[]) {
  return best(sgemm.map((all, n) => ({ name: libraries[n], values: all.filter(Number.isFinite) })));
}

/**
 * Compares with another build of the WebAssembly kernels, and prints how many times as fast ours are in each row. The
 * builds may need regions of different sizes, so both get four times what ours need.
 */
async function compareWith(file: string, rounds: number, row: string): Promise<void> {
  const other = webAssemblyOf(readFileSync(file));
  const both = [
    { name: 'new', backend: webAssembly },
    { name: 'old', backend: other },
  ];
  const timed = await time({ backends: both, sgemms: [], rounds, row, sizes: generous(webAssembly.sizes) });
  console.log(`pixels: ${pixelsSource}; ${webAssembly.description} (new) against ${other.description} (old)`);
  console.log('     new      old unit     new/old (range)');
  const all = timed.map(({ name, unit, speeds: [ours, theirs] }) => {
    const { median: ratio, min, max } = summarise(pairRatios(ours, theirs));
    const [a, b] = [ours, theirs].map((speeds) => rightwards(shownRate(inUnit(unit, median(speeds)))));
    console.log(`${a} ${b} ${unit.padEnd(8)} ${ratio.toFixed(3)} (${min.toFixed(2)}-${max.toFixed(2)})  ${name}`);
    return ratio;
  });
  const slower = all.filter((ratio) => ratio < 1).length;
  console.log(`median of the ratios ${median(all).toFixed(3)}; below 1 in ${slower} of ${all.length} rows`);
}

function generous(sizes: KernelSizes): KernelSizes {
  return {
    recordBytesMax: (pixels) => 4 * sizes.recordBytesMax(pixels),
    packedFloats: (rows, pixels) => 4 * sizes.packedFloats(rows, pixels),
    scratchFloats: (rows, inputs, outputs) => 4 * sizes.scratchFloats(rows, inputs, outputs),
    convScratchFloats: (conv) => 4 * sizes.convScratchFloats(conv),
  };
}

function print({ pixels, backends, chosen, libraries, timed }: KernelReport): void {
  console.log(`pixels: ${pixels}; this machine has chosen ${chosen ?? 'WebAssembly'}`);
  console.log(backends.map((name) => name.padStart(15)).join(''));
  for (const each of timed) {
    const rates = each.speeds.map((speeds) => shownRate(inUnit(each.unit, median(speeds))).padStart(15));
    const sgemm = bestSgemm(each, libraries);
    const ratio = sgemm && pairRatios(best(each.speeds.map((values) => ({ values })))?.values ?? [], sgemm.values);
    const than = ratio && `; ${median(ratio).toFixed(2)} of ${median(sgemm.values).toFixed(1)} (${sgemm.name})`;
    console.log(`${rates.join('')} ${each.unit.padEnd(8)} ${each.name}${than ?? ''}`);
  }
}

/** A speed in its unit: the time of a call if that is us, otherwise the speed itself. */
export function inUnit(unit: Timed['unit'], speed: number): number {
  return unit === 'us' ? 1 / speed : speed;
}

export function shownRate(rate: number): string {
  return rate.toFixed(rate < 10 ? 2 : 1);
}

function rightwards(rate: string): string {
  return rate.padStart(8);
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
  else print(await measureKernels(rounds, values.row));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
