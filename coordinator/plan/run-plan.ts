/** Plans a run of a preset for fleets of several sizes, and says what to change. Pure. */
import { findPreset, type PresetName } from '../../shared/model/presets.js';
import { completeSettings } from '../run/settings.js';
import { bestFleet, type DeviceSpeed, planStep, type SharedLink, type StepPlan } from './step-plan.js';
import { type StepWork, stepWorkOf } from './step-work.js';
import { usualAccuracies } from './usual-accuracy.js';

export interface PlanRequest {
  readonly preset: string;
  readonly epochs: number;
  readonly batch: number;
  readonly microBatch: number;
  /** The number of devices that the user has. Null: not known. */
  readonly fleet: number | null;
  readonly device: DeviceSpeed;
  readonly link: SharedLink;
}

/** A fleet, with what a whole run on it takes. */
export interface PlannedFleet extends StepPlan {
  /** Speed divided by that of one device alone. */
  readonly timesAlone: number;
  readonly runSeconds: number;
  /** Of the whole run, on average, with the device's samples. */
  readonly runBytesPerDevice: number;
}

/** The part of a step that takes the longest. */
export type Bound = 'compute' | 'handling' | 'transfer' | 'latency';

/** A setting that makes the best fleet faster, and its speed then. It changes the weights that the run ends with. */
export interface Change {
  readonly batch: number;
  readonly devices: number;
  readonly samplesPerSecond: number;
  readonly timesAlone: number;
}

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

/** MNIST, the set that the accuracies are for. */
export const mnistTrainSamples = 60_000;
/** Its mean on the wire. */
const sampleBytes = 207;
const usualFleets = [1, 2, 4, 8, 16, 32];
/** A batch grows by this factor at a time, up to this number of samples: with more, training needs more epochs. */
const batchFactor = 2;
const batchMax = 1024;

export function planFleets(request: PlanRequest): PlannedRun {
  const { preset, batch, microBatch, fleet, device, link, epochs } = request;
  const { model } = findPreset(preset);
  const work = stepWorkOf(model, batch, microBatch);
  const whole = (step: StepPlan) => wholeRun(step, request, work);
  const best = whole(bestFleet(work, device, link, fleet ?? work.slots));
  const fleets = sizes(fleet, work.slots).map((devices) => whole(planStep(work, device, link, devices)));
  return {
    request,
    work,
    aloneSeconds: (epochs * mnistTrainSamples) / device.samplesPerSecond,
    accuracy: usualAccuracy(request),
    fleets,
    best,
    bound: boundOf(fleet === null ? best : (fleets.at(-1) ?? best)),
    change: largerBatch(request, best),
  };
}

/** The fleets to show: the usual ones, up to the number of devices or of slots, and that number. */
function sizes(fleet: number | null, slots: number): number[] {
  const last = Math.min(fleet ?? Number.POSITIVE_INFINITY, slots);
  const below = usualFleets.filter((size) => size < last);
  return fleet === null && last > usualFleets[usualFleets.length - 1] ? below : [...below, last];
}

function wholeRun(step: StepPlan, { epochs, device }: PlanRequest, { samples }: StepWork): PlannedFleet {
  const steps = Math.ceil(mnistTrainSamples / samples) * epochs;
  return {
    ...step,
    timesAlone: step.samplesPerSecond / device.samplesPerSecond,
    runSeconds: (steps * step.stepMs) / 1000,
    runBytesPerDevice: steps * step.bytesPerDevice + (mnistTrainSamples * sampleBytes) / step.devices,
  };
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

/** Known for a preset with its own settings. */
function usualAccuracy({ preset, epochs, batch, microBatch }: PlanRequest): number | null {
  const usual = completeSettings({ preset }, null);
  const isUsual = epochs === usual.epochs && batch === usual.batch && microBatch === usual.microBatch;
  return isUsual ? (usualAccuracies[preset as PresetName] ?? null) : null;
}

/** The smallest larger batch with which the best fleet is at least as fast as one device alone, or the largest batch. */
function largerBatch(request: PlanRequest, now: PlannedFleet): Change | null {
  const { preset, batch, microBatch, fleet, device, link } = request;
  if (now.timesAlone > 1) return null;
  let change: Change | null = null;
  for (let larger = batch * batchFactor; larger <= batchMax; larger *= batchFactor) {
    const work = stepWorkOf(findPreset(preset).model, larger, microBatch);
    const { devices, samplesPerSecond } = bestFleet(work, device, link, fleet ?? work.slots);
    change = { batch: larger, devices, samplesPerSecond, timesAlone: samplesPerSecond / device.samplesPerSecond };
    if (change.timesAlone > 1) break;
  }
  return change;
}
