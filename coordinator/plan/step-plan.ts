/**
 * A prediction of a step's time with a number of devices: computing, what the devices and the coordinator do to send and
 * receive, the bytes on the link that all devices share, and its latency. These times are added.
 *
 * What this is not: a simulation. All devices are alike. `npm run bench -- --only scaling` compares it with measurements
 * of slow devices, and says how far it is off. Pure.
 */
import { limits } from '../../shared/limits.js';
import { cover, shardEnd } from '../../shared/pool/tree.js';
import { gradientBytes, type StepWork, weightBytes } from './step-work.js';
import {
  coordinatorMsPerMegabyte,
  coordinatorStepMs,
  coordinatorWorkerMs,
  deviceMsPerMegabyte,
  deviceSlotMs,
  deviceStepMs,
} from './wire-costs.js';

/** A device that computes alone, without a network. */
export interface DeviceSpeed {
  readonly samplesPerSecond: number;
  /** The threads that make this speed together. Only one of them sends and receives. */
  readonly threads: number;
  /**
   * If a quota of the processor makes this speed: the part of the time in which the device may compute. Until it has used
   * its part of a period, it computes at full speed. Default: 1.
   */
  readonly share?: number;
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

/** The period of a processor's quota, in Linux and in containers. */
const quotaPeriodMs = 100;

/** The plan of a step with this many devices, each of which has work. */
export function planStep(work: StepWork, device: DeviceSpeed, link: SharedLink, devices: number): StepPlan {
  const { slots, samples } = work;
  const runs = evenRuns(work, devices);
  const most = Math.max(...runs.map(({ size }) => size));
  const [down, up] = [devices * weightBytes(work), runs.reduce((sum, run) => sum + run.bytes, 0)];
  const megabytes = (down + up) / 1e6;
  const computeMs = ((1000 * samples) / device.samplesPerSecond) * (most / slots);
  const wireMs = deviceStepMs + deviceSlotMs * most + (deviceMsPerMegabyte * megabytes) / devices;
  const deviceMs = slowness(work, device) * wireMs;
  const serverMs = coordinatorStepMs + coordinatorWorkerMs * devices + coordinatorMsPerMegabyte * megabytes;
  // Weights reach one device after the other. Each direction of the link has its own rate, so gradients of the first
  // devices come back while others still wait for their weights.
  const [first, last] = [weightBytes(work), up / runs.length];
  const transferMs = (8 * Math.max(down + last, first + up)) / (1000 * link.mbps);
  const { rttMs: latencyMs } = link;
  const busyMs = computeMs + deviceMs;
  const stepMs = Math.max(busyMs, busyMs + serverMs + transferMs + latencyMs - savedMs(busyMs, device));
  return {
    devices,
    computeMs,
    handlingMs: deviceMs + serverMs,
    transferMs,
    latencyMs,
    stepMs,
    samplesPerSecond: (1000 * samples) / stepMs,
    bytesPerDevice: (down + up) / devices,
  };
}

/** How many times as long as the reference processor a thread of the device needs for the same work. */
function slowness({ referenceSamplesPerSecond }: StepWork, { samplesPerSecond, threads }: DeviceSpeed): number {
  return (referenceSamplesPerSecond * threads) / samplesPerSecond;
}

/** A device with a quota is fast at the start of each period, and pays for that while it would wait for the network. */
function savedMs(busyMs: number, { share = 1 }: DeviceSpeed): number {
  return (1 - share) * Math.min(busyMs, quotaPeriodMs);
}

interface Run {
  /** Slots. */
  readonly size: number;
  /** Of the gradients of its shards. */
  readonly bytes: number;
}

/** Equal runs of slots for the devices that have work. */
function evenRuns(work: StepWork, devices: number): Run[] {
  const { slots } = work;
  const busy = Math.min(slots, devices);
  return Array.from({ length: busy }, (_, i) => {
    const [lo, hi] = [i, i + 1].map((n) => Math.round((n * slots) / busy));
    const bytes = cover(lo, hi, slots).map((shard) => gradientBytes(work, shardEnd(shard, slots) - shard.lo));
    return { size: hi - lo, bytes: bytes.reduce((sum, each) => sum + each, 0) };
  });
}

/** The smallest number of devices, up to `most`, that is about as fast as the fastest one. */
export function bestFleet(work: StepWork, device: DeviceSpeed, link: SharedLink, most: number): StepPlan {
  const length = Math.min(most, work.slots, limits.membersMax);
  const all = Array.from({ length }, (_, i) => planStep(work, device, link, i + 1));
  const top = Math.max(...all.map(({ samplesPerSecond }) => samplesPerSecond));
  return all.find(({ samplesPerSecond }) => samplesPerSecond >= aboutAsFast * top) ?? all[0];
}

const aboutAsFast = 0.98;
