/** Measures the kernels on one thread, next to OpenBLAS on one core. */
import type { Section } from '../context.js';
import type { Findings } from '../findings.js';
import { type KernelRate, type KernelReport, measureKernels } from '../kernels.js';
import { ranged } from '../table.js';

const roundsMin = 9;

/** The targets in GFLOP/s, by the sizes of the product. */
const wanted: readonly (readonly [sizes: string, rate: number])[] = [
  ['64x784x512 0% zeros', 32],
  ['64x512x512 0% zeros', 32],
  ['32x784x100 digits', 130],
];

export const kernels: Section = {
  name: 'kernels',
  title: 'Kernels on one thread',
  async run(context, findings) {
    const report = await measureKernels(
      context.quick ? 3 : Math.max(roundsMin, context.rounds),
      context.python?.program ?? 'python3',
    );
    findings.command('node dist/test/bench/kernels.js');
    findings.note(
      `Pixels: ${report.pixels}. GFLOP/s count all operations of the dense product, including skipped ones.`,
    );
    if (typeof report.sgemm === 'string') findings.note(`NumPy's SGEMM on one core: ${report.sgemm}.`);
    else findings.note('SGEMM is that of NumPy: OpenBLAS on one core, with the fused multiply-add of AVX.');
    const cells = report.rates.map((rate) => [rate.name, rate.unit, ranged(rate, number), ...blasCells(report, rate)]);
    findings.table('Median (range)', ['kernel', 'unit', 'rate', 'SGEMM', 'ratio'], cells);
    judge(findings, report);
  },
};

function blasCells({ sgemm }: KernelReport, { name, median }: KernelRate): string[] {
  const rate = typeof sgemm === 'string' ? undefined : sgemm.get(name);
  return rate === undefined ? ['', ''] : [number(rate), (median / rate).toFixed(2)];
}

function judge(findings: Findings, { rates }: KernelReport): void {
  for (const [sizes, rate] of wanted) {
    for (const { name, median } of rates.filter((each) => each.name.endsWith(` ${sizes}`))) {
      findings.target(`kernels, ${name}`, `${rate} GFLOP/s`, `${number(median)} GFLOP/s`, median >= rate);
    }
  }
}

function number(rate: number): string {
  return rate.toFixed(rate < 10 ? 2 : 1);
}
