/** Tests what the lesson says where the figures are unusual: a run that has diverged, runs without a difference. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { datasetSha256 } from '../../../coordinator/data/hash.js';
import type { LoadedDataset } from '../../../coordinator/data/load.js';
import { localSite } from '../../../coordinator/run/local-site.js';
import { nodeMeans } from '../../../coordinator/run/node-means.js';
import { lessonOf, type MeasuredRuns } from '../../../coordinator/textbook/lesson.js';
import { type LessonRun, lessonModel, lessonRuns, lessonSeed } from '../../../coordinator/textbook/lesson-runs.js';
import { magnitude, points } from '../../../coordinator/textbook/lesson-words.js';
import { type MeasuredRun, measureRun } from '../../../coordinator/textbook/measured-run.js';
import { lessonPage } from '../../../coordinator/textbook/page.js';
import { makeLessonRun } from '../../../coordinator/textbook/textbook.js';
import { generateDigits } from '../../../shared/data/digits/generate.js';
import { initialWeights } from '../../../shared/model/initialise.js';
import { nodePlatform } from '../../../worker/node-platform.js';

const data = { name: 'digits', train: 64, test: 20, classes: 10 };

function measured(run: LessonRun, accuracy: number): MeasuredRun {
  const model = lessonModel(run.cost, [28, 28], 10);
  const evaluations = [1, 2].map((step) => ({ step, epoch: step, samples: 64 * step, accuracy, loss: 0.5 }));
  const weights = initialWeights(model, 7);
  const weightsSha256 = 'ab'.repeat(32);
  return { run, model, weights, weightsSha256, steps: 2, hasDiverged: false, evaluations, outputGradient: 0.01 };
}

function allAt(accuracy: number): MeasuredRuns {
  const runs = Object.entries<LessonRun>(lessonRuns).map(([key, run]) => [key, measured(run, accuracy)]);
  return Object.fromEntries(runs);
}

const textOf = (runs: MeasuredRuns) => {
  const lesson = lessonOf(runs, initialWeights(runs.usual.model, lessonSeed), data);
  return { lesson, text: lesson.sections.flatMap(({ paragraphs }) => paragraphs).join('\n') };
};

test('both costs begin with the same weights', () => {
  const [a, b] = (['quadratic', 'cross-entropy'] as const).map((cost) => lessonModel(cost, [28, 28], 10));
  expect(initialWeights(a, lessonSeed)).toEqual(initialWeights(b, lessonSeed));
});

test('equal figures are no difference', () => {
  expect(textOf(allAt(0.5)).text).toContain('the two costs do not differ there');
  expect([points(0.5, 0.25), points(0.25, 0.5), points(0.5, 0.500001)]).toEqual([
    '25.00 points more',
    '25.00 points less',
    null,
  ]);
});

test('magnitudes are readable', () => {
  expect([0, 0.004, 3.302e-11].map(magnitude)).toEqual(['0.0', '0.0040', '3.3 × 10⁻¹¹']);
});

describe('a run that has diverged', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'lockstep-test-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('is a result and no error, and the page says where it ended', async () => {
    const sets = generateDigits({ seed: 7, train: 64, test: 20 });
    const dataset: LoadedDataset = { ...sets, sha256: datasetSha256(sets), directory: null };
    const run: LessonRun = { ...lessonRuns.entropy, name: lessonRuns.wild.name, rate: 1e38 };
    const platform = nodePlatform();
    const wish = new AbortController().signal;
    const means = { ...nodeMeans, platform, site: localSite(1), wish, emit: () => {} };
    await makeLessonRun(run, join(directory, run.name), dataset, means);
    const result = await measureRun(run, join(directory, run.name), dataset.test, platform.backend);
    expect([result.hasDiverged, result.outputGradient]).toEqual([true, null]);
    const { lesson, text } = textOf({ ...allAt(0.5), wild: result });
    expect(text).toContain(`the numbers grew beyond all bounds in step ${result.steps + 1}`);
    expect(lessonPage(lesson, 'textbook')).toContain(`${result.steps}, then it diverged`);
    expect(JSON.stringify(lesson.sections[2].pictures)).toContain('(diverged)');
  });
});
