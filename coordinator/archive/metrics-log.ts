/**
 * Writes `metrics.jsonl`. Lines are collected in memory and appended in order. If the disk fails, the run goes on: an
 * alarm reports the failure once, the lines wait in memory, and the next successful write contains all of them. If more
 * than `metricsLinesWaitingMax` lines wait, the oldest are lost.
 */
import { limits } from '../../shared/limits.js';
import { describeFault } from '../data/fault.js';
import type { Alarms } from './alarms.js';
import type { MetricsLine } from './config.js';
import type { Files, OpenFile } from './files.js';

export class MetricsLog {
  private waiting: string[] = [];
  /** Number of lines recorded since the last call of `flush`. */
  private sinceWrite = 0;
  /** The newest operation on the file. Each operation begins when the one before it has ended. Never rejects. */
  private last: Promise<void> = Promise.resolve();
  private file: OpenFile | null = null;
  private failing = false;
  private dropped = 0;

  /** `length` is the file's length in bytes. The file ends with a whole line. */
  constructor(
    private readonly files: Files,
    readonly path: string,
    private length: number,
    private readonly alarms: Alarms,
  ) {}

  /** Adds a line. A line with an evaluation starts a write, and so does every `metricsLinesPerWrite`th line. */
  record(line: MetricsLine): void {
    this.waiting.push(`${JSON.stringify(line)}\n`);
    this.sinceWrite += 1;
    this.bound();
    const isEvaluated = (line.validationLoss ?? line.testLoss) !== undefined;
    if (this.sinceWrite >= limits.metricsLinesPerWrite || isEvaluated) void this.flush();
  }

  /** Writes all recorded lines to the operating system. Never rejects. */
  flush(): Promise<void> {
    this.sinceWrite = 0;
    return this.enqueue(() => this.write());
  }

  /** Writes all recorded lines so that they survive a power cut. Never rejects. */
  sync(): Promise<void> {
    return this.enqueue(async () => {
      await this.write();
      await this.file?.sync();
    });
  }

  /** Writes all recorded lines and closes the file. Never rejects. */
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
    // A failed write may have left an incomplete line at the end of the file.
    if (this.failing) await this.file.truncate(this.length);
    // Lines that are recorded during the write wait for the next one. If steps are faster than the disk, a write that
    // included them would never end.
    for (let left = this.waiting.length; left > 0; left -= limits.metricsLinesPerWrite) {
      await this.writeSome(this.file, Math.min(left, limits.metricsLinesPerWrite));
    }
  }

  /** Writes a limited number of lines, so that each attempt on a failing disk takes little time. */
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

/** Keeps the valid lines of a log up to a step, in ascending order. Torn lines and repeated steps are left out. */
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

/** Parses a log that `linesUpTo` has cleaned. Lines without a finite loss and accuracy are left out. */
export function metricsOf(text: string): MetricsLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as MetricsLine)
    .filter(({ loss, trainAccuracy }) => Number.isFinite(loss) && Number.isFinite(trainAccuracy));
}
