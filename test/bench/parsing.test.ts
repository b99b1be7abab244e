/** Tests the parsers of the benchmark: options, metrics, process status, profiles. */
import { expect, test } from 'vitest';
import { parseMetrics, settledRates } from './metrics.js';
import { parseOptions } from './options.js';
import { ownWork, parseProfile } from './profile.js';
import { growth, parseStatus } from './samplers.js';

const line = (step: number, samplesPerSecond: number, more = {}) => {
  const common = { epoch: 1, loss: 1, trainAccuracy: 0, workers: 1, bytesSent: 0, bytesReceived: 0 };
  return { step, samplesPerSecond, ...common, ...more };
};

test('metrics are whole lines; what is older than so many seconds does not count, nor do evaluations', () => {
  const lines = [line(1, 10), line(2, 20), line(3, 20), line(4, 40, { testAccuracy: 0.5 }), line(5, 40)];
  const text = lines.map((each) => `${JSON.stringify(each)}\n`).join('');
  expect(parseMetrics(`${text}{"step":6,"samp`)).toEqual(lines);
  expect(parseMetrics('')).toEqual([]);
  expect(settledRates(lines, 40, 4)).toEqual([20, 40]);
  expect(settledRates(lines, 40, 100)).toEqual([10, 20, 20, 40]);
});

test('options', () => {
  const sections = ['train', 'sockets'];
  const usual = { report: false, quick: false, only: null, row: '', rounds: 5, seconds: 4 };
  expect(parseOptions([], sections)).toEqual(usual);
  expect(parseOptions(['--report', '--only', 'sockets,train', '--rounds', '3'], sections)).toEqual({
    ...usual,
    report: true,
    only: ['sockets', 'train'],
    rounds: 3,
  });
  expect(parseOptions(['--quick', '--row', '1024'], sections)).toMatchObject({ rounds: 1, seconds: 2, row: '1024' });
  expect(() => parseOptions(['--only', 'tran'], sections)).toThrow(
    'there is no section tran; there are train, sockets',
  );
  expect(() => parseOptions(['--rounds', '0'], sections)).toThrow('whole number from 1');
  expect(() => parseOptions(['--frobnicate'], sections)).toThrow('--frobnicate');
});

test('resident memory is what /proc says', () => {
  const status = 'Name:\tnode\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\nThreads:\t11\n';
  expect(parseStatus(status)).toEqual({ residentMb: 100, peakMb: 200 });
  expect(parseStatus('Name:\tzombie\n')).toBeNull();
});

test('growth leaves out the beginning', () => {
  const samples = Array.from({ length: 101 }, (_, step) => ({ step, megabytes: step < 20 ? 10 * step : 200 }));
  expect(growth(samples, 100)).toBe(0);
  const leaking = Array.from({ length: 101 }, (_, step) => ({ step, megabytes: step }));
  expect(growth(leaking, 100)).toBeCloseTo(60);
  expect(growth([], 100)).toBeNaN();
});

test("of a profile's phases, what computes or waits is not the coordinator's own work", () => {
  const microsecondsPerStep = {
    compute: 900,
    watch: 80,
    sum: 10,
    update: 20,
    encode: 5,
    send: 6,
    receive: 7,
    rest: 400,
  };
  const longestBlock = { ms: 9, gcMs: 0, coreWaitMs: 8, processorMs: 2 };
  const longestOnCore = { ms: 5, gcMs: 1, coreWaitMs: 1.5, processorMs: 3 };
  const profile = parseProfile(
    JSON.stringify({ steps: 3, workers: 2, microsecondsPerStep, longestBlock, longestOnCore }),
  );
  expect(Object.fromEntries(profile.phases)).toEqual(microsecondsPerStep);
  expect(profile).toMatchObject({ longestMs: 9, longestOnCoreMs: 3, longestGcMs: 1 });
  expect(ownWork(profile)).toBe(48);
  expect(() => parseProfile('{}')).toThrow('must have microsecondsPerStep');
});
