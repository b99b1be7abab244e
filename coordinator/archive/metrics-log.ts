/**
 * `metrics.jsonl`: lines appended in order, gathered in memory between writes. A disk that fails costs lines, never the
 * run: the fault is told once, the lines wait, and the next write that succeeds has them all, up to a bound.
 */
import { limits } from '../../shared/limits.js';
import { describeFault } from '../data/fault.js';
import type { Alarms } from './alarms.js';
import type { MetricsLine } from './config.js';
import type { Files, OpenFile } from './files.js';

export class MetricsLog {
  private waiting: string[] = [];
  /** Lines recorded since a write was last asked for. */
  private sinceWrite = 0;
  /** The last of the operations on the file: each begins when the one before it has ended. Never rejects. */
  private last: Promise<void> = Promise.resolve();
  private file: OpenFile | null = null;
  private failing = false;
  private dropped = 0;

  /** `length` is the file's, in bytes; it ends with a whole line. */
  constructor(
    private readonly files: Files,
    readonly path: string,
    private length: number,
    private readonly alarms: Alarms,
  ) {}

  /** An evaluation, and every so many lines, start a write. */
  record(line: MetricsLine): void {
    this.waiting.push(`${JSON.stringify(line)}\n`);
    this.sinceWrite += 1;
    this.bound();
    if (this.sinceWrite >= limits.metricsLinesPerWrite || line.testLoss !== undefined) void this.flush();
  }

  /** Hands what was recorded so far to the operating system. Never rejects. */
  flush(): Promise<void> {
    this.sinceWrite = 0;
    return this.enqueue(() => this.write());
  }

  /** As `flush`, and it survives a power cut. */
  sync(): Promise<void> {
    return this.enqueue(async () => {
      await this.write();
      await this.file?.sync();
    });
  }

  /** Flushes, and lets go of the file. */
  close(): Promise<void> {
    return this.enqueue(async () => {
      const write = this.write();
      await write.finally(async () => {
        await this.file?.close();
        this.file = null;
      });
    });
  }

  private enqueue(operation: () => Promise<void>): Promise<void> {
    this.last = this.last.then(operation).then(
      () => this.succeeded(),
      (error: unknown) => this.failed(error),
    );
    return this.last;
  }

  private async write(): Promise<void> {
    if (this.waiting.length === 0) return;
    this.file ??= await this.files.append(this.path);
    // A write that failed may have left the beginning of its lines.
    if (this.failing) await this.file.truncate(this.length);
    // Not those that come meanwhile: steps may be faster than the disk, and whoever waits for this would wait for ever.
    for (let left = this.waiting.length; left > 0; left -= limits.metricsLinesPerWrite) {
      await this.writeSome(this.file, Math.min(left, limits.metricsLinesPerWrite));
    }
  }

  /** Few enough lines that a disk that goes on failing costs little time. */
  private async writeSome(file: OpenFile, count: number): Promise<void> {
    const lines = this.waiting.splice(0, count);
    const bytes = Buffer.from(lines.join(''));
    try {
      await file.write(bytes);
      this.length += bytes.length;
    } catch (error) {
      this.waiting.unshift(...lines);
      this.bound();
      throw error;
    }
  }

  private bound(): void {
    const excess = this.waiting.length - limits.metricsLinesWaitingMax;
    if (excess <= 0) return;
    this.waiting.splice(0, excess);
    this.dropped += excess;
  }

  private succeeded(): void {
    this.failing = false;
    const lost = this.dropped === 0 ? '' : `, but for ${this.dropped} lines that waited for the disk for too long`;
    this.alarms.clear('metrics', `${this.path} is written again${lost}.`);
    this.dropped = 0;
  }

  private failed(error: unknown): void {
    this.failing = true;
    const remedy = 'Training goes on, and its lines wait in memory; free or repair the disk.';
    this.alarms.raise('metrics', `${this.path} cannot be written: ${describeFault(error)}. ${remedy}`);
  }
}

/** What is left of a log up to a step: whole lines, ascending, no step twice. */
export function linesUpTo(text: string, step: number): string {
  let last = 0;
  const kept = text.split('\n').filter((line) => {
    const at = stepOf(line);
    if (at === null || at <= last || at > step) return false;
    last = at;
    return true;
  });
  return kept.map((line) => `${line}\n`).join('');
}

function stepOf(line: string): number | null {
  try {
    const { step } = JSON.parse(line);
    return Number.isSafeInteger(step) ? step : null;
  } catch {
    return null;
  }
}

/** The lines of a log that was brought into order (`linesUpTo`); those that lack a step's score are left out. */
export function metricsOf(text: string): MetricsLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as MetricsLine)
    .filter(({ loss, trainAccuracy }) => Number.isFinite(loss) && Number.isFinite(trainAccuracy));
}
