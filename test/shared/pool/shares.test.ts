import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { earliestEndMs, shares, sharesBySpeed } from '../../../shared/pool/shares.js';

const cost = (leadMs: number, slotMs: number) => ({ leadMs, slotMs });

describe('the shares of members', () => {
  it('are in proportion to their speeds if the way costs nothing', () => {
    const [a, b, c] = shares(12, [cost(0, 1), cost(0, 2), cost(0, 2)]);
    expect([a, b, c].map((x) => Number(x.toFixed(9)))).toEqual([6, 3, 3]);
  });

  it('let all be done at the same time, whatever their leads', () => {
    const costs = [cost(3, 1), cost(0, 2), cost(10, 0.5)];
    const ends = shares(64, costs).map((share, i) => costs[i].leadMs + share * costs[i].slotMs);
    for (const end of ends) expect(end).toBeCloseTo(ends[0], 6);
  });

  it('are nothing for a member whose lead alone is longer than the others need for all', () => {
    expect(shares(8, [cost(1, 1), cost(1, 1), cost(20, 0.001)])).toEqual([4, 4, 0]);
  });

  it('are nothing for a member that needs longer for one slot than the others for all', () => {
    expect(shares(8, [cost(0, 1), cost(0, 1), cost(0, 5)])).toEqual([4, 4, 0]);
  });

  it('keep a slower member that ends before the others would with one slot more', () => {
    expect(Math.min(...shares(4, [cost(0, 1), cost(0, 1), cost(0, 1), cost(0, 1.3)]))).toBeGreaterThan(0.5);
  });

  it('are at least a slot for a member that is to be measured', () => {
    const [, tried] = shares(64, [cost(0, 1), cost(1000, 100)], [false, true]);
    expect(tried).toBeGreaterThan(0.9);
  });

  it('are all slots, none of them negative, whatever the costs', () => {
    const costs = fc.array(
      fc.record({
        leadMs: fc.double({ min: 0, max: 1e5, noNaN: true }),
        slotMs: fc.double({ min: 1e-4, max: 1e4, noNaN: true }),
      }),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), costs, (slots, all) => {
        const given = shares(slots, all);
        expect(given.reduce((sum, x) => sum + x, 0)).toBeCloseTo(slots, 3);
        expect(Math.min(...given)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('the shares of threads', () => {
  it('are those of members without leads', () => {
    const costs = [cost(0, 1), cost(0, 2), cost(0, 1.5)];
    for (const [i, share] of sharesBySpeed(16, costs).entries()) expect(share).toBeCloseTo(shares(16, costs)[i], 9);
  });
});

describe('the earliest end', () => {
  it('counts whole slots', () => {
    expect(earliestEndMs(9, [cost(0, 1), cost(0, 1), cost(0, 1), cost(0, 1)])).toBeCloseTo(3, 6);
  });

  it('is never later with another member', () => {
    const costs = [cost(5, 2), cost(1, 3), cost(30, 0.1), cost(200, 1)];
    const ends = costs.map((_, i) => earliestEndMs(40, costs.slice(0, i + 1)));
    expect([...ends].sort((a, b) => b - a)).toEqual(ends);
  });
});
