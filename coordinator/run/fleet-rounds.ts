/**
 * The size of the rounds for a number of devices: a replica for each of them, and a micro-batch with which the run has enough
 * rounds. Pure.
 *
 * On MNIST with `--local-steps 16`, one seed; `mlp` with 10 epochs, the others with 8:
 *
 *     replicas x micro-batch     8 x 32    30 x 25    60 x 32    60 x 16    100 x 32   100 x 16   ordinary steps
 *     `mlp`, bits                  8          8          8          4          8          4
 *       rounds                    150         50         20         40         20         30
 *       accuracy                98.26 %    97.78 %    96.72 %    97.55 %    96.60 %    97.14 %       97.84 %
 *     `cnn-small`, 8 bits
 *       rounds                    120         40
 *       accuracy                99.22 %    99.04 %                                                  99.39 %
 *     `lenet5`, 8 bits
 *       rounds                    120         40
 *       accuracy                99.31 %    98.93 %                                                  99.30 %
 *
 * So few rounds cost accuracy, and a smaller micro-batch gives more of them. Fewer local steps do not help: `mlp` has 96.60 %
 * with 60 x 32 and 8 local steps, in 40 rounds, and 95.90 % with 4, in 80.
 */
import { epochShape } from '../../shared/data/order.js';
import { exchangedBytes, type FleetChoice, type FleetPlan, smallestMicroBatch } from './fleet-plan.js';
import type { RunRequest } from './run-request.js';
import type { RunSetup } from './setup.js';

/** With fewer rounds than this, a run loses accuracy that more epochs would give back. */
const roundsMin = 40;
/** Rounds of an epoch, as far as the micro-batch decides it: with ten epochs, a run has enough. */
const epochRoundsMin = 5;
/** With a smaller micro-batch, the rates of the presets are too high: with 8 samples, `lenet5` diverges. */
const microBatchMin = 16;
/** A micro-batch may shrink to this part, so that fewer devices are idle in the last round of an epoch. */
const microBatchPart = 0.75;

/** What the choice follows from, besides the request. */
export interface RoundsRun {
  readonly config: Pick<RunSetup['config'], 'batch' | 'microBatch' | 'model' | 'wireBits' | 'epochs'> & {
    readonly dataset: { readonly train: number };
  };
}

/** `given` is null for a run that goes on: it stays as it is. */
export function planRounds(devices: number, { config }: RoundsRun, steps: number, given: RunRequest | null): FleetPlan {
  const { batch, microBatch: usualSize, model, dataset, wireBits, epochs } = config;
  const { train } = dataset;
  const usual = batch / (steps * usualSize);
  const isFixed = given === null || given.replicas !== undefined;
  const replicas = isFixed ? usual : Math.max(usual, devices);
  const isSizeFixed = given === null || given.microBatch !== undefined;
  const least = Math.min(usualSize, smallestMicroBatch(model, microBatchMin));
  const bounds = { least, most: usualSize };
  const microBatch = isSizeFixed ? usualSize : microBatchFor(devices, replicas, train / steps, bounds);
  const slotSamples = steps * microBatch;
  const size = { batch: replicas * slotSamples, microBatch };
  const { slots, stepsPerEpoch } = epochShape({ samples: train, ...size, rounds: { steps } });
  const isOpen = (name: keyof FleetChoice) => given !== null && given[name] === undefined;
  return {
    devices,
    chosen: {
      ...(isOpen('localSteps') && { localSteps: steps }),
      ...(replicas !== usual && { replicas }),
      ...(microBatch !== usualSize && { microBatch }),
      ...(isOpen('wireBits') && wireBits !== undefined && { wireBits }),
    },
    kept: replicas === usual ? `--replicas ${usual}` : null,
    isFixed,
    stepsFor: null,
    unit: 'round',
    slots,
    samples: Math.min(size.batch, train),
    bytes: exchangedBytes(config),
    remedy: slots >= devices || devices * slotSamples > train ? null : `--replicas ${devices}`,
    few: given === null ? null : fewRounds(epochs, stepsPerEpoch),
    size,
  };
}

/**
 * The micro-batch that leaves the fewest devices idle in the last round of an epoch, which has fewer slots. Among equals,
 * the largest one. An epoch has `epochSteps` local steps of one sample each.
 */
function microBatchFor(
  devices: number,
  replicas: number,
  epochSteps: number,
  bounds: { readonly least: number; readonly most: number },
): number {
  const oneRound = Math.max(1, Math.floor(epochSteps / replicas));
  const enoughRounds = Math.max(bounds.least, Math.floor(oneRound / epochRoundsMin));
  const most = Math.min(bounds.most, enoughRounds, oneRound);
  const idleWith = (size: number) => {
    const lastSlots = Math.ceil(epochSteps / size) % replicas;
    return lastSlots === 0 ? 0 : Math.max(0, devices - lastSlots);
  };
  const smallest = Math.max(microBatchPart * most, Math.min(bounds.least, most));
  let best = most;
  for (let size = most; size >= smallest; size--) if (idleWith(size) < idleWith(best)) best = size;
  return best;
}

function fewRounds(epochs: number, epochRounds: number): FleetPlan['few'] {
  const rounds = epochs * epochRounds;
  return rounds >= roundsMin ? null : { rounds, epochs: Math.ceil(roundsMin / epochRounds) };
}
