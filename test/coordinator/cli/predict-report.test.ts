import { expect, test } from 'vitest';
import { jsonOf, type Predicted, textOf } from '../../../coordinator/cli/predict-report.js';
import type { Model } from '../../../shared/model/model.js';

const model: Model = { input: [2], layers: [{ dense: 3, activation: 'linear' }], loss: 'softmaxCrossEntropy' };
const shown = { layers: false, show: false };

function predicted(certainties: readonly number[], index: number | null = null): Predicted {
  const shares = Float32Array.from(certainties);
  const answer = certainties.indexOf(Math.max(...certainties));
  const names = ['cat', 'dog', 'hen'];
  return { file: 'a.png', index, sample: new Uint8Array(2), answer, names, certainties: shares, layers: [shares] };
}

test('a network that is not sure names the other class, for people and for programs', () => {
  const doubtful = predicted([0.125, 0.25, 0.625]);
  expect(textOf(doubtful, model, shown)).toMatch(/^a.png: hen {2}\(62.50 %\), not sure: perhaps dog\n/);
  expect(JSON.parse(jsonOf(doubtful, shown))).toMatchObject({
    class: 2,
    doubt: { class: 1, name: 'dog', certainty: 0.25 },
  });
  const ofMany = predicted([0.5, 0.5, 0], 7);
  expect(textOf(ofMany, model, shown)).toBe('a.png[7]: cat  (50.00 %), not sure: perhaps dog\n');
});

test('a network that is sure says no more than its answer', () => {
  const sure = predicted([0.96875, 0.03125, 0], 0);
  expect(textOf(sure, model, shown)).toBe('a.png[0]: cat  (96.88 %)\n');
  expect(JSON.parse(jsonOf(sure, shown))).toMatchObject({ class: 0, doubt: null });
});

test('two independent certainties that are both large are a doubt', () => {
  const both = predicted([0.9375, 0.5, 0], 0);
  expect(textOf(both, model, shown)).toBe('a.png[0]: cat  (93.75 %), not sure: perhaps dog\n');
});
