/**
 * A prediction of a step's time with a number of devices: computing, what the devices and the coordinator do to send and
 * receive, the bytes on the link that all devices share, and its latency. These times are added.
 *
 * What this is not: a simulation. All devices are alike. `npm run bench -- --only scaling` compares it with measurements
 * of slow devices, and says how far it is off. Pure.
 */
import { cover } from '../../shared/pool/tree.js';
import type { StepWork } from './step-work.js';

/** A device that computes alone, without a network. */
export interface DeviceSpeed {
  readonly samplesPerSecond: number;
  /** The threads that make this speed together. Only one of them sends and receives. */
  readonly threads: number;
}

/** The link that all devices share, such as the coordinator's own. It has this rate in each direction. */
export interface SharedLink {
  readonly mbps: number;
  readonly rttMs: number;
}

export interface StepPlan {
  readonly devices: number;
  readonly computeMs: number;
  /** Time on the processors of device and coordinator for what goes over the network. */
  readonly handlingMs: number;
  /** Time of the bytes on the shared link. */
  readonly transferMs: number;
  readonly latencyMs: number;
  readonly stepMs: number;
  readonly samplesPerSecond: number;
  /** Sent and received by one device, on average. */
  readonly bytesPerDevice: number;
}

/** What a reference processor does with one thread: multiplications of the forward pass a second. */
const referenceMultiplications = 24e9;
/** Time of the reference processor for one step, and for a megabyte that a device sends or receives. */
const deviceStepMs = 0.25;
const deviceMsPerMegabyte = 0.9;
/** The coordinator is taken for a reference processor. It does this for every device. */
const coordinatorStepMs = 0.05;
const coordinatorMsPerMegabyte = 0.4;
const bytesPerFloat = 4;

/** The plan of a step with this many devices, each of which has work. */
export function planStep(work: StepWork, device: DeviceSpeed, link: SharedLink, devices: number): StepPlan {
  const { slots, samples, parameters, multiplications } = work;
  const runs = evenRuns(slots, devices);
  const most = Math.max(...runs.map(({ size }) => size));
  const shards = runs.reduce((sum, run) => sum + run.shards, 0);
  const tensor = bytesPerFloat * parameters;
  const bytes = tensor * (devices + shards);
  const megabytes = bytes / 1e6;
  const slowness = (referenceMultiplications * device.threads) / (device.samplesPerSecond * multiplications);
  const computeMs = ((1000 * samples) / device.samplesPerSecond) * (most / slots);
  const handlingMs =
    slowness * (deviceStepMs + (deviceMsPerMegabyte * megabytes) / devices) +
    coordinatorStepMs * devices +
    coordinatorMsPerMegabyte * megabytes;
  // The weights reach one device after the other, so most gradients come back while other devices still wait for theirs.
  const transferMs = (8 * tensor * (Math.max(devices, shards) + 1)) / (1000 * link.mbps);
  const stepMs = computeMs + handlingMs + transferMs + link.rttMs;
  return {
    devices,
    computeMs,
    handlingMs,
    transferMs,
    latencyMs: link.rttMs,
    stepMs,
    samplesPerSecond: (1000 * samples) / stepMs,
    bytesPerDevice: bytes / devices,
  };
}

/** Equal runs of slots for the devices that have work: the slots and the shards of each. */
function evenRuns(slots: number, devices: number): { readonly size: number; readonly shards: number }[] {
  const busy = Math.min(slots, devices);
  return Array.from({ length: busy }, (_, i) => {
    const [lo, hi] = [i, i + 1].map((n) => Math.round((n * slots) / busy));
    return { size: hi - lo, shards: cover(lo, hi, slots).length };
  });
}

/** More devices are not planned for. */
export const plannedDevicesMax = 1024;

/** The smallest number of devices, up to `most`, that is about as fast as the fastest one. */
export function bestFleet(work: StepWork, device: DeviceSpeed, link: SharedLink, most: number): StepPlan {
  const all = Array.from({ length: Math.min(most, work.slots) }, (_, i) => planStep(work, device, link, i + 1));
  const top = Math.max(...all.map(({ samplesPerSecond }) => samplesPerSecond));
  return all.find(({ samplesPerSecond }) => samplesPerSecond >= aboutAsFast * top) ?? all[0];
}

const aboutAsFast = 0.98;
