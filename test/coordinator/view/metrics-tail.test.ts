import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MetricsTail } from '../../../coordinator/view/metrics-tail.js';
import { limits } from '../../../shared/limits.js';
import { line } from '../archive/samples.js';

/** Reads a file through a tail, and keeps the steps of the lines. */
class Reader {
  readonly tail = new MetricsTail();
  steps: number[] = [];
  restarts = 0;

  /** Reads like a view, `asked` bytes at a time. */
  read(content: string, asked = 200): void {
    const bytes = Buffer.from(content);
    for (let isAtEnd = false; !isAtEnd; ) {
      const { readFrom } = this.tail;
      const news = this.tail.push(bytes.subarray(readFrom, readFrom + asked), asked);
      if (news.isRestarted) {
        this.restarts += 1;
        this.steps = [];
      }
      this.steps.push(...news.lines.map(({ step }) => step));
      isAtEnd = news.isAtEnd;
    }
  }
}

const lines = (from: number, to: number, loss = 1) =>
  Array.from({ length: to - from + 1 }, (_, i) => `${JSON.stringify({ ...line(from + i), loss })}\n`).join('');
const upTo = (step: number) => Array.from({ length: step }, (_, i) => i + 1);

describe('the tail of a metrics file', () => {
  it('has each line once, however the file grows and however much is read at a time', () => {
    const whole = lines(1, 12);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: whole.length })), fc.integer({ min: 600, max: 3000 }), (lengths, asked) => {
        const reader = new Reader();
        for (const length of lengths.sort((a, b) => a - b)) reader.read(whole.slice(0, length), asked);
        reader.read(whole, asked);
        expect(reader.steps).toEqual(upTo(12));
        expect([reader.restarts, reader.tail.damaged]).toEqual([0, 0]);
      }),
    );
  });

  it('takes a torn line when its end is there, and not before', () => {
    const reader = new Reader();
    const whole = lines(1, 3);
    reader.read(whole.slice(0, -20), 4000);
    expect(reader.steps).toEqual([1, 2]);
    reader.read(whole, 4000);
    expect(reader.steps).toEqual([1, 2, 3]);
  });

  it('begins again when a resumed run has cut the file off, even if it is longer than before by now', () => {
    const reader = new Reader();
    reader.read(lines(1, 8), 4000);
    reader.read(lines(1, 5), 4000);
    expect([reader.steps, reader.restarts]).toEqual([upTo(5), 1]);
    reader.read(lines(1, 3) + lines(4, 20, 0.5), 4000);
    expect([reader.steps, reader.restarts]).toEqual([upTo(20), 2]);
  });

  it('begins again when the file is gone, and when another run is there', () => {
    const reader = new Reader();
    reader.read(lines(1, 8), 4000);
    reader.read('', 4000);
    expect([reader.steps, reader.restarts]).toEqual([[], 1]);
    reader.read(lines(1, 2), 4000);
    reader.read(lines(1, 2, 3), 4000);
    expect([reader.steps, reader.restarts]).toEqual([[1, 2], 2]);
  });

  it('leaves out what is damaged, and goes on behind it', () => {
    const reader = new Reader();
    const twice = lines(2, 2);
    reader.read(
      `${lines(1, 2)}{"step": 3, "lo\n[]\n${lines(3, 3).replace('"epoch":1', '"epoch":"1"')}${twice}${lines(4, 5)}`,
      4000,
    );
    expect([reader.steps, reader.tail.damaged]).toEqual([[1, 2, 4, 5], 4]);
  });

  it('does not wait for ever for the end of a line that is none', () => {
    const reader = new Reader();
    const asked = 2 * limits.metricsLineBytesMax;
    reader.read(`${'x'.repeat(5 * limits.metricsLineBytesMax)}\n${lines(1, 2)}`, asked);
    expect(reader.steps).toEqual([1, 2]);
    expect(reader.tail.damaged).toBeGreaterThan(0);
  });

  it('keeps a step whose loss was not finite: the file has null there', () => {
    const reader = new Reader();
    reader.read(lines(1, 1).replace('"loss":1', '"loss":null'), 4000);
    expect(reader.steps).toEqual([1]);
  });
});
