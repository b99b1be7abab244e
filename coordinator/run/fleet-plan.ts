/**
 * What a new run chooses for a fleet of so many devices (`--fleet`), where the user has not chosen, so that a step has a slot
 * for each device: a smaller micro-batch, or in a run of rounds more replicas. The choice is part of the configuration: the
 * weights are those of a run in which the user gives the same option. It follows from the settings and the number of devices,
 * never from who joins.
 */
import { epochShape } from '../../shared/data/order.js';
import { kindOf } from '../../shared/model/layers/layers.js';
import type { StepSize } from './round-settings.js';
import type { RunRequest } from './run-request.js';
import type { RunSetup } from './setup.js';

export interface FleetPlan {
  readonly devices: number;
  /** The option that decides the number of slots, what it is now, and what it would be without `--fleet`. */
  readonly option: '--micro-batch' | '--replicas';
  readonly chosen: number;
  readonly usual: number;
  /** Whether there was nothing to choose: the user gave the option, or the run goes on. */
  readonly isFixed: boolean;
  /** Slots and samples of a full step, or of a round. */
  readonly slots: number;
  readonly samples: number;
  /** An option that would give each device a slot. Null if each has one, or if the data set has too few samples. */
  readonly remedy: string | null;
  /** The settings of the run with the choice. */
  readonly size: Pick<StepSize, 'batch' | 'microBatch'>;
}

/** A layer of this kind computes means over a micro-batch, which should have this many samples. */
const batchNormSamplesMin = 16;

/** `usual` is the run without `--fleet`. Returns null if the request has none. */
export function planFleet(request: RunRequest, usual: RunSetup, isNew: boolean): FleetPlan | null {
  const { fleet, microBatch, replicas } = request;
  if (fleet === undefined) return null;
  const { rounds } = usual.config;
  if (rounds === undefined) return microBatchFor(fleet, usual, !isNew || microBatch !== undefined);
  return replicasFor(fleet, usual, rounds.steps, !isNew || replicas !== undefined);
}

function microBatchFor(devices: number, { config }: RunSetup, isFixed: boolean): FleetPlan {
  const { batch, microBatch: usual, model, dataset } = config;
  const { train } = dataset;
  const slotsWith = (microBatch: number) => epochShape({ samples: train, batch, microBatch }).slots;
  const isEnough = (microBatch: number) => slotsWith(microBatch) >= devices;
  const least = model.layers.some((layer) => kindOf(layer) === 'batchNorm') ? batchNormSamplesMin : 1;
  const divides = (microBatch: number) => batch === 0 || batch >= train || batch % microBatch === 0;
  const chosen = isFixed || isEnough(usual) ? usual : smaller(usual, least, divides, isEnough);
  const wanted = devices * chosen;
  return {
    devices,
    option: '--micro-batch',
    chosen,
    usual,
    isFixed,
    slots: slotsWith(chosen),
    samples: batch === 0 ? train : Math.min(batch, train),
    remedy: isEnough(chosen) || wanted > train ? null : `--batch ${wanted}`,
    size: { batch, microBatch: chosen },
  };
}

/** The largest power of two that is enough and divides the batch, or the smallest one that is allowed. */
function smaller(
  usual: number,
  least: number,
  divides: (microBatch: number) => boolean,
  isEnough: (microBatch: number) => boolean,
): number {
  let best = usual;
  for (let size = 2 ** Math.floor(Math.log2(usual)); size >= least && !isEnough(best); size /= 2) {
    if (divides(size)) best = size;
  }
  return best;
}

/** A round with more replicas has more samples, and an epoch has fewer rounds. */
function replicasFor(devices: number, { config }: RunSetup, steps: number, isFixed: boolean): FleetPlan {
  const { microBatch, batch, dataset } = config;
  const { train } = dataset;
  const slotSamples = steps * microBatch;
  const usual = batch / slotSamples;
  const chosen = isFixed || usual >= devices ? usual : 2 ** Math.ceil(Math.log2(devices));
  const samples = Math.min(chosen * slotSamples, train);
  const slots = Math.ceil(samples / slotSamples);
  return {
    devices,
    option: '--replicas',
    chosen,
    usual,
    isFixed,
    slots,
    samples,
    remedy: slots >= devices || devices * slotSamples > train ? null : `--replicas ${devices}`,
    size: { batch: chosen * slotSamples, microBatch },
  };
}
