/** `lockstep plan`: how fast a fleet will train on a network, before it is there. */

import { invalidOrder } from '../../shared/data/order.js';
import { LockstepError } from '../../shared/errors.js';
import { presetDefault } from '../../shared/model/presets.js';
import { nativeKernels } from '../../worker/native/native-kernels.js';
import type { KernelsWish } from '../../worker/native/wish.js';
import { nodePlatform } from '../../worker/node-platform.js';
import { measureSpeed } from '../plan/measure-speed.js';
import { mnistTrainSamples, planFleets } from '../plan/run-plan.js';
import { completeSettings, type RunSettings } from '../run/settings.js';
import { planJson, planText } from './plan-report.js';

export interface PlanOptions {
  readonly preset?: string | undefined;
  readonly epochs?: number | undefined;
  readonly batch?: number | undefined;
  readonly microBatch?: number | undefined;
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
  const { epochs, microBatch } = settings;
  const batch = batchOf(settings);
  const given = options.samplesPerSecond;
  const samplesPerSecond = given ?? (await measured({ ...options, preset, batch }));
  const device = { samplesPerSecond, threads: given === undefined ? threads : 1 };
  const plan = planFleets({ preset, epochs, batch, microBatch, fleet, device, link: { mbps, rttMs } });
  process.stdout.write(options.json ? planJson(plan) : planText(plan, given === undefined ? 'measured' : 'given'));
  return 0;
}

/** The samples of a step. Throws `usage` if they do not divide into slots. */
function batchOf({ batch, microBatch, seed }: RunSettings): number {
  const fault = invalidOrder({ samples: mnistTrainSamples, batch, microBatch, seed });
  if (fault !== null) throw new LockstepError('usage', fault);
  return batch === 0 ? mnistTrainSamples : Math.min(batch, mnistTrainSamples);
}

async function measured(options: PlanOptions & { readonly preset: string; readonly batch: number }): Promise<number> {
  const { preset, batch, microBatch, threads, kernels } = options;
  const backend = (await nativeKernels({ kernels })) ?? undefined;
  return measureSpeed({ preset, batch, microBatch }, threads, nodePlatform({ backend }));
}
