/**
 * The lines of a `metrics.jsonl` that another process is writing, taken in as they come. Pure: the caller reads bytes.
 *
 * Three things may happen to the file at any time. It grows. Its last line is torn: the line is not taken before its end
 * is there. A run that is resumed cuts off the steps after its checkpoint, or puts another file in place: then the bytes
 * before the position are no longer the ones that were taken, and reading begins again at the first line.
 */
import { limits } from '../../shared/limits.js';
import type { MetricsLine } from '../archive/config.js';

export interface TailNews {
  /** The file is another one than before: what was taken from it so far is void. */
  readonly isRestarted: boolean;
  /** In ascending steps. */
  readonly lines: readonly MetricsLine[];
  /** There is nothing more to read now. */
  readonly isAtEnd: boolean;
}

/** A file that has the same bytes here still has the lines that were taken. */
const proofBytes = 128;

const newline = 0x0a;

export class MetricsTail {
  /** Bytes of the lines that were taken. */
  private position = 0;
  /** The last of these bytes. */
  private proof = new Uint8Array();
  private lastStep = 0;
  private damaged_ = 0;

  /** Where to read from: before the position, so that the bytes prove that the file is the same. */
  get readFrom(): number {
    return this.position - this.proof.length;
  }

  /** Lines that could not be understood, of this file. */
  get damaged(): number {
    return this.damaged_;
  }

  /** Takes what was read from `readFrom` on, at most `asked` bytes; no bytes where there is no file. */
  push(bytes: Uint8Array, asked: number): TailNews {
    if (!this.isSameFile(bytes)) {
      this.restart();
      return { isRestarted: true, lines: [], isAtEnd: false };
    }
    const isAtEnd = bytes.length < asked;
    const news = bytes.subarray(this.proof.length);
    const whole = news.lastIndexOf(newline) + 1;
    // No line is this long: the file is damaged here, and is read on behind it.
    const taken = whole === 0 && news.length >= limits.metricsLineBytesMax ? news.length : whole;
    if (taken === 0) return { isRestarted: false, lines: [], isAtEnd };
    this.position += taken;
    const end = this.proof.length + taken;
    this.proof = Uint8Array.from(bytes.subarray(Math.max(0, end - proofBytes), end));
    return { isRestarted: false, lines: this.linesOf(Buffer.from(news.subarray(0, taken)).toString()), isAtEnd };
  }

  private isSameFile(bytes: Uint8Array): boolean {
    return Buffer.compare(bytes.subarray(0, this.proof.length), this.proof) === 0;
  }

  private restart(): void {
    this.position = 0;
    this.proof = new Uint8Array();
    this.lastStep = 0;
    this.damaged_ = 0;
  }

  private linesOf(text: string): MetricsLine[] {
    const lines: MetricsLine[] = [];
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const parsed = parseLine(line);
      if (parsed === null || parsed.step <= this.lastStep) this.damaged_ += 1;
      else {
        this.lastStep = parsed.step;
        lines.push(parsed);
      }
    }
    return lines;
  }
}

/** Null for what is no line of a run. Another version may have more fields. */
function parseLine(text: string): MetricsLine | null {
  try {
    const line: MetricsLine = JSON.parse(text);
    return Number.isSafeInteger(line.step) && isPlain(line) ? line : null;
  } catch {
    return null;
  }
}

/** What is shown of a line is of the kind that it should be. A loss that was not finite is null in the file. */
function isPlain(line: MetricsLine): boolean {
  const { loss, trainAccuracy, testLoss = null, testAccuracy = null, weightsSha256 = '', alarms = [] } = line;
  const numbers = [line.epoch, line.samplesPerSecond, line.workers, line.bytesSent, line.bytesReceived];
  const measured = [loss, trainAccuracy, testLoss, testAccuracy];
  const hasNumbers = numbers.every(Number.isFinite) && measured.every((x) => x === null || Number.isFinite(x));
  return hasNumbers && typeof weightsSha256 === 'string' && Array.isArray(alarms);
}
