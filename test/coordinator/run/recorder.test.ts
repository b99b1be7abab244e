/** Tests the figures of a run: rates, means, warnings and the summary. The test sets the clock. */
import { describe, expect, it } from 'vitest';
import type { ConfigFile } from '../../../coordinator/archive/config.js';
import { Recorder } from '../../../coordinator/run/recorder.js';
import { beginning, type StepOutcome, type TrainerState } from '../../../coordinator/run/trainer.js';
import { config } from '../archive/samples.js';

/** An epoch has three steps. The last one has 4 samples, the others have 12. */
const sizes = { stepsPerEpoch: 3, samplesIn: (stepInEpoch: number) => (stepInEpoch === 2 ? 4 : 12) };
const fleet = { workers: 2, traffic: { bytesSent: 700, bytesReceived: 70 } };
const hash = 'e'.repeat(64);
const weights = (weightsStep: number) => ({ weightsSha256: hash, weightsStep });

function begin(resumedAtStep: number | null = null, of: ConfigFile = config) {
  const time = { ms: 0 };
  const recorder = new Recorder(of, sizes, resumedAtStep, () => time.ms);
  const step = (number: number, changes: Partial<StepOutcome> = {}, alarms: readonly 'metrics'[] = []) => {
    const epoch = Math.ceil(number / sizes.stepsPerEpoch);
    const outcome = {
      step: number,
      epoch,
      train: { loss: number, accuracy: number / 10 },
      test: undefined,
      ...changes,
    };
    const isEvaluated = (outcome.validation ?? outcome.test) !== undefined;
    return recorder.stepped(outcome, fleet, alarms, isEvaluated ? hash : undefined);
  };
  return { time, recorder, step };
}

describe('a line of the metrics', () => {
  it('has the step, its score, the fleet and the traffic', () => {
    const { time, step } = begin();
    time.ms = 100;
    expect(step(1)).toEqual({
      step: 1,
      epoch: 1,
      loss: 1,
      trainAccuracy: 0.1,
      samplesPerSecond: 120,
      workers: 2,
      bytesSent: 700,
      bytesReceived: 70,
    });
  });

  it('has the evaluation and the hash of the weights after an evaluated step, and alarms while there are any', () => {
    const { time, step } = begin();
    time.ms = 1;
    const line = step(3, { test: { loss: 0.5, accuracy: 0.75 } }, ['metrics']);
    expect(line).toMatchObject({ testLoss: 0.5, testAccuracy: 0.75, weightsSha256: hash, alarms: ['metrics'] });
    expect(Object.keys(step(4))).not.toContain('weightsSha256');
    expect(Object.keys(step(5))).not.toContain('alarms');
  });

  it('has the evaluation of the validation set under its own name', () => {
    const { step } = begin();
    const line = step(3, { validation: { loss: 0.5, accuracy: 0.75 } });
    expect(line).toMatchObject({ validationLoss: 0.5, validationAccuracy: 0.75, weightsSha256: hash });
    expect(Object.keys(line)).not.toContain('testLoss');
  });

  it('counts the samples that a step really has: the last one of an epoch is short', () => {
    const { time, step } = begin();
    const rates = [1, 2, 3, 4].map((number) => {
      time.ms = 100 * number;
      return step(number).samplesPerSecond;
    });
    // 12, 24, 28 and 40 samples in 100, 200, 300 and 400 ms.
    expect(rates).toEqual([120, 120, 93, 100]);
  });

  it('has the rate of the training, however long the evaluation takes', () => {
    const { time, recorder, step } = begin();
    for (const number of [1, 2, 4, 5]) {
      time.ms += 100;
      step(number);
    }
    time.ms += 100;
    recorder.evaluating();
    time.ms += 6_000;
    expect(recorder.samplesPerSecond).toBe(96);
    expect(step(7, { test: { loss: 0.5, accuracy: 0.75 } }).samplesPerSecond).toBe(120);
    time.ms += 100;
    expect(step(8).samplesPerSecond).toBe(120);
    expect(recorder.samplesPerSecond).toBe(120);
  });

  it('has the rate of about the last second, whatever was before', () => {
    const { time, step } = begin();
    for (let number = 1; number <= 30; number++) {
      time.ms = 1_000 * number;
      step(number);
    }
    time.ms += 1_000;
    const { samplesPerSecond } = step(31);
    expect(samplesPerSecond).toBeGreaterThanOrEqual(8);
    expect(samplesPerSecond).toBeLessThanOrEqual(12);
  });
});

it('the time before training counts for neither rate nor duration', () => {
  const { time, recorder, step } = begin();
  time.ms = 60_000;
  recorder.begin();
  time.ms = 60_500;
  expect(step(1).samplesPerSecond).toBe(24);
  expect(recorder.samplesPerSecond).toBe(24);
  const result = { reason: 'epochs', steps: 1, findings: beginning.state, ...weights(1), diskFaults: 0 } as const;
  expect(recorder.summary(result)).toMatchObject({ seconds: 0.5, samplesPerSecond: 24 });
});

it('means are over the steps since the last evaluation', () => {
  const { time, recorder, step } = begin();
  for (const number of [1, 2, 3]) step(number);
  time.ms = 1;
  const { train } = recorder.meanOfRecent();
  step(4);
  expect(train.loss).toBe(2);
  expect(train.accuracy).toBeCloseTo(0.2, 12);
  expect(recorder.meanOfRecent().train.loss).toBe(4);
});

it('the mean rate counts all steps and all time since the last evaluation, however long the evaluation takes', () => {
  const { time, recorder, step } = begin();
  time.ms = 60_000;
  recorder.begin();
  const epochOf = (first: number, evaluationMs: number) => {
    for (const number of [first, first + 1, first + 2]) {
      time.ms += 10;
      // A step is recorded after its evaluation.
      if (number === first + 2) time.ms += evaluationMs;
      step(number);
    }
    return recorder.meanOfRecent().samplesPerSecond;
  };
  // 28 samples each, in 2.03 s and in 0.28 s. The last second of the first epoch has 4 of them.
  expect([epochOf(1, 2_000), epochOf(4, 250)]).toEqual([14, 100]);
});

it('growth is warned of once, from three times the loss of the first step', () => {
  const { recorder } = begin();
  expect(recorder.growth('test', 100, null)).toBe(null);
  expect(recorder.growth('test', 5.9, 2)).toBe(null);
  const { rate } = config.optimizer;
  const warning = { code: 'loss-grows', set: 'validation', loss: 6, firstLoss: 2, rate };
  expect(recorder.growth('validation', 6, 2)).toEqual(warning);
  expect(recorder.growth('test', 60, 2)).toBe(null);
});

describe('the summary', () => {
  const best = { step: 6, loss: 0.25, accuracy: 0.625 };
  const last = { step: 9, loss: 0.5, accuracy: 0.75 };
  const { step: testStep, ...test } = last;
  const findings: TrainerState = { ...beginning.state, test, testStep, best, bestAccuracy: 0.875 };

  it('has the result, the time, and what it depends on', () => {
    const { time, recorder, step } = begin(7);
    for (const number of [8, 9]) step(number);
    time.ms = 2_000;
    const result = { reason: 'max-steps', steps: 9, findings, ...weights(9), diskFaults: 3 } as const;
    expect(recorder.summary(result)).toEqual({
      weightsSha256: hash,
      weightsStep: 9,
      datasetSha256: config.dataset.sha256,
      arithmetic: config.arithmetic,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      testAccuracy: 0.75,
      testLoss: 0.5,
      bestTestAccuracy: 0.875,
      last,
      best,
      steps: 9,
      epochs: 3,
      seconds: 2,
      // Step 8 has 12 samples, step 9 has 4.
      samplesPerSecond: 8,
      stopReason: 'max-steps',
      resumedAtStep: 7,
      diskFaults: 3,
    });
  });

  it('has the scores of the best weights if the run ends with them', () => {
    const { recorder } = begin();
    const result = { reason: 'epochs', steps: 9, findings, ...weights(6), diskFaults: 0 } as const;
    expect(recorder.summary(result)).toMatchObject({ testAccuracy: 0.625, testLoss: 0.25, weightsStep: 6, last, best });
  });

  it('has the scores of both sets, and no best one of a test set that was evaluated once', () => {
    const { recorder } = begin(null, { ...config, dataset: { ...config.dataset, validation: 20 } });
    const tested = { loss: 0.375, accuracy: 0.5 };
    const judged: TrainerState = { ...findings, validation: last, test: tested, testStep: 9 };
    const summaryOf = (findings: TrainerState, weightsStep: number) =>
      recorder.summary({ reason: 'epochs', steps: 9, findings, ...weights(weightsStep), diskFaults: 0 });
    expect(summaryOf(judged, 9)).toMatchObject({
      testAccuracy: 0.5,
      testLoss: 0.375,
      bestTestAccuracy: null,
      validationAccuracy: 0.75,
      validationLoss: 0.5,
      bestValidationAccuracy: 0.875,
      last,
      best,
    });
    expect(summaryOf(judged, 6)).toMatchObject({ testAccuracy: 0.5, validationAccuracy: 0.625, validationLoss: 0.25 });
    const interrupted = { ...judged, test: null, testStep: null };
    expect(summaryOf(interrupted, 9)).toMatchObject({ testAccuracy: null, testLoss: null, validationAccuracy: 0.75 });
  });

  it('has null where nothing was evaluated', () => {
    const { recorder } = begin();
    const result = {
      reason: 'interrupted',
      steps: 0,
      findings: beginning.state,
      ...weights(0),
      diskFaults: 0,
    } as const;
    const nothing = { testAccuracy: null, testLoss: null, bestTestAccuracy: null, last: null, best: null };
    expect(recorder.summary(result)).toMatchObject(nothing);
  });
});
