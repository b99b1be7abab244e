/** The log for people: readable lines, and in a terminal a progress bar below them. */
import { Writable } from 'node:stream';
import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import type { LogLevel } from './options.js';

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

/** Lines scroll above the bar while it is there. */
function aboveBar(terminal: NodeJS.WriteStream, bar: ProgressBar | null): Writable {
  return new Writable({
    decodeStrings: false,
    write: (text: string, _encoding, done) => {
      if (bar === null) terminal.write(text);
      else bar.write(text);
      done();
    },
  });
}

/** One line at the bottom of a terminal that shows the progress of an epoch or a download. */
export class ProgressBar {
  private readonly bars: MultiBar;
  private bar: SingleBar | null = null;
  private title = '';

  constructor(private readonly terminal: NodeJS.WriteStream) {
    const format = '{title} {bar} {percentage}% | {detail} | {eta_formatted} left';
    const options = { format, stream: terminal, clearOnComplete: true, hideCursor: true, gracefulExit: false };
    this.bars = new MultiBar({ ...options, barsize: 24, etaBuffer: 200 }, Presets.shades_classic);
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
