import { describe, expect, it } from 'vitest';
import {
  invalidResultPayload,
  invalidSamplesPayload,
  invalidTensorPayload,
  samplesIn,
} from '../../../shared/protocol/payload.js';
import { maskBytes } from '../../../shared/protocol/tensor.js';

const run = { parameters: 3, pixels: 2, classes: 10, train: 300, test: 20 };

/** The payload of two samples with these ids and labels. */
function samples(ids: [number, number], labels: [number, number]): Uint8Array {
  const [a, b] = ids.map((id) => [id & 255, id >> 8, 0, 0]);
  return Uint8Array.of(...a, ...b, ...labels, 0, 255, 1, 2);
}

describe('payloads', () => {
  it('of weights and gradients are parts of them', () => {
    const whole = new Uint8Array(maskBytes + 12);
    whole[0] = 1;
    const nothing = new Uint8Array(maskBytes);
    for (const message of [
      { type: 'weights', step: 1, base: 0, part: 0 },
      { type: 'gradient', lease: 1, part: 0 },
    ] as const) {
      expect(invalidTensorPayload(message, whole, run)).toBeNull();
      expect(invalidTensorPayload(message, nothing, run)).toBeNull();
      expect(invalidTensorPayload(message, whole.subarray(0, maskBytes + 11), run)).toContain(`not ${maskBytes + 12}`);
      expect(invalidTensorPayload({ ...message, part: 1 }, nothing, run)).toContain('no part 1');
    }
  });

  it('of samples have ids, labels and pixels', () => {
    const message = { type: 'samples', set: 'train', count: 2 } as const;
    expect(invalidSamplesPayload(message, samples([299, 0], [0, 9]), run)).toBeNull();
    expect(invalidSamplesPayload(message, samples([300, 0], [0, 9]), run)).toContain('id');
    expect(invalidSamplesPayload({ ...message, set: 'test' }, samples([0, 20], [0, 9]), run)).toContain('id');
    expect(invalidSamplesPayload(message, samples([0, 1], [0, 10]), run)).toContain('label');
    expect(invalidSamplesPayload({ ...message, count: 3 }, samples([0, 1], [0, 1]), run)).toContain('not 21');
    expect(invalidSamplesPayload({ ...message, count: 10_000_000 }, samples([0, 1], [0, 1]), run)).toContain('not');
  });

  it('of samples are no larger than their limit', () => {
    const message = { type: 'samples', set: 'train', count: 200_000 } as const;
    expect(invalidSamplesPayload(message, new Uint8Array(1_400_000), run)).toContain('more than');
  });

  it('of samples are read where they lie, whatever the alignment', () => {
    const memory = new Uint8Array(40);
    for (let offset = 0; offset < 5; offset++) {
      memory.set(samples([258, 7], [3, 4]), offset);
      const { ids, labels, pixels } = samplesIn(memory.subarray(offset, offset + 14), 2);
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
