/** Plans a run of a preset for fleets of several sizes, and says what to change. Pure. */
import { type Change, changeFor } from './change.js';
import { bestOf, mnistTrainSamples, type PlannedFleet, type PlanRequest, wholeRun, workOf } from './planned-fleet.js';
import { planStep, type StepPlan } from './step-plan.js';
import type { StepWork } from './step-work.js';
import { usualAccuracy } from './usual-accuracy.js';

/** The part of a step that takes the longest. */
export type Bound = 'compute' | 'handling' | 'transfer' | 'latency';

export interface PlannedRun {
  readonly request: PlanRequest;
  readonly work: StepWork;
  readonly aloneSeconds: number;
  /** The preset's usual accuracy on MNIST after `epochs` epochs. Null: not known for these settings. */
  readonly accuracy: number | null;
  readonly fleets: readonly PlannedFleet[];
  readonly best: PlannedFleet;
  /** What takes the longest in a step of the largest fleet that the user has, or of the best one. */
  readonly bound: Bound;
  readonly change: Change | null;
}

const usualFleets = [1, 2, 4, 8, 16, 32];

export function planFleets(request: PlanRequest): PlannedRun {
  const { fleet, device, link, epochs } = request;
  const work = workOf(request);
  const best = bestOf(request);
  const fleets = sizes(fleet, work.slots).map((devices) =>
    wholeRun(planStep(work, device, link, devices), request, work),
  );
  return {
    request,
    work,
    aloneSeconds: (epochs * mnistTrainSamples) / device.samplesPerSecond,
    accuracy: usualAccuracy(request),
    fleets,
    best,
    bound: boundOf(fleet === null ? best : (fleets.at(-1) ?? best)),
    change: changeFor(request, best),
  };
}

/** The fleets to show: the usual ones, up to the number of devices or of slots, and that number. */
function sizes(fleet: number | null, slots: number): number[] {
  const last = Math.min(fleet ?? Number.POSITIVE_INFINITY, slots);
  const below = usualFleets.filter((size) => size < last);
  return fleet === null && last > usualFleets[usualFleets.length - 1] ? below : [...below, last];
}

function boundOf({ computeMs, handlingMs, transferMs, latencyMs }: StepPlan): Bound {
  const parts: readonly (readonly [Bound, number])[] = [
    ['compute', computeMs],
    ['handling', handlingMs],
    ['transfer', transferMs],
    ['latency', latencyMs],
  ];
  return parts.reduce((top, each) => (each[1] > top[1] ? each : top))[0];
}
