/**
 * Parses the lines of a `metrics.jsonl` while another process writes the file. Pure: the caller reads the bytes.
 *
 * Three things can happen to the file at any time:
 * - It grows.
 * - Its last line is incomplete. The line is not taken before its end is there.
 * - A resumed run cuts off the steps after its checkpoint, or replaces the file. Then the bytes before the position are
 *   no longer the bytes that were taken, and reading begins again at the first line.
 */
import { limits } from '../../shared/limits.js';
import type { MetricsLine } from '../archive/config.js';

export interface TailNews {
  /** Whether the file is not the same as before. Then all lines that were taken so far are void. */
  readonly isRestarted: boolean;
  /** The new lines, in ascending order of their steps. */
  readonly lines: readonly MetricsLine[];
  /** Whether there is nothing more to read at present. */
  readonly isAtEnd: boolean;
}

/** If the last taken bytes, up to this number, are still in their place, the file still has all taken lines. */
const proofBytes = 128;

const newline = 0x0a;

export class MetricsTail {
  /** Number of bytes that were taken. */
  private position = 0;
  /** The last of these bytes. */
  private proof = new Uint8Array();
  private lastStep = 0;
  private damaged_ = 0;

  /** The position to read from. The bytes that were already taken prove that the file is still the same. */
  get readFrom(): number {
    return this.position - this.proof.length;
  }

  /** Number of lines of this file that could not be parsed. */
  get damaged(): number {
    return this.damaged_;
  }

  /** Takes the bytes from `readFrom` on. The caller asked for `asked` bytes. Without a file, there are no bytes. */
  push(bytes: Uint8Array, asked: number): TailNews {
    if (!this.isSameFile(bytes)) {
      this.restart();
      return { isRestarted: true, lines: [], isAtEnd: false };
    }
    const isAtEnd = bytes.length < asked;
    const news = bytes.subarray(this.proof.length);
    const whole = news.lastIndexOf(newline) + 1;
    // No line is this long, so the file is damaged here. Reading goes on after these bytes.
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

/** Returns null if the text is not a line of a run. Lines of another version may have more fields. */
function parseLine(text: string): MetricsLine | null {
  try {
    const line: MetricsLine = JSON.parse(text);
    return Number.isSafeInteger(line.step) && isPlain(line) ? line : null;
  } catch {
    return null;
  }
}

/** Whether the fields that are shown have the right types. A loss that was not finite is null in the file. */
function isPlain(line: MetricsLine): boolean {
  const { loss, trainAccuracy, testLoss = null, testAccuracy = null, weightsSha256 = '', alarms = [] } = line;
  const { epoch, samplesPerSecond, workers, threads = 0, bytesSent, bytesReceived } = line;
  const numbers = [epoch, samplesPerSecond, workers, threads, bytesSent, bytesReceived];
  const measured = [loss, trainAccuracy, testLoss, testAccuracy];
  const hasNumbers = numbers.every(Number.isFinite) && measured.every((x) => x === null || Number.isFinite(x));
  return hasNumbers && typeof weightsSha256 === 'string' && Array.isArray(alarms);
}
