/** The log of the command line: JSON lines for programs, or what readable-log.ts makes for people. */
import { type Logger, pino } from 'pino';
import type { LogLevel } from './options.js';
import type { ProgressBar } from './readable-log.js';

export interface Log {
  readonly logger: Logger;
  /** Null when the output is not a terminal. */
  readonly bar: ProgressBar | null;
}

export interface LogConfig {
  readonly logLevel: LogLevel;
  readonly logFormat: 'auto' | 'pretty' | 'json';
}

/** JSON lines to standard output, or readable ones; a progress bar only in a terminal. */
export async function createLog({ logLevel, logFormat }: LogConfig): Promise<Log> {
  const terminal = process.stdout;
  if (logFormat === 'pretty' || (logFormat === 'auto' && terminal.isTTY)) {
    // Loaded here, because its libraries take 30 ms of the start, and JSON lines do not need them.
    const { createReadableLog } = await import('./readable-log.js');
    return createReadableLog(logLevel, terminal);
  }
  return { logger: pino(jsonOptions(logLevel), pino.destination({ dest: 1, sync: true })), bar: null };
}

function jsonOptions(level: LogLevel) {
  return {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
}
