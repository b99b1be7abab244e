/**
 * Reads a run directory: the configuration of the run, its progress, and the process that works on it. Each `look`
 * reads what is new. Another process may be writing the directory at the same time, so this takes no lock and writes
 * nothing.
 */
import { basename, join, resolve } from 'node:path';
import { LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';
import { isCheckpointName, stepOf } from '../archive/checkpoints.js';
import type { ConfigFile, MetricsLine } from '../archive/config.js';
import { parseConfig } from '../archive/config-file.js';
import { codeOf } from '../archive/files.js';
import { lockOwnerOf, type Processes, type ProcessIdentity } from '../archive/lock.js';
import { runFileNames } from '../archive/run-directory.js';
import { describeFault } from '../data/fault.js';
import { MetricsTail } from './metrics-tail.js';
import type { ReadableFiles } from './readable-files.js';
import { parseSummary, type ShownSummary } from './summary-file.js';

/** Receives what a look finds, in the order of the run. */
export interface LookListener {
  /** The lines so far are void, because the run was resumed at an earlier step or another run is here now. */
  restarted(): void;
  stepped(line: MetricsLine): void;
  /** A sentence about a file that cannot be read. The same sentence may be reported again. */
  faulty(message: string): void;
}

const bytesPerTurn = limits.viewBytesPerTurnMax;

export class RecordedRun {
  private config_: ConfigFile;
  private summary_: ShownSummary | null = null;
  private checkpoints_: readonly string[] = [];
  private writer_: ProcessIdentity | null = null;
  private readonly tail = new MetricsTail();
  /** For each file, the edition that was read last. A file is read again only if its edition has changed. */
  private readonly editions = new Map<string, string | null>();

  /** Rejects with `run-invalid` if there is no run, or if its configuration cannot be read. */
  static async open(path: string, files: ReadableFiles, processes: Processes): Promise<RecordedRun> {
    const file = join(path, runFileNames.config);
    try {
      const edition = await files.edition(file);
      const config = parseConfig(Buffer.from(await files.read(file)).toString(), file);
      const run = new RecordedRun(path, files, processes, config);
      run.editions.set(runFileNames.config, edition);
      return run;
    } catch (error) {
      if (error instanceof LockstepError) throw error;
      const sentence = `${path} is no run directory: ${runFileNames.config}: ${describeFault(error)}.`;
      throw new LockstepError('run-invalid', `${sentence} Name a directory that train or coordinator made.`);
    }
  }

  private constructor(
    /** The path as the user named it. */
    readonly path: string,
    readonly files: ReadableFiles,
    private readonly processes: Processes,
    config: ConfigFile,
  ) {
    this.config_ = config;
  }

  get name(): string {
    return basename(resolve(this.path));
  }

  get config(): ConfigFile {
    return this.config_;
  }

  /** Null while the run goes on, and for a run that was cut off. */
  get summary(): ShownSummary | null {
    return this.summary_;
  }

  /** The names of all checkpoints from the oldest to the newest. Some may be damaged. */
  get checkpoints(): readonly string[] {
    return this.checkpoints_;
  }

  /** The process that works on the run, or null. A process on another machine counts, because it cannot be checked. */
  get writer(): ProcessIdentity | null {
    return this.writer_;
  }

  get metricsPath(): string {
    return join(this.path, runFileNames.metrics);
  }

  /** Reads what is new. Never rejects. */
  async look(listener: LookListener): Promise<void> {
    // If one file cannot be read, the others still are.
    for (const part of [this.lookAtNames, this.lookAtConfig, this.lookAtSummary, this.lookAtMetrics]) {
      await part.call(this, listener).catch((error: unknown) => listener.faulty(sentenceOf(this.path, error)));
    }
  }

  private async lookAtNames(): Promise<void> {
    const names = await this.files.list(this.path);
    const owners = names.map(lockOwnerOf).filter((owner) => owner !== null);
    this.writer_ = owners.find((owner) => this.mayBeAlive(owner)) ?? null;
    const checkpoints = names.includes(runFileNames.checkpoints)
      ? await this.files.list(join(this.path, runFileNames.checkpoints))
      : [];
    this.checkpoints_ = checkpoints.filter(isCheckpointName).sort((a, b) => stepOf(a) - stepOf(b));
  }

  private mayBeAlive(owner: ProcessIdentity): boolean {
    return owner.host !== this.processes.own.host || this.processes.isAlive(owner);
  }

  private async lookAtConfig(): Promise<void> {
    const news = await this.news(runFileNames.config);
    if (news !== null) this.config_ = parseConfig(news.text ?? '', join(this.path, runFileNames.config));
  }

  private async lookAtSummary(): Promise<void> {
    const news = await this.news(runFileNames.summary);
    if (news === null) return;
    this.summary_ = news.text === null ? null : parseSummary(news.text, join(this.path, runFileNames.summary));
  }

  /** Null if a file has not changed since it was read last. Otherwise its text, which is null if there is no file. */
  private async news(name: string): Promise<{ readonly text: string | null } | null> {
    const path = join(this.path, name);
    const edition = await this.files.edition(path);
    if (edition === (this.editions.get(name) ?? null)) return null;
    // The edition is older than the text. So if the file changes in between, the next look reads it again.
    this.editions.set(name, edition);
    return { text: edition === null ? null : Buffer.from(await this.files.read(path)).toString() };
  }

  /** Reads and parses a limited number of bytes in each turn of the event loop. */
  private async lookAtMetrics(listener: LookListener): Promise<void> {
    for (;;) {
      const { isRestarted, lines, isAtEnd } = this.tail.push(await this.readMetrics(), bytesPerTurn);
      if (isRestarted) listener.restarted();
      for (const line of lines) listener.stepped(line);
      if (isAtEnd) break;
    }
    if (this.tail.damaged === 0) return;
    listener.faulty(`${this.metricsPath}: ${this.tail.damaged} lines are damaged and are not shown`);
  }

  private async readMetrics(): Promise<Uint8Array> {
    try {
      return await this.files.readSome(this.metricsPath, this.tail.readFrom, bytesPerTurn);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return new Uint8Array();
      throw error;
    }
  }
}

function sentenceOf(path: string, error: unknown): string {
  return error instanceof LockstepError ? error.message : `${path} cannot be read: ${describeFault(error)}`;
}
