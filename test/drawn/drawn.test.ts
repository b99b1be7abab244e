/** Drawings by hand, on the pad of the dashboard: what the default model makes of them, and whether it knows its doubts. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openRun } from '../../coordinator/library.js';
import { runnerUp } from '../../shared/model/certainty.js';
import { lockstep, scratch } from '../cli/fixture.js';
import { drawingExtent, drawings } from './drawings.js';
import { isRight, verdictsOf } from './score.js';

describe('the drawings', () => {
  test('are sixty, six of each digit, all of them on the pad', () => {
    for (let digit = 0; digit < 10; digit++) {
      const own = drawings.filter((drawing) => drawing.digit === digit);
      expect(own.length).toBe(6);
      expect(new Set(own.map(({ how }) => how)).size).toBe(6);
    }
    for (const { strokes } of drawings) {
      for (const { x, y } of strokes.flat()) {
        expect(Math.min(x, y)).toBeGreaterThan(0);
        expect(Math.max(x, y)).toBeLessThan(drawingExtent);
      }
    }
  });
});

const mnist = process.env.LOCKSTEP_DATA;

describe.skipIf(!mnist)('the default model on MNIST', () => {
  test('gets most drawings right, and the pad is not sure of most others', async () => {
    const out = join(scratch(), 'mlp');
    expect(await lockstep('train', '--data', mnist ?? '', '--out', out).ended).toMatchObject({ code: 0, stderr: '' });
    const verdicts = verdictsOf(await openRun(out));
    const wrong = verdicts.filter((verdict) => !isRight(verdict));
    const right = verdicts.length - wrong.length;
    expect(right).toBeGreaterThan(50);
    expect(right).toBeLessThan(57);
    const unsure = (some: typeof verdicts) => some.filter(({ other }) => other !== null).length;
    expect(unsure(wrong) / wrong.length).toBeGreaterThan(0.5);
    expect((unsure(verdicts) - unsure(wrong)) / right).toBeLessThan(0.25);
  });
});

describe('the pad', () => {
  const shares = (...numbers: number[]) => Float32Array.from(numbers);

  test('is sure of a class that has nearly all of the certainty', () => {
    expect(runnerUp(shares(0.01, 0.97, 0.02))).toBeNull();
    expect(runnerUp(shares(1))).toBeNull();
  });

  test('names the second class where it is not sure', () => {
    expect(runnerUp(shares(0.3, 0.1, 0.6))).toBe(0);
    expect(runnerUp(shares(0.02, 0.95, 0.6))).toBe(2);
    expect(runnerUp(shares(0.02, 0.05, 0.01))).toBe(0);
    expect(runnerUp(shares(0.5, 0.5))).toBe(1);
  });
});
