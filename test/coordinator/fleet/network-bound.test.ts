/** When a run is called bound by its network, and what is said then. */
import { describe, expect, it } from 'vitest';
import { computingMs, NetworkWatch, networkBound, networkBoundText } from '../../../coordinator/fleet/network-bound.js';

const ann = { name: 'ann', slotMs: [10] };
const bob = { name: 'bob', slotMs: [30] };
const carl = { name: 'carl', slotMs: [] };
const shape = { slots: 8, samples: 80, localSteps: 1, wireBits: 32 };

describe('the time in which machines compute all slots', () => {
  it.each([
    [8, [10], 80],
    [8, [10, 30], 60],
    // Two slots for each of three, and one for two others.
    [8, [10, 10, 10, 10, 10], 20],
    [2, [10, 10, 10, 10, 10], 10],
    [3, [1, 100], 3],
  ])('%i slots on machines that need %j ms for one take %i ms', (slots, slotMs, ms) => {
    expect(computingMs(slots, slotMs)).toBeCloseTo(ms, 4);
  });

  it('is endless without any', () => {
    expect(computingMs(8, [])).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('a run is bound by its network', () => {
  it('if its members compute for less than half of a step, and those that are not measured do not count', () => {
    expect(networkBound([ann, bob, carl], shape, 120)).toBeNull();
    expect(networkBound([ann, bob, carl], shape, 121)).toEqual({
      samplesPerSecond: 661,
      computedPerSecond: 1333,
      fastest: { name: 'ann', samplesPerSecond: 1000 },
      remedy: '--local-steps 16 --wire-bits 8',
    });
    expect(networkBound([carl], shape, 1e9)).toBeNull();
  });

  it('and not because it has more members than slots, or slots that cannot be divided among them', () => {
    const alike = Array.from({ length: 30 }, (_, n) => ({ name: `tab ${n}`, slotMs: [10] }));
    expect(networkBound(alike, shape, 12)).toBeNull();
    expect(networkBound([ann, { name: 'fast', slotMs: [1] }], { ...shape, slots: 1 }, 2)).toBeNull();
  });

  it.each([
    [1, 32, '--local-steps 16 --wire-bits 8'],
    [1, 8, '--local-steps 16'],
    [16, 32, '--wire-bits 8'],
    [16, 8, '--wire-bits 4'],
    [16, 4, '--local-steps 32'],
  ])('%i local steps and %i bits: %s sends less', (localSteps, wireBits, remedy) => {
    expect(networkBound([ann], { ...shape, localSteps, wireBits }, 1000)).toMatchObject({ remedy });
  });

  it('and the sentence says what the fastest would make alone, and what to change', () => {
    const found = { samplesPerSecond: 1500, computedPerSecond: 4000, remedy: '--wire-bits 4' };
    const text = (samplesPerSecond: number) =>
      networkBoundText({ ...found, fastest: { name: 'ann', samplesPerSecond } });
    expect(text(3000)).toBe(
      'this run waits for its network most of the time: it makes 1,500 samples/s, and its members could compute 4,000; ' +
        'ann alone would make 3,000, which is more, without a network; a new run with --wire-bits 4 sends less',
    );
    expect(text(1400)).toContain('; ann alone would make 1,400 without a network;');
  });
});

describe('a run that is watched', () => {
  const watch = () => {
    const watched = new NetworkWatch();
    let nowMs = 0;
    return {
      watched,
      steps: (count: number, ms: number) => {
        for (let n = 0; n < count; n++) {
          nowMs += ms;
          watched.stepBegan(nowMs);
        }
        return watched.judge(nowMs, [ann], shape);
      },
    };
  };

  it('is called bound after some seconds, and no longer when it is not', () => {
    const { steps } = watch();
    // The machine computes for 80 ms.
    expect(steps(6, 200)).toBeNull();
    expect(steps(24, 200)).toBeNull();
    expect(steps(1, 200)).toMatchObject({ samplesPerSecond: 400, fastest: { name: 'ann' } });
    expect(steps(3, 100)).toBeNull();
    expect(steps(10, 200)).toBeNull();
  });

  it('is not called so because of an evaluation between two steps', () => {
    const { steps } = watch();
    steps(6, 100);
    for (let epoch = 0; epoch < 20; epoch++) {
      expect(steps(1, 10_000)).toBeNull();
      expect(steps(2, 100)).toBeNull();
    }
  });

  it('begins anew with another fleet', () => {
    const { watched, steps } = watch();
    for (let n = 0; n < 20; n++) {
      expect(steps(5, 1_000)).toBeNull();
      watched.fleetChanged();
    }
    steps(6, 1_000);
    expect(steps(5, 1_000)).not.toBeNull();
  });
});
