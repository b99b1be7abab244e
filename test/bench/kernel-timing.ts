/**
 * Times the kernel calls of several backends and the matrix products of other libraries in turn, on one core.
 *
 * In a round, every contender makes every measurement once, one directly after the other, so that a disturbance of the
 * machine affects all of them. The order of the backends is reversed in every other round.
 */
import type { KernelBackend, KernelSizes } from '../../shared/arithmetic/backend.js';
import type { Measurement } from './kernel-cases.js';
import type { Sgemm } from './sgemm.js';

const ROUND_MS = 12;

/** A backend, by the name that the report shows. */
export interface NamedBackend {
  readonly name: string;
  readonly backend: KernelBackend;
}

/** The speeds of one kernel call: for each contender, one number for each round. A larger number is better. */
export interface Timed {
  readonly name: string;
  readonly unit: Measurement['unit'];
  /** GFLOP/s, GB/s, or calls per microsecond, for each backend in the order of the list. */
  readonly speeds: readonly (readonly number[])[];
  /** GFLOP/s of the same product for each library. Empty if there is no such product. */
  readonly sgemm: readonly (readonly number[])[];
}

export interface Course {
  readonly backends: readonly NamedBackend[];
  readonly sgemms: readonly Sgemm[];
  readonly rounds: number;
  /** Only calls whose name contains this text are measured. */
  readonly row: string;
  /** The sizes of the regions. Default: those of each backend. */
  readonly sizes?: KernelSizes;
}

export async function time({ backends, sgemms, rounds, row, sizes }: Course): Promise<Timed[]> {
  const lists: (readonly Measurement[])[] = [];
  for (const [n, { backend }] of backends.entries()) {
    lists.push((await casesFor(n)).prepare(backend, sizes ?? backend.sizes));
  }
  const chosen = [...lists[0].keys()].filter((i) => lists[0][i].name.includes(row));
  const cases = chosen.map((i) => new Case(lists.map((list) => list[i])));
  for (let round = 0; round < rounds; round++) {
    for (const each of cases) await each.round(round % 2 === 1, sgemms);
  }
  return cases;
}

/** A module of its own for each backend, so that the engine compiles its calls for that backend alone. */
async function casesFor(backend: number): Promise<typeof import('./kernel-cases.js')> {
  return import(`./kernel-cases.js?${backend}`);
}

/** The same call on each backend. */
class Case implements Timed {
  readonly name: string;
  readonly unit: Measurement['unit'];
  readonly speeds: number[][];
  readonly sgemm: number[][] = [];
  private readonly runs: number[];

  constructor(private readonly measurements: readonly Measurement[]) {
    this.name = measurements[0].name;
    this.unit = measurements[0].unit;
    this.speeds = measurements.map(() => []);
    this.runs = measurements.map((each) => {
      timed(each, 20);
      return Math.max(16, Math.ceil(ROUND_MS / timed(each, 20)));
    });
  }

  async round(backwards: boolean, sgemms: readonly Sgemm[]): Promise<void> {
    const turns = [...this.measurements.entries()];
    for (const [n, each] of backwards ? turns.reverse() : turns) {
      this.speeds[n].push(speed(each, timed(each, this.runs[n])));
    }
    const [{ product }] = this.measurements;
    if (product === undefined) return;
    for (const [n, library] of sgemms.entries()) {
      this.sgemm[n] ??= [];
      this.sgemm[n].push(await library.rate(product));
    }
  }
}

function timed(measurement: Measurement, runs: number): number {
  const start = performance.now();
  for (let turn = 0; turn < runs; turn++) measurement.run(turn);
  return (performance.now() - start) / runs;
}

function speed({ unit, work }: Measurement, ms: number): number {
  return unit === 'us' ? 1 / (1000 * ms) : work / ms / 1e6;
}
