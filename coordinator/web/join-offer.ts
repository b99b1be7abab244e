/** What a device that joins now will send and receive, from the state of the run. Pure. */
import type { JoinOffer } from '../../shared/join-offer.js';
import { parameterCount } from '../../shared/model/parameters.js';
import type { RunState } from './state.js';

export type OfferedState = Pick<
  RunState,
  | 'model'
  | 'dataset'
  | 'slots'
  | 'localSteps'
  | 'wireBits'
  | 'workersTotal'
  | 'threads'
  | 'step'
  | 'stepsPlanned'
  | 'sampleBytes'
>;

const floatBits = 32;

/**
 * The device is taken for one like all others. Numbers that are zero for all samples are not sent, so a network for images
 * with empty margins sends somewhat less.
 */
export function joinOffer(state: OfferedState): JoinOffer {
  const { model, dataset, slots, localSteps, wireBits, workersTotal, threads, step, stepsPlanned } = state;
  const sharers = workersTotal + threads;
  const ownSlots = Math.max(1, slots / (sharers + 1));
  const weightsBytes = 4 * parameterCount(model);
  // Slots are sent one by one, in few bits, as long as that is shorter than their sum of 32 bits.
  const sentBits = Math.min(floatBits, ownSlots * wireBits);
  const samples = dataset.train + (dataset.validation ?? dataset.test);
  return {
    localSteps,
    slots,
    sharers,
    stepsLeft: stepsPlanned - step,
    joinBytes: weightsBytes,
    stepBytes: Math.ceil((weightsBytes * (wireBits + sentBits)) / floatBits),
    samplesBytes: Math.ceil(((state.sampleBytes ?? 0) * samples * ownSlots) / slots),
  };
}
