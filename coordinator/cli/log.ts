/** What a person or a program reads while a run goes on: pino's lines, and in a terminal a progress bar below them. */
import { Writable } from 'node:stream';
import { Presets, SingleBar } from 'cli-progress';
import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import type { LogLevel } from './options.js';

export interface Log {
  readonly logger: Logger;
  /** Present where people watch. */
  readonly bar: ProgressBar | null;
}

export interface LogConfig {
  readonly logLevel: LogLevel;
  readonly logFormat: 'auto' | 'pretty' | 'json';
}

/** JSON lines to standard output, or readable ones; a progress bar only in a terminal. */
export function createLog({ logLevel, logFormat }: LogConfig, terminal: NodeJS.WriteStream = process.stdout): Log {
  const readable = logFormat === 'pretty' || (logFormat === 'auto' && terminal.isTTY);
  if (!readable) return { logger: pino(jsonOptions(logLevel), pino.destination({ dest: 1, sync: true })), bar: null };
  const bar = terminal.isTTY && logLevel !== 'silent' ? new ProgressBar(terminal) : null;
  const lines = pretty({
    colorize: terminal.isTTY && process.env.NO_COLOR === undefined,
    hideObject: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss',
    destination: aboveBar(terminal, bar),
  });
  return { logger: pino({ level: logLevel }, lines), bar };
}

function jsonOptions(level: LogLevel) {
  return {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
}

/** Writes lines where the bar is, which is drawn again below them. */
function aboveBar(terminal: NodeJS.WriteStream, bar: ProgressBar | null): Writable {
  return new Writable({
    decodeStrings: false,
    write: (text: string, _encoding, done) => {
      bar?.clear();
      terminal.write(text);
      bar?.draw();
      done();
    },
  });
}

export class ProgressBar {
  private readonly bar: SingleBar;
  private running = false;

  constructor(private readonly terminal: NodeJS.WriteStream) {
    const format = '{title} {bar} {percentage}% | {detail} | {eta_formatted} left';
    const options = { format, stream: terminal, clearOnComplete: true, hideCursor: true, barsize: 24, etaBuffer: 200 };
    this.bar = new SingleBar(options, Presets.shades_classic);
  }

  /** `value` of `total` is done. */
  update(title: string, total: number, value: number, detail: string): void {
    if (this.running && this.bar.getTotal() !== total) this.stop();
    if (!this.running) this.bar.start(total, value, { title, detail });
    this.running = true;
    this.bar.update(value, { title, detail });
  }

  stop(): void {
    if (this.running) this.bar.stop();
    this.running = false;
  }

  clear(): void {
    if (this.running) this.terminal.write('\r\u001b[K');
  }

  draw(): void {
    if (this.running) this.bar.render();
  }
}
