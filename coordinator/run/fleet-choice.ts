/**
 * What a new run chooses for a fleet of so many devices (`--fleet`), where the user has not chosen. A preset that suits rounds
 * gets rounds and few bits, so that a network carries them, and a slot for each device; another model gets a smaller
 * micro-batch. The choice is part of the configuration: the weights are those of a run in which the user gives the same
 * options. It follows from the settings and the number of devices, never from who joins.
 */
import { epochShape } from '../../shared/data/order.js';
import { parameterCount } from '../../shared/model/parameters.js';
import { findPreset, type PresetRounds, presetDefault } from '../../shared/model/presets.js';
import { exchangedBytes, type FleetPlan, smallestMicroBatch } from './fleet-plan.js';
import { planRounds } from './fleet-rounds.js';
import type { RunRequest } from './run-request.js';
import type { RunSetup } from './setup.js';

/** What is measured and reported of the presets in rounds has this many local steps. */
const localStepsChosen = 16;
/** Bits of a number in rounds. The second is chosen if the first would send the fleet more bytes than this in a round. */
const bitsChosen = [8, 4] as const;
const roundBytesMax = 4e6;

/** The request of a new run, with rounds and fewer bits if they suit its preset and the user has not chosen. */
export function requestForFleet(request: RunRequest): RunRequest {
  const { fleet, preset = presetDefault, localSteps, wireBits } = request;
  const rounds = roundsOf(request);
  if (fleet === undefined || rounds === null || givenForSteps(request, rounds) !== null) return request;
  const bytes = (fleet * parameterCount(findPreset(preset).model) * bitsChosen[0]) / 8;
  const bits = bitsChosen[bytes <= roundBytesMax ? 0 : 1];
  return { ...request, localSteps: localSteps ?? localStepsChosen, wireBits: wireBits ?? bits };
}

/** The settings for rounds of the request's preset. Null for a single device, or if nothing is known of its model in rounds. */
function roundsOf({ fleet = 1, model, preset = presetDefault }: RunRequest): PresetRounds | null {
  return fleet === 1 || model !== undefined ? null : (findPreset(preset).rounds ?? null);
}

/** The given option that is one of ordinary steps, or that does not suit rounds. An option of rounds alone counts more. */
function givenForSteps(given: RunRequest, rounds: PresetRounds): string | null {
  const { localSteps, batch, microBatch, optimizer, replicas, outerLr, outerMomentum } = given;
  if (localSteps === 1) return '--local-steps 1';
  if (batch !== undefined) return `--batch ${batch}`;
  if ((localSteps ?? replicas ?? outerLr ?? outerMomentum) !== undefined) return null;
  if (microBatch !== undefined) return `--micro-batch ${microBatch}`;
  return optimizer === undefined || optimizer === rounds.optimizer.name ? null : `--optimizer ${optimizer}`;
}

/** `usual` is the run of `requestForFleet` without a choice of slots. Returns null if the request has no fleet. */
export function planFleet(request: RunRequest, usual: RunSetup, isNew: boolean): FleetPlan | null {
  const { fleet } = request;
  if (fleet === undefined) return null;
  const { rounds } = usual.config;
  const given = isNew ? request : null;
  return rounds === undefined ? planSteps(fleet, usual, given) : planRounds(fleet, usual, rounds.steps, given);
}

/** `given` is null for a run that goes on: it stays as it is. */
function planSteps(devices: number, { config }: RunSetup, given: RunRequest | null): FleetPlan {
  const { batch, microBatch: usual, model, dataset } = config;
  const { train } = dataset;
  const isFixed = given === null || given.microBatch !== undefined;
  const slotsWith = (microBatch: number) => epochShape({ samples: train, batch, microBatch }).slots;
  const isEnough = (microBatch: number) => slotsWith(microBatch) >= devices;
  const least = smallestMicroBatch(model, 1);
  const divides = (microBatch: number) => batch === 0 || batch >= train || batch % microBatch === 0;
  const microBatch = isFixed || isEnough(usual) ? usual : smaller(usual, least, divides, isEnough);
  const wanted = devices * microBatch;
  const rounds = given && roundsOf(given);
  return {
    devices,
    chosen: microBatch === usual ? {} : { microBatch },
    kept: microBatch === usual ? `--micro-batch ${usual}` : null,
    isFixed,
    stepsFor: given && rounds && givenForSteps(given, rounds),
    unit: 'step',
    slots: slotsWith(microBatch),
    samples: batch === 0 ? train : Math.min(batch, train),
    bytes: exchangedBytes(config),
    remedy: isEnough(microBatch) || wanted > train ? null : `--batch ${wanted}`,
    few: null,
    size: { batch, microBatch },
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
