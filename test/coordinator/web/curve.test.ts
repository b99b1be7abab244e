import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedCurve, type CurveStep } from '../../../coordinator/web/curve.js';

const plain = (step: number): CurveStep => ({ step, loss: 1 / step, accuracy: 0.5, validation: null, test: null });
const evaluated = (step: number): CurveStep => ({ ...plain(step), test: { loss: 0.25, accuracy: 0.75 } });

describe('a curve', () => {
  it('has a point per step while there are few', () => {
    const curve = new BoundedCurve(8);
    for (const step of [1, 2, 3]) curve.add(plain(step));
    expect(curve.all().map(({ step, loss }) => [step, loss])).toEqual([
      [1, 1],
      [2, 0.5],
      [3, 0.333333],
    ]);
  });

  it('stays below its bound, in ascending steps, and ends with the newest evaluation', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 400 }), (isEvaluated) => {
        const curve = new BoundedCurve(16);
        for (const [i, is] of isEvaluated.entries()) curve.add(is ? evaluated(i + 1) : plain(i + 1));
        const steps = curve.all().map(({ step }) => step);
        expect(steps.length).toBeLessThan(16);
        expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
        const tested = curve.all().filter(({ testLoss }) => testLoss !== undefined);
        for (const { step } of tested) expect(isEvaluated[step - 1]).toBe(true);
        expect(tested.at(-1)?.step).toBe(isEvaluated.includes(true) ? isEvaluated.lastIndexOf(true) + 1 : undefined);
      }),
    );
  });

  it('tells from a mark on exactly what was added since, or that all of it is new', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9 }), { maxLength: 60 }), (bursts) => {
        const curve = new BoundedCurve(32);
        let [mark, seen, step] = [curve.mark, [...curve.all()], 0];
        for (const burst of bursts) {
          for (let i = 0; i < burst; i++) curve.add(plain(++step));
          const news = curve.since(mark);
          seen = news === null ? [...curve.all()] : [...seen, ...news];
          mark = curve.mark;
          expect(seen).toEqual(curve.all());
        }
      }),
    );
  });
});
