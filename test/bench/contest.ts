/** Contenders measured in turn, A B A B, so that a disturbance of the machine meets them all, and rounds are pairs. */
import type { SchedulingClass } from './processes.js';
import { best, median, pairRatios } from './statistics.js';

export interface Contender {
  readonly name: string;
  readonly side: 'ours' | 'peer';
  readonly scheduling: SchedulingClass;
  /** How it is run, for the report. */
  readonly command: string;
  /** One measurement; more is better. */
  measure(): Promise<number>;
}

export interface Outcome extends Omit<Contender, 'measure'> {
  /** One for each round; fewer where one failed. */
  readonly values: readonly number[];
  /** Why it was given up. */
  readonly fault?: string;
}

/** A contender that fails is left out of the rounds that follow. */
export async function hold(
  contenders: readonly Contender[],
  rounds: number,
  report: (line: string) => void,
): Promise<Outcome[]> {
  const values = contenders.map((): number[] => []);
  const faults = new Map<number, string>();
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      if (faults.has(i)) continue;
      try {
        values[i].push(await contender.measure());
      } catch (error) {
        faults.set(i, error instanceof Error ? error.message : String(error));
      }
      const figure = faults.get(i) ?? values[i].at(-1)?.toPrecision(4);
      report(`  round ${round + 1}/${rounds}  ${contender.name} [${contender.scheduling}]: ${figure}`);
    }
  }
  return contenders.map(({ measure: _, ...contender }, i) => {
    const fault = faults.get(i);
    return { ...contender, values: values[i], ...(fault !== undefined && { fault }) };
  });
}

/** Our best against the best of the peers. */
export interface Comparison {
  readonly ours: Outcome;
  readonly peer: Outcome;
  /** One for each round. */
  readonly ratios: readonly number[];
  readonly ratio: number;
}

/** Of those that `counts` lets take part, in one scheduling class; undefined where a side has no figure. */
export function compare(
  outcomes: readonly Outcome[],
  scheduling: SchedulingClass,
  counts: (outcome: Outcome) => boolean = () => true,
): Comparison | undefined {
  const there = outcomes.filter((each) => each.scheduling === scheduling && counts(each));
  const ours = best(there.filter(({ side }) => side === 'ours'));
  const peer = best(there.filter(({ side }) => side === 'peer'));
  if (ours === undefined || peer === undefined) return undefined;
  const ratios = pairRatios(ours.values, peer.values);
  return { ours, peer, ratios, ratio: median(ratios) };
}

/** Of a contest in both classes, the comparison with the best peer of all. */
export function strictest(comparisons: readonly (Comparison | undefined)[]): Comparison | undefined {
  return comparisons.reduce((top, each) => {
    if (top === undefined || each === undefined) return top ?? each;
    return median(each.peer.values) > median(top.peer.values) ? each : top;
  }, undefined);
}
