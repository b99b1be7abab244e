/** The log for people: readable lines, and in a terminal a progress bar below them. */
import { Writable } from 'node:stream';
import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import type { LogLevel } from './options.js';
import { columnsUsual, wrappedText } from './wrapped.js';

/** What follows the first line of a message stands below its text, behind the time of day. */
const indent = ' '.repeat('[12:34:56] '.length);

export function createReadableLog(
  level: LogLevel,
  terminal: NodeJS.WriteStream,
): { readonly logger: Logger; readonly bar: ProgressBar | null } {
  const bar = terminal.isTTY && level !== 'silent' ? new ProgressBar(terminal) : null;
  const lines = pretty({
    colorize: terminal.isTTY && process.env.NO_COLOR === undefined,
    hideObject: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss',
    destination: aboveBar(terminal, bar),
  });
  return { logger: pino({ level }, lines), bar };
}

/** In a terminal, lines scroll above the bar while it is there, and long ones are broken between words. */
function aboveBar(terminal: NodeJS.WriteStream, bar: ProgressBar | null): Writable {
  const { isTTY } = terminal;
  return new Writable({
    decodeStrings: false,
    write: (text: string, _encoding, done) => {
      const shown = isTTY ? broken(text, terminal.columns || columnsUsual) : text;
      if (bar === null) terminal.write(shown);
      else bar.write(shown);
      done();
    },
  });
}

/** Lines of the log that are longer than the terminal is wide, each as several lines. */
function broken(lines: string, width: number): string {
  const each = lines.split('\n');
  return each.map((line) => wrappedText(line, width, indent)).join('\n');
}

/** Columns of the bar itself: what the texts beside it leave, which take up to 66 columns. */
function barSize(width: number): number {
  return Math.max(8, Math.min(24, width - 66));
}

/** One line at the bottom of a terminal that shows the progress of an epoch or a download. */
export class ProgressBar {
  private readonly bars: MultiBar;
  private bar: SingleBar | null = null;
  private title = '';

  constructor(private readonly terminal: NodeJS.WriteStream) {
    const format = '{title} {bar} {percentage}% | {detail} | {eta_formatted} left';
    const options = { format, stream: terminal, clearOnComplete: true, hideCursor: true, gracefulExit: false };
    this.bars = new MultiBar(
      { ...options, barsize: barSize(this.terminal.columns || columnsUsual), etaBuffer: 200 },
      Presets.shades_classic,
    );
  }

  /** `value` of `total` is done. A new title begins a new count. */
  update(title: string, total: number, value: number, detail: string): void {
    if (this.bar === null) this.bar = this.bars.create(total, value, { title, detail });
    else if (this.title !== title) this.bar.start(total, value, { title, detail });
    else this.bar.update(value, { title, detail });
    this.title = title;
  }

  /** Writes whole lines above the bar. */
  write(lines: string): void {
    if (this.bar === null) this.terminal.write(lines);
    else {
      this.bars.log(lines);
      this.bars.update();
    }
  }

  /** Removes the bar. */
  stop(): void {
    if (this.bar === null) return;
    this.bars.stop();
    this.bars.remove(this.bar);
    this.bars.stop();
    this.bar = null;
  }
}
