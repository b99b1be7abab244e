/** `lockstep plan`: how fast a fleet will train on a network, before it is there. */

import { invalidOrder } from '../../shared/data/order.js';
import { LockstepError } from '../../shared/errors.js';
import type { WireBits } from '../../shared/model/coding.js';
import { presetDefault } from '../../shared/model/presets.js';
import { nativeKernels } from '../../worker/native/native-kernels.js';
import type { KernelsWish } from '../../worker/native/wish.js';
import { nodePlatform } from '../../worker/node-platform.js';
import { measureSpeed } from '../plan/measure-speed.js';
import { mnistTrainSamples } from '../plan/planned-fleet.js';
import { planFleets } from '../plan/run-plan.js';
import { completeSettings, type RunSettings } from '../run/settings.js';
import { planJson, planText } from './plan-report.js';

export interface PlanOptions {
  readonly preset?: string | undefined;
  readonly epochs?: number | undefined;
  readonly batch?: number | undefined;
  readonly microBatch?: number | undefined;
  /** More than 1: rounds. */
  readonly localSteps?: number | undefined;
  readonly replicas?: number | undefined;
  readonly wireBits?: WireBits | undefined;
  readonly fleet?: number | undefined;
  readonly mbps: number;
  readonly rttMs: number;
  /** Of one device alone. Undefined: it is measured. */
  readonly samplesPerSecond?: number | undefined;
  readonly threads: number;
  readonly kernels?: KernelsWish | undefined;
  readonly json: boolean;
}

/** Resolves with the exit code. */
export async function runPlan(options: PlanOptions): Promise<number> {
  const { preset = presetDefault, fleet = null, mbps, rttMs, threads } = options;
  const settings = completeSettings({ ...options, preset }, null);
  const { epochs, microBatch, wireBits, rounds } = settings;
  const cut = { batch: batchOf(settings), microBatch, localSteps: rounds?.steps ?? 1, wireBits };
  const given = options.samplesPerSecond;
  const samplesPerSecond = given ?? (await measured({ ...options, preset }));
  const device = { samplesPerSecond, threads: given === undefined ? threads : 1 };
  const plan = planFleets({ ...cut, preset, epochs, fleet, device, link: { mbps, rttMs } });
  process.stdout.write(options.json ? planJson(plan) : planText(plan, given === undefined ? 'measured' : 'given'));
  return 0;
}

/** The samples of a step. Throws `usage` if they do not divide into slots. */
function batchOf({ batch, microBatch, rounds, seed }: RunSettings): number {
  const fault = invalidOrder({ samples: mnistTrainSamples, batch, microBatch, rounds, seed });
  if (fault !== null) throw new LockstepError('usage', fault);
  return batch === 0 ? mnistTrainSamples : Math.min(batch, mnistTrainSamples);
}

/** A device alone makes ordinary steps, also if the fleet is to make rounds. */
async function measured(options: PlanOptions & { readonly preset: string }): Promise<number> {
  const { preset, threads, kernels, localSteps = 1 } = options;
  const settings = completeSettings(localSteps > 1 ? { preset } : options, null);
  const backend = (await nativeKernels({ kernels })) ?? undefined;
  const size = { preset, batch: batchOf(settings), microBatch: settings.microBatch };
  return measureSpeed(size, threads, nodePlatform({ backend }));
}
