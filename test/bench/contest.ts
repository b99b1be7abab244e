/**
 * Measures contenders in turn: A B A B. So a disturbance of the machine affects all of them, and the values of one
 * round can be compared in pairs.
 */
import type { SchedulingClass } from './processes.js';
import { best, median, pairRatios } from './statistics.js';

export interface Contender {
  readonly name: string;
  readonly side: 'ours' | 'peer';
  readonly scheduling: SchedulingClass;
  /** The command that the report shows. */
  readonly command: string;
  /** Makes one measurement. A larger value is better. */
  measure(): Promise<number>;
}

export interface Outcome extends Omit<Contender, 'measure'> {
  /** One value for each round. There are fewer if a measurement failed. */
  readonly values: readonly number[];
  /** The failure after which the contender was not measured any more. */
  readonly fault?: string;
}

/** Measures all contenders in every round. A contender that fails is left out of the following rounds. */
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

/** Our best contender compared with the best peer. */
export interface Comparison {
  readonly ours: Outcome;
  readonly peer: Outcome;
  /** One ratio for each round. */
  readonly ratios: readonly number[];
  readonly ratio: number;
}

/**
 * Compares the outcomes of one scheduling class that `counts` accepts. Returns undefined if one side has no figure.
 */
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

/** Chooses among the comparisons of both classes the one with the lower ratio. Only that one is claimed. */
export function strictest(comparisons: readonly (Comparison | undefined)[]): Comparison | undefined {
  return comparisons.reduce((top, each) => {
    if (top === undefined || each === undefined) return top ?? each;
    return each.ratio < top.ratio ? each : top;
  }, undefined);
}
