/** What makes the best fleet faster: rounds of local steps, fewer bits, or a larger batch. Pure. */
import { findPreset, presetDefault } from '../../shared/model/presets.js';
import { requestForFleet } from '../run/fleet-choice.js';
import { planRounds } from '../run/fleet-rounds.js';
import { replicasDefault } from '../run/round-settings.js';
import { completeSettings } from '../run/settings.js';
import { bestOf, mnistTrainSamples, type PlannedFleet, type PlanRequest } from './planned-fleet.js';
import { usualAccuracy } from './usual-accuracy.js';

/** Options with which the best fleet is faster. They change the weights that the run ends with. */
export interface Change {
  readonly kind: 'rounds' | 'bits' | 'batch';
  /** As words of a command, such as `--preset cnn-small --fleet 30`. */
  readonly options: string;
  readonly best: PlannedFleet;
  /** The usual accuracy with these options. Null: not known. */
  readonly accuracy: number | null;
  /** The epochs that have enough rounds, if the planned ones have too few for the usual accuracy. */
  readonly epochs: number | null;
}

/** A change is proposed if the run is this many times as fast with it. */
const worthwhile = 1.2;
/** No preset loses more than 0.1 points of accuracy with this many bits. */
const fewBits = 8;
/** A batch grows by this factor at a time, up to this number of samples: with more, training needs more epochs. */
const batchFactor = 2;
const batchMax = 1024;

/** Null if nothing need change, or if nothing helps. */
export function changeFor(request: PlanRequest, now: PlannedFleet): Change | null {
  const candidate = request.localSteps === 1 ? (inRounds(request) ?? largerBatch(request, now)) : fewerBits(request);
  return candidate !== null && candidate.best.runSeconds * worthwhile <= now.runSeconds ? candidate : null;
}

/** What the coordinator chooses for these devices (`--fleet`), for a preset that has settings for rounds. */
function inRounds(request: PlanRequest): Change | null {
  const { preset, fleet, epochs } = request;
  const { rounds, model } = findPreset(preset);
  if (rounds === undefined || fleet === 1) return null;
  const devices = fleet ?? replicasDefault;
  const given = requestForFleet({ preset, epochs, fleet: devices });
  const { batch, microBatch, wireBits, rounds: { steps: localSteps } = { steps: 1 } } = completeSettings(given, null);
  const config = { batch, microBatch, model, wireBits, epochs, dataset: { train: mnistTrainSamples } };
  const { size, few } = planRounds(devices, { config }, localSteps, given);
  const change = changeTo('rounds', { ...request, ...size, localSteps, wireBits }, `--fleet ${devices}`);
  return { ...change, epochs: few?.epochs ?? null };
}

function fewerBits(request: PlanRequest): Change | null {
  if (request.wireBits <= fewBits) return null;
  const { localSteps } = request;
  return changeTo('bits', { ...request, wireBits: fewBits }, `--local-steps ${localSteps} --wire-bits ${fewBits}`);
}

/** The smallest larger batch with which the best fleet is faster than one device alone, or the largest batch. */
function largerBatch(request: PlanRequest, now: PlannedFleet): Change | null {
  if (now.timesAlone > 1) return null;
  let change: Change | null = null;
  for (let batch = request.batch * batchFactor; batch <= batchMax; batch *= batchFactor) {
    change = changeTo('batch', { ...request, batch }, `--batch ${batch}`);
    if (change.best.timesAlone > 1) break;
  }
  return change;
}

function changeTo(kind: Change['kind'], request: PlanRequest, words: string): Change {
  const { preset } = request;
  const options = preset === presetDefault ? words : `--preset ${preset} ${words}`;
  return { kind, options, best: bestOf(request), accuracy: usualAccuracy(request), epochs: null };
}
