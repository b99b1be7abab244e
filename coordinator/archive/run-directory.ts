/**
 * The directory of a run. It contains `config.json`, `metrics.jsonl` and `checkpoints/`. At the end of the run,
 * `model.safetensors` and `summary.json` are added. A lock makes sure that only one process at a time owns the
 * directory.
 */
import { join } from 'node:path';
import { assert } from '../../shared/assert.js';
import { LockstepError } from '../../shared/errors.js';
import { describeFault } from '../data/fault.js';
import type { Position } from '../run/trainer.js';
import { Alarms } from './alarms.js';
import type { ArchiveEvent } from './archive-event.js';
import { ownerOf, type Snapshot } from './checkpoint-file.js';
import { Checkpoints } from './checkpoints.js';
import type { ConfigFile, MetricsLine, Summary } from './config.js';
import { parseConfig } from './config-file.js';
import { atomicWrite, ensureDirectory, type Files, listIfThere, nodeFiles, removeTemporaries } from './files.js';
import { littleEndianBytes } from './floats.js';
import { nodeProcesses, type Processes, RunLock } from './lock.js';
import { linesUpTo, MetricsLog, metricsOf } from './metrics-log.js';
import { encodeModel } from './model-file.js';

/** The means of a run directory. By default it uses the files and processes of this machine, and reports no events. */
export interface RunDirectoryMeans {
  readonly files?: Files;
  readonly processes?: Processes;
  readonly emit?: (event: ArchiveEvent) => void;
}

/** The names of the files in a run directory. */
export const runFileNames = {
  config: 'config.json',
  metrics: 'metrics.jsonl',
  checkpoints: 'checkpoints',
  model: 'model.safetensors',
  summary: 'summary.json',
} as const;

export class RunDirectory {
  readonly checkpoints: Checkpoints;
  readonly alarms: Alarms;
  private metrics: MetricsLog | null = null;

  /**
   * Creates the directory of a new run. Rejects with `output-unwritable`, with `run-locked`, or with `output-taken` if
   * the directory already holds a run.
   */
  static async create(path: string, config: ConfigFile, means: RunDirectoryMeans = {}): Promise<RunDirectory> {
    const files = means.files ?? nodeFiles;
    return writable(path, async () => {
      await ensureDirectory(files, path);
      return owning(path, files, means, async (lock) => {
        await refuseIfTaken(path, files);
        const run = new RunDirectory(path, config, lock, means);
        await run.writeJson(runFileNames.config, config);
        await atomicWrite(files, join(path, runFileNames.metrics), []);
        await ensureDirectory(files, join(path, runFileNames.checkpoints));
        run.metrics = run.metricsFrom(0);
        return run;
      });
    });
  }

  /** Whether the directory holds a run. The run may be damaged. */
  static async isThere(path: string, files: Files = nodeFiles): Promise<boolean> {
    return (await listIfThere(files, path).catch((): string[] => [])).includes(runFileNames.config);
  }

  /**
   * Opens the directory of an existing run. Call `resumeMetrics` before the first `record`. Rejects with `run-invalid`
   * or `run-locked`.
   */
  static async open(path: string, means: RunDirectoryMeans = {}): Promise<RunDirectory> {
    const files = means.files ?? nodeFiles;
    try {
      const load = async (lock: RunLock) => new RunDirectory(path, await readConfig(path, files), lock, means);
      return await owning(path, files, means, load);
    } catch (error) {
      if (error instanceof LockstepError) throw error;
      throw new LockstepError('run-invalid', `${path} holds no run that could be resumed: ${describeFault(error)}.`);
    }
  }

  private readonly files: Files;
  private readonly emit: (event: ArchiveEvent) => void;

  private constructor(
    readonly path: string,
    readonly config: ConfigFile,
    private readonly lock: RunLock,
    means: RunDirectoryMeans,
  ) {
    this.files = means.files ?? nodeFiles;
    this.emit = means.emit ?? (() => {});
    this.alarms = new Alarms({
      raised: (alarm, message) => this.emit({ type: 'alarm-raised', alarm, message }),
      cleared: (alarm, message) => this.emit({ type: 'alarm-cleared', alarm, message }),
    });
    this.checkpoints = new Checkpoints({
      directory: join(path, runFileNames.checkpoints),
      ...ownerOf(config),
      files: this.files,
      warn: (message) => this.emit({ type: 'checkpoint-trouble', message }),
      // A run that resumes from this checkpoint must find all lines up to its step.
      prepare: async () => this.metrics?.sync(),
    });
  }

  /**
   * Adds a line to metrics.jsonl. It is written, at the latest, with the next evaluation or `flush`. A failure raises an
   * alarm.
   */
  record(line: MetricsLine): void {
    assert(this.metrics !== null, 'metrics recorded before they were resumed');
    this.metrics.record(line);
  }

  /** The path of metrics.jsonl. The newest lines may be missing from the file until `flush` has resolved. */
  get metricsPath(): string {
    return join(this.path, runFileNames.metrics);
  }

  /** Reads the lines that metrics.jsonl holds: after opening, those recorded before this process resumed the run. */
  async history(): Promise<MetricsLine[]> {
    return metricsOf(Buffer.from(await this.files.read(this.metricsPath)).toString());
  }

  /** Resolves when the lines recorded so far have been written or could not be written. */
  async flush(): Promise<void> {
    await this.metrics?.flush();
  }

  /**
   * Copies the vectors before it returns, and writes a checkpoint in the background. A failure raises an alarm, and
   * training goes on. `standing` is the rest of the snapshot.
   */
  checkpoint(
    position: Position,
    weights: Float32Array,
    vectors: readonly Float32Array[],
    standing: Pick<Snapshot, 'state' | 'best'>,
  ): void {
    this.checkpoints.save({ position, weights, vectors, ...standing }).then(
      (path) => {
        // Null means that a newer checkpoint replaced this one. The newer one reports its own result.
        if (path === null) return;
        this.alarms.clear('checkpoints', `Checkpoints are written again: ${path}.`);
        this.emit({ type: 'checkpointed', step: position.step, path });
      },
      (error: unknown) => this.alarms.raise('checkpoints', describeFault(error)),
    );
  }

  /** Whether the run has come to its end. The summary of a run that was interrupted says that it has not. */
  async isFinished(): Promise<boolean> {
    if (!(await this.files.list(this.path)).includes(runFileNames.summary)) return false;
    const text = Buffer.from(await this.files.read(join(this.path, runFileNames.summary))).toString();
    return !/"stopReason": *"interrupted"/.test(text);
  }

  /**
   * Prepares the directory for a run that resumes after `step`. Removes later lines and incomplete lines from
   * metrics.jsonl, so that each step will be there once. Removes summary.json, because the run has not ended any more.
   */
  async resumeMetrics(step: number): Promise<void> {
    await writable(this.path, async () => {
      // In a copy of config.json alone, the run begins again.
      await ensureDirectory(this.files, join(this.path, runFileNames.checkpoints));
      await removeTemporaries(this.files, this.path);
      await this.files.remove(join(this.path, runFileNames.summary));
      const path = join(this.path, runFileNames.metrics);
      const text = (await listIfThere(this.files, this.path)).includes(runFileNames.metrics)
        ? Buffer.from(await this.files.read(path)).toString()
        : null;
      const kept = Buffer.from(linesUpTo(text ?? '', step));
      if (text !== kept.toString()) await atomicWrite(this.files, path, [kept]);
      this.metrics = this.metricsFrom(kept.length);
    });
  }

  /** Replaces config.json. A resumed run may have other options, such as more epochs. */
  async writeConfig(config: ConfigFile): Promise<void> {
    await writable(this.path, () => this.writeJson(runFileNames.config, config));
  }

  /** Writes model.safetensors: the weights alone, for other programs. Resolves to the path of the file. */
  async writeModel(weights: Float32Array): Promise<string> {
    const path = join(this.path, runFileNames.model);
    const parts = await encodeModel(this.config, littleEndianBytes(weights));
    await writable(this.path, () => atomicWrite(this.files, path, parts));
    return path;
  }

  /** Ends the run: waits for pending writes, writes the model and the summary, and releases the directory. */
  async finish(summary: Summary, weights: Float32Array): Promise<void> {
    await this.settled();
    await this.writeModel(weights);
    await writable(this.path, () => this.writeJson(runFileNames.summary, summary));
    await this.lock.release();
  }

  /** Waits for pending writes of checkpoints and metrics, and releases the directory. */
  async close(): Promise<void> {
    await this.settled();
    await this.lock.release();
  }

  private async settled(): Promise<void> {
    await this.checkpoints.settled();
    await this.metrics?.close();
  }

  private metricsFrom(length: number): MetricsLog {
    return new MetricsLog(this.files, join(this.path, runFileNames.metrics), length, this.alarms);
  }

  private writeJson(name: string, content: unknown): Promise<void> {
    return atomicWrite(this.files, join(this.path, name), [Buffer.from(`${JSON.stringify(content, null, 2)}\n`)]);
  }
}

/** Locks the directory and runs `operation`. If `operation` fails, the lock is released. */
async function owning<T>(
  path: string,
  files: Files,
  means: RunDirectoryMeans,
  operation: (lock: RunLock) => Promise<T>,
) {
  const lock = await RunLock.acquire(files, path, means.processes ?? nodeProcesses);
  try {
    return await operation(lock);
  } catch (error) {
    await lock.release().catch(() => {});
    throw error;
  }
}

async function refuseIfTaken(path: string, files: Files): Promise<void> {
  const present = await files.list(path);
  const taken = Object.values<string>(runFileNames).find((name) => present.includes(name));
  if (taken === undefined) return;
  const sentence = `${path} holds another run (it has a ${taken}). Choose another directory with --out.`;
  throw new LockstepError('output-taken', sentence);
}

/** Runs `operation`, and turns an error of the file system into a `LockstepError` with a clear sentence. */
async function writable<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    const sentence = `The output directory ${path} cannot be written: ${describeFault(error)}.`;
    throw new LockstepError('output-unwritable', `${sentence} Choose another directory with --out.`);
  }
}

async function readConfig(path: string, files: Files): Promise<ConfigFile> {
  const file = join(path, runFileNames.config);
  try {
    return parseConfig(Buffer.from(await files.read(file)).toString(), file);
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    const sentence = `${path} holds no run that could be resumed: ${runFileNames.config}: ${describeFault(error)}.`;
    throw new LockstepError('run-invalid', sentence);
  }
}
