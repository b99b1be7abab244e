/**
 * Says whether a run is bound by its network: how long its members would compute a step, against how long a step takes. Pure:
 * times are handed in.
 *
 * What this is not: a prediction. `lockstep plan` predicts before anybody joins.
 */
import { grouped } from '../../shared/figures.js';
import { earliestEndMs } from '../../shared/pool/shares.js';

/** A machine of the fleet, as far as it is measured. */
export interface MeasuredMachine {
  readonly name: string;
  /** How long it computes one slot: for each part of it that gets slots of its own. Empty if nothing is known. */
  readonly slotMs: readonly number[];
}

/** The work of a full step, and what decides how much is sent for it. */
export interface StepShape {
  readonly slots: number;
  readonly samples: number;
  readonly localSteps: number;
  readonly wireBits: number;
}

export interface NetworkBound {
  readonly samplesPerSecond: number;
  /** Of all machines together, if nothing had to be sent. */
  readonly computedPerSecond: number;
  /** The machine that would be the fastest alone, without a network. */
  readonly fastest: { readonly name: string; readonly samplesPerSecond: number };
  /** An option with which less is sent. */
  readonly remedy: string;
}

/** A run is bound by its network if its members compute for less than this part of a step's time. */
const computedPart = 0.5;

/** Null if the run is not bound by its network, or if no machine is measured. */
export function networkBound(
  machines: readonly MeasuredMachine[],
  shape: StepShape,
  stepMs: number,
): NetworkBound | null {
  const { slots, samples } = shape;
  const computedMs = computingMs(
    slots,
    machines.flatMap(({ slotMs }) => slotMs),
  );
  if (computedMs >= computedPart * stepMs) return null;
  const alone = machines.map(({ name, slotMs }) => ({ name, ms: computingMs(slots, slotMs) }));
  const fastest = alone.reduce((best, each) => (each.ms < best.ms ? each : best));
  const perSecond = (ms: number) => Math.round((1000 * samples) / ms);
  return {
    samplesPerSecond: perSecond(stepMs),
    computedPerSecond: perSecond(computedMs),
    fastest: { name: fastest.name, samplesPerSecond: perSecond(fastest.ms) },
    remedy: remedyFor(shape),
  };
}

/**
 * The shortest time in which these compute so many slots, if nothing has to be sent, to the microsecond: it is found by
 * search. Infinity if there are none.
 */
export function computingMs(slots: number, slotMs: readonly number[]): number {
  const costs = slotMs.map((each) => ({ leadMs: 0, slotMs: each }));
  return Math.round(1000 * earliestEndMs(slots, costs)) / 1000;
}

/** First what costs the least accuracy. */
function remedyFor({ localSteps, wireBits }: StepShape): string {
  if (localSteps === 1) return wireBits > 8 ? '--local-steps 16 --wire-bits 8' : '--local-steps 16';
  if (wireBits > 4) return `--wire-bits ${wireBits > 8 ? 8 : 4}`;
  return `--local-steps ${2 * localSteps}`;
}

export function networkBoundText({ samplesPerSecond, computedPerSecond, fastest, remedy }: NetworkBound): string {
  const isFaster = fastest.samplesPerSecond > samplesPerSecond;
  return (
    `this run waits for its network most of the time: it makes ${grouped(samplesPerSecond)} samples/s, and its members ` +
    `could compute ${grouped(computedPerSecond)}; ${fastest.name} alone would make ` +
    `${grouped(fastest.samplesPerSecond)}${isFaster ? ', which is more,' : ''} without a network; ` +
    `a new run with ${remedy} sends less`
  );
}

/** The median of so many steps in a row is the time of a step. One may have waited for an evaluation or a pause. */
const stepsTimed = 5;
/** A run is called bound by its network when it has been for this long. */
const boundMsMin = 5_000;

/** Watches a run, so that what is said of its network does not change from step to step. */
export class NetworkWatch {
  private readonly stepsMs: number[] = [];
  private stepBeganMs: number | null = null;
  private boundFromMs: number | null = null;

  /** Cheap, because it is called in each step. */
  stepBegan(nowMs: number): void {
    if (this.stepBeganMs !== null) this.stepsMs.push(nowMs - this.stepBeganMs);
    if (this.stepsMs.length > stepsTimed) this.stepsMs.shift();
    this.stepBeganMs = nowMs;
  }

  /** The steps so far were made by another fleet. */
  fleetChanged(): void {
    this.stepsMs.length = 0;
    this.stepBeganMs = null;
  }

  /** To be called about once a second. Null until it has been true for a while. */
  judge(nowMs: number, machines: readonly MeasuredMachine[], shape: StepShape): NetworkBound | null {
    const isTimed = this.stepsMs.length === stepsTimed;
    const stepMs = [...this.stepsMs].sort((a, b) => a - b)[stepsTimed >> 1];
    const bound = isTimed ? networkBound(machines, shape, stepMs) : null;
    this.boundFromMs = bound === null ? null : (this.boundFromMs ?? nowMs);
    return this.boundFromMs !== null && nowMs - this.boundFromMs >= boundMsMin ? bound : null;
  }
}
