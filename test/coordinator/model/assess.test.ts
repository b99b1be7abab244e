/** Tests the figures of an evaluation against counts by hand, and what is printed of them. */
import { describe, expect, it } from 'vitest';
import { type EvalReport, evalJson, evalText } from '../../../coordinator/cli/eval-report.js';
import { classReports, confusionOf, type WrongAnswer, worstMistakes } from '../../../coordinator/model/assess.js';
import { Classifier } from '../../../shared/model/classifier.js';
import type { Model } from '../../../shared/model/model.js';
import { webAssembly } from '../../shared/arithmetic/backends.js';
import { randomSamples, randomWeights } from '../../shared/model/fixture.js';

const labels = Uint8Array.of(0, 0, 0, 1, 1, 2);
const predicted = Uint8Array.of(0, 1, 1, 1, 0, 3);
const confusion = confusionOf(labels, predicted, 4, 5);

it('a confusion counts what each label was taken for, also answers that are no labels', () => {
  expect(confusion).toEqual([
    [1, 2, 0, 0, 0],
    [1, 1, 0, 0, 0],
    [0, 0, 0, 1, 0],
    [0, 0, 0, 0, 0],
  ]);
});

it('precision, recall and F1 follow from it, and are null where there is nothing to divide', () => {
  expect(classReports(confusion)).toEqual([
    { samples: 3, precision: 1 / 2, recall: 1 / 3, f1: 2 / 5, confusedWith: { predicted: 1, times: 2 } },
    { samples: 2, precision: 1 / 3, recall: 1 / 2, f1: 2 / 5, confusedWith: { predicted: 0, times: 1 } },
    { samples: 1, precision: null, recall: 0, f1: 0, confusedWith: { predicted: 3, times: 1 } },
    { samples: 0, precision: 0, recall: null, f1: 0, confusedWith: null },
  ]);
});

it('the most certain mistakes are the worst', () => {
  const model: Model = { input: [4], layers: [{ dense: 3, activation: 'linear' }], loss: 'softmaxCrossEntropy' };
  const classifier = new Classifier(webAssembly, model);
  classifier.setWeights(0, randomWeights(model, 3));
  const samples = randomSamples(model, 30, 5);
  const answers = Uint8Array.from({ length: 30 }, (_, i) =>
    classifier.answerTo(samples.images.subarray(4 * i, 4 * i + 4)),
  );
  const mistakes = worstMistakes(classifier, samples, answers);
  expect(mistakes.map(({ index }) => index).sort((a, b) => a - b)).toEqual(
    Array.from(answers.keys()).filter((i) => answers[i] !== samples.labels[i]),
  );
  for (const [n, { certainty }] of mistakes.entries()) {
    expect(certainty).toBeGreaterThan(1 / 3);
    if (n > 0) expect(certainty).toBeLessThanOrEqual(mistakes[n - 1].certainty);
  }
});

/** A report on this many classes, each of which is taken for the next one now and then. */
function reportOn(classes: number, nameOf = (n: number) => String(n)): EvalReport {
  const truth = Uint8Array.from({ length: 40 * classes }, (_, i) => i % classes);
  const answers = truth.map((label, i) => (i % 9 === 0 ? (label + 1) % classes : label));
  const matrix = confusionOf(truth, answers, classes, classes);
  const mistakes = Array.from(truth.entries())
    .filter(([i, label]) => answers[i] !== label)
    .map(([index, label]): WrongAnswer => ({ index, label, predicted: answers[index], certainty: 0.75 }));
  return {
    opened: { path: 'runs/A', step: 469, weightsSha256: 'f'.repeat(64) },
    data: { name: 'mnist', sha256: 'a'.repeat(64), classes, isOwn: true },
    samples: truth.length,
    correct: truth.length - mistakes.length,
    loss: 0.123456789,
    names: Array.from({ length: classes }, (_, n) => nameOf(n)),
    confusion: matrix,
    classes: classReports(matrix),
    mistakes,
  };
}

describe('the text of a report', () => {
  const longName = (n: number) => `the class of the number ${n}`;
  it.each<[string, EvalReport, RegExp]>([
    ['ten digits', reportOn(10), /^0 35 {2}5 {2}\./m],
    ['ten classes with names', reportOn(10, longName), /^0 the class of …/m],
    ['47 classes', reportOn(47), /confused most often/],
    ['256 classes with names', reportOn(256, longName), /confused most often/],
    ['two classes', reportOn(2), /What they are/],
  ])('on %s has 80 columns', (_, report, pattern) => {
    const text = evalText(report);
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(text).toMatch(pattern);
  });

  it('on a model without mistakes says so', () => {
    const report = reportOn(3);
    expect(evalText({ ...report, mistakes: [], correct: report.samples })).toMatch(
      /100.00 %, 0 mistakes[\s\S]*No mistakes\.\n$/,
    );
  });
});

it('JSON has the same figures', () => {
  const report = reportOn(3);
  const parsed = JSON.parse(evalJson(report));
  expect(parsed).toMatchObject({
    samples: 120,
    correct: report.correct,
    loss: 0.123456789,
    confusion: report.confusion,
  });
  expect(parsed.classes[1]).toEqual({
    name: '1',
    samples: 40,
    precision: expect.any(Number),
    recall: expect.any(Number),
    f1: expect.any(Number),
  });
  expect(parsed.mistakes).toEqual(report.mistakes);
});
