/** The update of a step (E4): its rate, its clipping, and then the weights, part by part. */
import type { KernelMemory } from '../arithmetic/backend.js';
import type { Pointer } from '../arithmetic/kernels.js';
import { type Span, spansIn } from '../model/chain.js';
import { withoutStatistics } from '../model/coding.js';
import type { CodedPlace, OptimizerPlace, StepScale, StepSum, UpdatePart } from './optimizer.js';
import { type OptimizerDescription, optimizerOf } from './optimizers.js';
import { type PlannedSchedule, rateAt } from './schedule.js';
import { moveStatistics } from './statistics.js';

/** How weights are updated from a sum of gradients. */
export interface GradientRules {
  readonly optimizer: OptimizerDescription;
  /** How the rate changes from step to step. Undefined if it does not. */
  readonly schedule?: PlannedSchedule | undefined;
  /** The largest norm of the mean gradient. A longer one is scaled to this length. Undefined: no limit. */
  readonly clip?: number | undefined;
}

/** How a slot of a round makes its local steps. */
export interface SlotRules extends GradientRules {
  /** At most so many: one for each micro-batch of the slot. */
  readonly steps: number;
}

/** How a run updates its weights. */
export interface UpdateRules extends GradientRules {
  /** In a run of rounds, the sum is one of the differences that slots have made by these rules. Undefined: of gradients. */
  readonly rounds?: SlotRules | undefined;
}

/** A step's sum, for all parameters. */
export interface WholeSum extends StepSum {
  /** Number of parameters. */
  readonly floats: number;
}

/** Updates all weights on one thread. `statistics` are the places in ascending order at which there are no weights. */
export function updateAll(
  rules: UpdateRules,
  memory: KernelMemory,
  at: OptimizerPlace,
  whole: WholeSum,
  statistics: readonly Span[],
): void {
  const scale = scaleOf(rules, memory, whole, statistics);
  updateWeights(rules, memory, at, { ...whole, ...scale, first: 0 }, statistics);
}

/** The numbers that all parts of a step's update share. */
export function scaleOf(
  rules: GradientRules,
  memory: KernelMemory,
  whole: WholeSum,
  statistics: readonly Span[],
): StepScale {
  const { clip } = rules;
  const rate = rateOf(rules, whole.step);
  if (clip === undefined) return { rate, factor: 1 };
  const norm = Math.sqrt(squares(memory, whole, statistics)) / whole.terms;
  return { rate, factor: norm > clip ? Math.fround(clip / norm) : 1 };
}

/** The learning rate of a step, a float32. `step` is the number of updates before it. */
export function rateOf({ optimizer, schedule }: GradientRules, step: number): number {
  return schedule === undefined ? Math.fround(optimizer.rate) : rateAt(optimizer.rate, schedule, step);
}

/** Updates a part of the weights. Where updates are quantised, the part begins with a block. */
export function updateWeights(
  { optimizer, rounds }: UpdateRules,
  memory: KernelMemory,
  at: OptimizerPlace,
  part: UpdatePart,
  statistics: readonly Span[] = [],
): void {
  const kind = optimizerOf(optimizer);
  const { coded } = at;
  if (coded !== undefined) copy(memory, at.weights, coded.change, part);
  for (const { first, floats, isStatistic } of runsOf(part, statistics)) {
    const run = { ...part, first, floats };
    if (isStatistic) moveStatistics(memory, at.weights, run, rounds !== undefined);
    else kind.update(optimizer, memory, at, run);
  }
  if (coded !== undefined) settle(memory, at.weights, coded, part);
}

/** Quantises the change of a part of the weights, which `coded.change` has as they were, and takes back what it cannot say. */
function settle(memory: KernelMemory, weights: Pointer, { coding, change, residual }: CodedPlace, part: Place): void {
  const { first, floats } = part;
  const spans = spansIn(coding.statistics, first, floats);
  const [w, changed, rest] = [weights, change, residual].map((vector) => vector + 4 * first);
  withoutStatistics(memory, spans, [w, changed], () => {
    memory.kernels.settle(w, changed, rest, floats, coding.bits);
  });
  for (const { offset, floats: count } of spans) copy(memory, w, changed, { first: offset, floats: count });
}

function copy({ buffer }: KernelMemory, from: Pointer, to: Pointer, { first, floats }: Place): void {
  new Float32Array(buffer, to + 4 * first, floats).set(new Float32Array(buffer, from + 4 * first, floats));
}

type Place = Pick<UpdatePart, 'first' | 'floats'>;

/**
 * The sum of the squares of a step's sum, without statistics, in double precision. The number i is added to sum i mod 4,
 * each from +0 and in ascending order; then the four are added in pairs. A square of a float32 is exact.
 */
function squares(memory: KernelMemory, { sum, floats }: WholeSum, statistics: readonly Span[]): number {
  const sums = new Float32Array(memory.buffer, sum, floats);
  const totals = new Float64Array(4);
  for (const { first, floats: count, isStatistic } of runsOf({ first: 0, floats }, statistics)) {
    if (!isStatistic) addSquares(sums, first, first + count, totals);
  }
  return totals[0] + totals[1] + (totals[2] + totals[3]);
}

function addSquares(sums: Float32Array, first: number, end: number, totals: Float64Array): void {
  let i = first;
  for (; i < end && i % 4 !== 0; i++) totals[i % 4] += sums[i] * sums[i];
  let [a, b, c, d] = totals;
  for (; i + 4 <= end; i += 4) {
    a += sums[i] * sums[i];
    b += sums[i + 1] * sums[i + 1];
    c += sums[i + 2] * sums[i + 2];
    d += sums[i + 3] * sums[i + 3];
  }
  totals.set([a, b, c, d]);
  for (; i < end; i++) totals[i % 4] += sums[i] * sums[i];
}

interface Run extends Pick<UpdatePart, 'first' | 'floats'> {
  readonly isStatistic: boolean;
}

/** Cuts a run of parameters into runs of weights and runs of statistics, in ascending order. */
function runsOf({ first, floats }: Pick<UpdatePart, 'first' | 'floats'>, statistics: readonly Span[]): Run[] {
  const runs: Run[] = [];
  const end = first + floats;
  let from = first;
  const addUpTo = (to: number, isStatistic: boolean) => {
    if (to <= from) return;
    runs.push({ first: from, floats: to - from, isStatistic });
    from = to;
  };
  for (const { offset, floats: count } of statistics) {
    addUpTo(Math.min(offset, end), false);
    addUpTo(Math.min(offset + count, end), true);
  }
  addUpTo(end, false);
  return runs;
}
