/** What a device is told before it joins. */
import { expect, it } from 'vitest';
import { joinOffer, type OfferedState } from '../../../coordinator/web/join-offer.js';
import { presets } from '../../../shared/model/presets.js';

const dataset = { name: 'd', shape: [28, 28], classes: 10, train: 60_000, test: 10_000 };
const state: OfferedState = {
  ...{ model: presets.mlp.model, dataset, slots: 8, localSteps: 1, wireBits: 32, sampleBytes: 200 },
  ...{ workersTotal: 0, threads: 0, step: 90, stepsPlanned: 4690 },
};

it('counts the weights, and the gradient of a step, and all samples for the only worker', () => {
  expect(joinOffer(state)).toEqual({
    ...{ localSteps: 1, slots: 8, sharers: 0, stepsLeft: 4600 },
    ...{ joinBytes: 407_080, stepBytes: 814_160, samplesBytes: 14_000_000 },
  });
});

it('divides slots and samples among all, also with more devices than slots', () => {
  const among = (workersTotal: number, threads: number) => joinOffer({ ...state, workersTotal, threads });
  expect(among(2, 1)).toMatchObject({ sharers: 3, samplesBytes: 3_500_000 });
  expect(among(40, 0)).toMatchObject({ sharers: 40, samplesBytes: 1_750_000 });
});

it('counts few bits for each slot, as long as their sum is not shorter', () => {
  const bytes = (slots: number) => joinOffer({ ...state, wireBits: 8, slots }).stepBytes;
  expect([bytes(1), bytes(2), bytes(8)]).toEqual([203_540, 305_310, 508_850]);
});

it('counts the held out samples, which are evaluated in place of the test set', () => {
  const held = { ...dataset, train: 55_000, validation: 5_000 };
  expect(joinOffer({ ...state, dataset: held }).samplesBytes).toBe(12_000_000);
});
