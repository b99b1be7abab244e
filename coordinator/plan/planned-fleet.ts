/** A whole run of a preset on one fleet: what is asked for, and how long it takes. Pure. */
import { bestFleet, type DeviceSpeed, type SharedLink, type StepPlan } from './step-plan.js';
import { type StepCut, type StepWork, stepWorkOf } from './step-work.js';

export interface PlanRequest extends StepCut {
  readonly preset: string;
  readonly epochs: number;
  /** The number of devices that the user has. Null: not known. */
  readonly fleet: number | null;
  readonly device: DeviceSpeed;
  readonly link: SharedLink;
}

/** A fleet, with what a whole run on it takes. */
export interface PlannedFleet extends StepPlan {
  /** Speed divided by that of one device alone. */
  readonly timesAlone: number;
  /** From the first step on. Samples travel during the first epoch, and the first weights before it. */
  readonly runSeconds: number;
  /** Of the whole run, on average, with the device's samples and its first weights. */
  readonly runBytesPerDevice: number;
}

/** MNIST, the set that the accuracies are for. */
export const mnistTrainSamples = 60_000;
/** The mean of one of its samples on the wire. Each sample belongs to a slot, and a device keeps those of its slots. */
const sampleBytes = 207;

export function workOf(request: PlanRequest): StepWork {
  return stepWorkOf(request.preset, request);
}

export function wholeRun(step: StepPlan, { epochs, device, link }: PlanRequest, work: StepWork): PlannedFleet {
  const steps = Math.ceil(mnistTrainSamples / work.samples) * epochs;
  const firstBytes = mnistTrainSamples * sampleBytes + 4 * work.parameters * step.devices;
  return {
    ...step,
    timesAlone: step.samplesPerSecond / device.samplesPerSecond,
    runSeconds: (steps * step.stepMs) / 1000 + (8 * firstBytes) / (1e6 * link.mbps),
    runBytesPerDevice: steps * step.bytesPerDevice + firstBytes / step.devices,
  };
}

/** The fleet that trains the fastest, of at most the devices that the user has. */
export function bestOf(request: PlanRequest): PlannedFleet {
  const { device, link, fleet } = request;
  const work = workOf(request);
  return wholeRun(bestFleet(work, device, link, fleet ?? work.slots), request, work);
}
