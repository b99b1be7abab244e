/**
 * Decides which faults happen to a fleet, and when. This is pure, so a seed always gives the same schedule. The
 * possible next faults depend on the faults before, and never on how the processes react.
 */
import type { Random } from '../../shared/random.js';

export type FaultKind =
  | 'worker started'
  | 'worker killed'
  | 'worker stopped'
  | 'worker continued'
  | 'worker interrupted'
  | 'coordinator stopped'
  | 'coordinator continued'
  | 'coordinator killed'
  | 'coordinator resumed';

export interface Fault {
  readonly kind: FaultKind;
  /** Number of the affected worker, or 0 for the coordinator. */
  readonly worker: number;
  /** Time since the previous fault. */
  readonly afterMs: number;
}

/** The largest number of workers at a time. */
export const workersMax = 5;

const pauseMsMin = 30;
const pauseMsMax = 900;

/** The state of the processes, as the faults so far have left it. */
class Stage {
  readonly running: number[] = [];
  readonly stopped: number[] = [];
  coordinator: 'running' | 'stopped' | 'dead' = 'running';
  started = 0;

  /** The possible next faults, each with the processes that it may affect and with its weight. */
  *possible(): Iterable<{ kind: FaultKind; among: readonly number[]; weight: number }> {
    const { running, stopped, coordinator } = this;
    const alive = [...running, ...stopped];
    const next = alive.length < workersMax ? [this.started + 1] : [];
    const itself = (...states: Stage['coordinator'][]) => (states.includes(coordinator) ? [0] : []);
    yield { kind: 'worker started', among: next, weight: running.length === 0 ? 10 : 4 };
    yield { kind: 'worker killed', among: alive, weight: 3 };
    yield { kind: 'worker stopped', among: running, weight: 3 };
    yield { kind: 'worker continued', among: stopped, weight: 2 };
    yield { kind: 'worker interrupted', among: running, weight: 1 };
    yield { kind: 'coordinator stopped', among: itself('running'), weight: 1 };
    yield { kind: 'coordinator continued', among: itself('stopped'), weight: 6 };
    yield { kind: 'coordinator killed', among: itself('running', 'stopped'), weight: 1 };
    yield { kind: 'coordinator resumed', among: itself('dead'), weight: 8 };
  }

  apply(kind: FaultKind, worker: number): void {
    switch (kind) {
      case 'worker started':
        this.started = worker;
        this.running.push(worker);
        return;
      case 'worker killed':
      case 'worker interrupted':
        return this.remove(worker);
      case 'worker stopped':
        this.remove(worker);
        this.stopped.push(worker);
        return;
      case 'worker continued':
        this.remove(worker);
        this.running.push(worker);
        return;
      case 'coordinator stopped':
        this.coordinator = 'stopped';
        return;
      case 'coordinator killed':
        this.coordinator = 'dead';
        return;
      case 'coordinator continued':
      case 'coordinator resumed':
        this.coordinator = 'running';
        return;
      default:
        kind satisfies never;
    }
  }

  private remove(worker: number): void {
    for (const list of [this.running, this.stopped]) {
      const at = list.indexOf(worker);
      if (at >= 0) list.splice(at, 1);
    }
  }
}

/** An endless schedule. At its beginning, the coordinator runs and there is no worker. */
export function* schedule(random: Random): Generator<Fault, never> {
  const stage = new Stage();
  for (;;) {
    const possible = [...stage.possible()].filter(({ among }) => among.length > 0);
    const { kind, among } = draw(possible, random);
    const worker = among[random.below(among.length)];
    stage.apply(kind, worker);
    yield { kind, worker, afterMs: pauseMsMin + random.below(pauseMsMax - pauseMsMin) };
  }
}

/** Draws one of the choices. The probability of a choice is proportional to its weight. */
function draw<T extends { readonly weight: number }>(choices: readonly T[], random: Random): T {
  let left = random.uniform() * choices.reduce((sum, { weight }) => sum + weight, 0);
  for (const choice of choices) {
    left -= choice.weight;
    if (left < 0) return choice;
  }
  return choices[0];
}
