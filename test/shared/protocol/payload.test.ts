import { describe, expect, it } from 'vitest';
import {
  invalidGradientPayload,
  invalidResultPayload,
  invalidSamplesPayload,
  invalidWeightsPayload,
  samplesIn,
} from '../../../shared/protocol/payload.js';
import { codedSlotsMax, routeOf } from '../../../shared/protocol/route.js';
import { maskBytes } from '../../../shared/protocol/tensor.js';

const run = { parameters: 3, pixels: 2, classes: 10, train: 300, test: 20, coding: null };

/** The payload of two samples with these ids and labels. */
function samples(ids: [number, number], labels: [number, number]): Uint8Array {
  const [a, b] = ids.map((id) => [id & 255, id >> 8, 0, 0]);
  return Uint8Array.of(...a, ...b, ...labels, 1, 1, 2, 255, 0, 1, 2);
}

describe('payloads', () => {
  it('of weights and gradients are parts of them', () => {
    const whole = new Uint8Array(maskBytes + 12);
    whole[0] = 1;
    const nothing = new Uint8Array(maskBytes);
    const route = routeOf({ work: 'gradient', slots: 1 }, run);
    const weights = (part: number, payload: Uint8Array) =>
      invalidWeightsPayload({ type: 'weights', step: 1, base: 0, part }, payload, run);
    const gradient = (part: number, payload: Uint8Array) =>
      invalidGradientPayload({ type: 'gradient', lease: 1, part }, payload, route, run);
    for (const invalid of [weights, gradient]) {
      expect(invalid(0, whole)).toBeNull();
      expect(invalid(0, nothing)).toBeNull();
      expect(invalid(0, whole.subarray(0, maskBytes + 11))).toContain(`not ${maskBytes + 12}`);
      expect(invalid(1, nothing)).toContain('no part 1');
    }
  });

  it('of coded weights and gradients are codes, and float32 where they are whole weights or the sum of many slots', () => {
    const coded = { ...run, coding: { bits: 4, statistics: [{ offset: 2, floats: 1 }] } } as const;
    const [codes, floats] = [maskBytes + 1 + 2 + 4, maskBytes + 12].map((bytes) => {
      const payload = new Uint8Array(bytes);
      payload[0] = 1;
      return payload;
    });
    const weights = (base: number | null, payload: Uint8Array) =>
      invalidWeightsPayload({ type: 'weights', step: 1, base, part: 0 }, payload, coded);
    expect([weights(0, codes), weights(null, floats)]).toEqual([null, null]);
    expect(weights(0, floats)).toContain(`not ${codes.length}`);
    expect(weights(null, codes)).toContain(`not ${floats.length}`);
    const gradient = (slots: number, part: number, payload: Uint8Array) => {
      const route = routeOf({ work: 'gradient', slots }, coded);
      return invalidGradientPayload({ type: 'gradient', lease: 1, part }, payload, route, coded);
    };
    expect([gradient(1, 0, codes), gradient(7, 6, codes), gradient(8, 0, floats)]).toEqual([null, null, null]);
    expect(gradient(7, 0, floats)).toContain(`not ${codes.length}`);
    expect(gradient(8, 0, codes)).toContain(`not ${floats.length}`);
    expect(gradient(7, 7, codes)).toContain('no part 7');
    expect(gradient(8, 1, floats)).toContain('no part 1');
  });

  it('of a shard are coded as long as the codes of its slots are smaller than their sum', () => {
    expect(([4, 8, 16] as const).map((bits) => codedSlotsMax({ bits }))).toEqual([7, 3, 1]);
  });

  it('of samples have ids, labels and pixels', () => {
    const message = { type: 'samples', set: 'train', count: 2 } as const;
    expect(invalidSamplesPayload(message, samples([299, 0], [0, 9]), run)).toBeNull();
    expect(invalidSamplesPayload(message, samples([300, 0], [0, 9]), run)).toContain('id');
    expect(invalidSamplesPayload({ ...message, set: 'test' }, samples([0, 20], [0, 9]), run)).toContain('id');
    expect(invalidSamplesPayload(message, samples([0, 1], [0, 10]), run)).toContain('label');
    expect(invalidSamplesPayload({ ...message, count: 3 }, samples([0, 1], [0, 1]), run)).toContain('image 0');
    expect(invalidSamplesPayload({ ...message, count: 10_000_000 }, samples([0, 1], [0, 1]), run)).toContain(
      '17 bytes for',
    );
  });

  it('of samples are no larger than their limit', () => {
    const message = { type: 'samples', set: 'train', count: 200_000 } as const;
    expect(invalidSamplesPayload(message, new Uint8Array(1_400_000), run)).toContain('more than');
  });

  it('of samples are read where they lie, whatever the alignment', () => {
    const memory = new Uint8Array(40);
    for (let offset = 0; offset < 5; offset++) {
      memory.set(samples([258, 7], [3, 4]), offset);
      const { ids, labels, pixels } = samplesIn(memory.subarray(offset, offset + 17), 2, 2);
      expect([[...ids], [...labels], [...pixels]]).toEqual([
        [258, 7],
        [3, 4],
        [0, 255, 1, 2],
      ]);
    }
  });

  it('of a gradient have the loss sum and the correct count', () => {
    const leased = { work: 'gradient', samples: 32 } as const;
    expect(invalidResultPayload(new Uint8Array(8), leased, run)).toBeNull();
    expect(invalidResultPayload(new Uint8Array(12), leased, run)).toContain('not 8');
  });

  it('of an evaluation have a class for each sample', () => {
    const leased = { work: 'evaluation', samples: 2 } as const;
    expect(invalidResultPayload(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 9, 0), leased, run)).toBeNull();
    expect(invalidResultPayload(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 9, 10), leased, run)).toContain('class');
    expect(invalidResultPayload(new Uint8Array(9), leased, run)).toContain('not 10');
  });
});
