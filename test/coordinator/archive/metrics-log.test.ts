import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Alarms } from '../../../coordinator/archive/alarms.js';
import { linesUpTo, MetricsLog } from '../../../coordinator/archive/metrics-log.js';
import { limits } from '../../../shared/limits.js';
import { fault, type Operation, withDirectory } from './memory-files.js';
import { line } from './samples.js';

const path = '/run/metrics.jsonl';

function open() {
  const files = withDirectory('/run');
  const warnings: string[] = [];
  const recoveries: string[] = [];
  const alarms = new Alarms({
    raised: (_, message) => warnings.push(message),
    cleared: (_, message) => recoveries.push(message),
  });
  const log = new MetricsLog(files, path, 0, alarms);
  const steps = () => {
    const text = Buffer.from(files.content(path) ?? []).toString();
    return text.split('\n').flatMap((json) => (json === '' ? [] : [JSON.parse(json).step]));
  };
  return { files, log, alarms, warnings, recoveries, steps };
}

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const failAt = (kind: Operation['kind'], code: string) => (operation: Operation) =>
  operation.kind === kind ? fault(code, operation.path) : null;

describe('MetricsLog', () => {
  it('keeps the order of lines whatever is asked of it meanwhile', async () => {
    const { log, steps } = open();
    for (let step = 1; step <= 100; step++) {
      log.record(line(step));
      if (step % 7 === 0) void log.flush();
      if (step % 11 === 0) void log.sync();
      if (step % 13 === 0) await Promise.resolve();
    }
    await log.close();
    expect(steps()).toEqual(upTo(100));
  });

  it('gathers lines, and writes them with an evaluation', async () => {
    const { files, log, steps } = open();
    for (let step = 1; step <= 3; step++) log.record(line(step));
    await new Promise(setImmediate);
    expect(files.operations).toBe(0);
    log.record({ ...line(4), testLoss: 0.5, testAccuracy: 0.9 });
    await new Promise(setImmediate);
    expect(steps()).toEqual(upTo(4));
  });

  it('makes nobody wait for lines that come while others are written', async () => {
    const { files, log, steps } = open();
    let step = 1;
    log.record(line(step));
    files.failing = ({ kind }) => {
      if (kind === 'write' && step < 10_000) log.record(line(++step));
      return null;
    };
    await log.sync();
    expect(steps()).toEqual([1]);
    await log.sync();
    expect(steps()).toEqual([1, 2]);
  });

  it('writes when enough lines have gathered', async () => {
    const { log, steps } = open();
    for (let step = 1; step <= limits.metricsLinesPerWrite; step++) log.record(line(step));
    await new Promise(setImmediate);
    expect(steps()).toEqual(upTo(limits.metricsLinesPerWrite));
  });

  it('tells a full disk once, and then has every line once', async () => {
    const { files, log, alarms, warnings, recoveries, steps } = open();
    log.record(line(1));
    await log.flush();
    files.failing = failAt('write', 'ENOSPC');
    for (let step = 2; step <= 5; step++) {
      log.record(line(step));
      await log.flush();
    }
    expect(warnings).toEqual([expect.stringMatching(/metrics\.jsonl .*no space left on the disk/)]);
    files.failing = () => null;
    log.record(line(6));
    await log.flush();
    expect(steps()).toEqual(upTo(6));
    expect(warnings).toHaveLength(1);
    expect(recoveries).toEqual([`${path} is written again.`]);
    expect(alarms).toMatchObject({ active: [], faults: 4 });
  });

  it.each(['append', 'sync', 'truncate'] as const)('goes on after a fault at %s', async (kind) => {
    const { files, log, warnings, steps } = open();
    files.failing = (operation) => failAt('write', 'EIO')(operation) ?? failAt(kind, 'EIO')(operation);
    log.record(line(1));
    await log.sync();
    files.failing = failAt(kind, 'EIO');
    await log.sync();
    files.failing = () => null;
    log.record(line(2));
    await log.sync();
    expect(steps()).toEqual([1, 2]);
    expect(warnings).toHaveLength(1);
  });

  it('holds a bounded number of lines while the disk fails, and says how many it lacks', async () => {
    const { files, log, recoveries, steps } = open();
    files.failing = failAt('write', 'ENOSPC');
    for (let step = 1; step <= limits.metricsLinesWaitingMax + 10; step++) log.record(line(step));
    await log.flush();
    files.failing = () => null;
    await log.close();
    expect(steps()).toEqual(upTo(limits.metricsLinesWaitingMax + 10, 11));
    expect(recoveries).toEqual([expect.stringMatching(/but for 10 lines/)]);
  });
});

describe('linesUpTo', () => {
  const text = upTo(9).map((step) => `${JSON.stringify(line(step))}\n`); // biome-ignore format: one line

  it('drops what comes after the step', () => {
    expect(linesUpTo(text.join(''), 4)).toBe(text.slice(0, 4).join(''));
    expect(linesUpTo(text.join(''), 0)).toBe('');
    expect(linesUpTo('', 4)).toBe('');
  });

  it('drops a last line cut off at any place', () => {
    const last = text[4];
    for (let length = 0; length < last.length - 1; length++) {
      expect(linesUpTo(text.slice(0, 4).join('') + last.slice(0, length), 9)).toBe(text.slice(0, 4).join(''));
    }
    expect(linesUpTo(text.slice(0, 4).join('') + last.slice(0, -1), 9)).toBe(text.slice(0, 5).join(''));
  });

  it('drops what is no line of metrics, and keeps the lines after it', () => {
    const junk = ['\0\0\0\n', 'null\n', '[]\n', '{"step":"3"}\n', '{}\n', '\n'];
    expect(linesUpTo([text[0], ...junk, text[1]].join(''), 9)).toBe(text[0] + text[1]);
  });

  it('has each step once and in order, whatever the text is', () => {
    const lines = fc.array(fc.oneof(fc.constantFrom(...text), fc.string()));
    fc.assert(
      fc.property(lines, fc.nat(9), (parts, step) => {
        const kept = linesUpTo(parts.join(''), step).split('\n').slice(0, -1);
        const steps = kept.map((json) => JSON.parse(json).step);
        expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
        expect(steps.every((at) => at <= step)).toBe(true);
      }),
    );
  });
});
