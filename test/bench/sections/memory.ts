/** Measures whether memory grows with the number of steps, and how much memory a process uses at most. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Context, readable, type Section } from '../context.js';
import type { Findings } from '../findings.js';
import type { HeapSample } from '../heap-probe.js';
import { endless, inRun, train, trainingCommand, type Workers } from '../lockstep.js';
import type { Running } from '../processes.js';
import { row, small } from '../rows.js';
import { growth, lastStep, type MemorySample, memoryOf } from '../samplers.js';

const steps = 20_000;
const sampleEveryMs = 50;
/**
 * Growth below these numbers is noise. Resident memory varies by about 10 MB with the garbage collector. The live heap
 * varies much less.
 */
const [residentGrowthMb, heapGrowthMb] = [10, 1];
const batch = 32;
/** The targets for the largest memory in megabytes, by the role of a process. A coordinator has no target. */
const peaks: Readonly<Record<string, number>> = { train: 350, worker: 140 };

const subjects: readonly (readonly [name: string, workers: Workers, roles: readonly string[]])[] = [
  ['train, 2 threads', { threads: 2 }, ['train']],
  ['coordinator and a worker of 2 threads', { processes: [2] }, ['coordinator', 'worker']],
];

interface Watched {
  readonly role: string;
  readonly pid: number;
  readonly samples: (MemorySample & { readonly atMs: number })[];
}

export const memory: Section = {
  name: 'memory',
  title: 'Memory over many steps',
  async run(context, findings) {
    const cells: string[][] = [];
    for (const [name, workers, roles] of subjects) {
      context.log(name);
      // The second run has a probe in the process. The probe forces collections, so it would change the first figures.
      const plain = await watch(context, findings, workers, roles, null);
      const probed = await watch(context, findings, workers, roles, join(context.scratch, `heap-${roles[0]}`));
      for (const [i, role] of roles.entries()) {
        cells.push(judge(findings, name, role, plain[i], heapOf(probed[i], context)));
      }
    }
    const columns = ['what', 'process', 'peak RSS', 'RSS growth', 'live heap at the end', 'growth', 'external growth'];
    findings.table(`MB over ${steps} steps of ${batch} samples of 784-100-10 on MNIST`, columns, cells);
    findings.note('Growth is the difference between the mean over 25-40 % of the steps and the mean over 85-100 %.');
    findings.note(
      'The live heap is that of the main thread after a garbage collection, measured by a probe in a separate run.',
    );
  },
};

/** Runs `steps` steps, and reads the memory of every process from the operating system. */
async function watch(
  context: Context,
  findings: Findings,
  workers: Workers,
  roles: readonly string[],
  heapFile: string | null,
): Promise<Watched[]> {
  const probe = fileURLToPath(new URL('../heap-probe.js', import.meta.url));
  const env = heapFile === null ? {} : { NODE_OPTIONS: `--import ${probe}`, LOCKSTEP_BENCH_HEAP: heapFile };
  const options = [...endless, '--max-steps', steps];
  const training = {
    row: row(small, batch, [2]),
    pixels: context.mnist,
    scheduling: 'other',
    scratch: context.scratch,
    options,
  } as const;
  const watched: Watched[] = [];
  await inRun(context.scratch, async (out) => {
    if (heapFile === null) findings.command(readable(trainingCommand(training, workers, out), context));
    const sample = async () => {
      const step = await lastStep(join(out, 'metrics.jsonl'));
      for (const { pid, samples } of watched) {
        const now = memoryOf(pid);
        if (now !== null) samples.push({ ...now, step, atMs: Date.now() });
      }
    };
    const timer = setInterval(() => void sample(), sampleEveryMs);
    const found = (processes: readonly Running[]) =>
      processes.forEach(({ pid }, i) => {
        if (pid !== undefined) watched.push({ role: roles[i], pid, samples: [] });
      });
    await train({ ...training, env }, workers, out, { timeoutMs: 600_000 }, found).finally(() => clearInterval(timer));
  });
  return watched;
}

/** The probe's samples of a process. Each gets the step of the latest sample in `samples` that is not newer. */
function heapOf({ pid, samples }: Watched, { scratch }: Context): { step: number; sample: HeapSample }[] {
  const files = ['train', 'coordinator'].map((role) => join(scratch, `heap-${role}`)).filter(existsSync);
  return files
    .flatMap((file) => readFileSync(file, 'utf8').trim().split('\n'))
    .map((line) => JSON.parse(line) as HeapSample)
    .filter((sample) => sample.pid === pid)
    .map((sample) => ({ step: samples.findLast(({ atMs }) => atMs <= sample.atMs)?.step ?? 0, sample }));
}

function judge(
  findings: Findings,
  name: string,
  role: string,
  { samples }: Watched,
  heap: readonly { readonly step: number; readonly sample: HeapSample }[],
): string[] {
  const peak = Math.max(...samples.map(({ peakMb }) => peakMb));
  const resident = growth(
    samples.map(({ step, residentMb: megabytes }) => ({ step, megabytes })),
    steps,
  );
  const [live, external] = (['heapMb', 'externalMb'] as const).map((field) =>
    growth(
      heap.map(({ step, sample }) => ({ step, megabytes: sample[field] })),
      steps,
    ),
  );
  const who = `memory, ${name}: ${role}`;
  const limit = peaks[role];
  if (limit !== undefined) findings.target(`${who}, peak RSS`, `under ${limit} MB`, mb(peak), peak < limit);
  findings.target(`${who}, RSS flat`, `under ${residentGrowthMb} MB`, mb(resident), resident < residentGrowthMb);
  findings.target(`${who}, live heap flat`, `under ${heapGrowthMb} MB`, mb(live), live < heapGrowthMb);
  return [name, role, mb(peak), mb(resident), mb(heap.at(-1)?.sample.heapMb ?? Number.NaN), mb(live), mb(external)];
}

function mb(megabytes: number): string {
  return Number.isFinite(megabytes) ? `${megabytes.toFixed(1)} MB` : '-';
}
