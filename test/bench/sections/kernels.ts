/** Measures the kernels of every backend on one thread, next to the SGEMM of other libraries on one core. */
import type { Section } from '../context.js';
import type { Findings } from '../findings.js';
import { type Goals, goalsFor, processorOf } from '../goals.js';
import type { Timed } from '../kernel-timing.js';
import { bestSgemm, inUnit, type KernelReport, measureKernels, shownRate } from '../kernels.js';
import { median, pairRatios, summarise } from '../statistics.js';
import { ranged, times } from '../table.js';

const roundsMin = 9;
/** The targets are for these products, which skip nothing. */
const judged = ['64x784x512 0% zeros', '64x512x512 0% zeros', '256x512x512 0% zeros'];

export const kernels: Section = {
  name: 'kernels',
  title: 'Kernels on one thread',
  async run(context, findings) {
    const report = await measureKernels(context.quick ? 3 : Math.max(roundsMin, context.rounds));
    const { pixels, backends, chosen, libraries, timed } = report;
    findings.command('node dist/test/bench/kernels.js');
    findings.note(`Pixels: ${pixels}. GFLOP/s count all operations of the dense product, including skipped ones.`);
    findings.note(
      chosen === null
        ? 'There are no native kernels on this machine: it has no C compiler.'
        : `Of the native kernels, this machine has chosen ${chosen} by measuring. The targets are for these.`,
    );
    findings.note(
      libraries.length === 0
        ? 'There is no PyTorch, so no SGEMM was measured.'
        : `The best SGEMM is the fastest of ${libraries.join(', ')} on one core. It uses fused multiply-add.`,
    );
    const columns = [
      ...['kernel', 'unit', ...backends],
      ...(chosen === null ? [] : [`${chosen} / WebAssembly`]),
      ...['best SGEMM', 'which', `${chosen ?? 'WebAssembly'} / SGEMM`],
    ];
    findings.table(
      'Median (range)',
      columns,
      timed.map((each) => line(report, each)),
    );
    const goals = goalsFor(processorOf());
    for (const each of timed.filter(({ name }) => judged.some((sizes) => name.endsWith(` ${sizes}`)))) {
      judge(findings, report, goals, each);
    }
  },
};

function line(report: KernelReport, each: Timed): string[] {
  const { name, unit, speeds } = each;
  const own = report.chosen === null ? speeds[0] : native(report, each);
  const sgemm = bestSgemm(each, report.libraries);
  return [
    name,
    unit,
    ...speeds.map((values) => ranged(summarise(values.map((speed) => inUnit(unit, speed))), shownRate)),
    ...(report.chosen === null ? [] : [times(nativeRatio(report, each))]),
    ...(sgemm === undefined
      ? ['', '', '']
      : [shownRate(median(sgemm.values)), sgemm.name, median(pairRatios(own, sgemm.values)).toFixed(2)]),
  ];
}

/** The speeds of the native kernels that this machine has chosen. */
function native({ backends, chosen }: KernelReport, { speeds }: Timed): readonly number[] {
  return speeds[backends.indexOf(chosen ?? '')] ?? [];
}

/** The first backend is WebAssembly. */
function nativeRatio(report: KernelReport, each: Timed): number {
  return median(pairRatios(native(report, each), each.speeds[0]));
}

function judge(findings: Findings, report: KernelReport, goals: Goals, each: Timed): void {
  if (report.chosen === null) return;
  const ratio = nativeRatio(report, each);
  findings.target(`kernels, ${each.name}`, `${goals.native} x WebAssembly`, times(ratio), ratio >= goals.native);
  const sgemm = bestSgemm(each, report.libraries);
  if (sgemm === undefined) return;
  const share = median(pairRatios(native(report, each), sgemm.values));
  const measured = `${share.toFixed(2)} (${sgemm.name})`;
  findings.target(`kernels, ${each.name}`, `${goals.sgemm} of the best SGEMM`, measured, share >= goals.sgemm);
}
