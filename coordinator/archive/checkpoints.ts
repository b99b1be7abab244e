/**
 * The checkpoints of a run: files such as `step-00000469.safetensors` in one directory. A file appears there only once
 * it is complete.
 *
 * Once `save` resolves, the state survives a crash of the machine. The newest three checkpoints and the best one are
 * kept.
 */
import { join } from 'node:path';
import { LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';
import { describeFault } from '../data/fault.js';
import {
  type Checkpoint,
  type CheckpointOwner,
  decodeCheckpoint,
  encodeCheckpoint,
  type FrozenSnapshot,
  freeze,
  type Snapshot,
} from './checkpoint-file.js';
import { atomicWrite, ensureDirectory, type Files, listIfThere, nodeFiles, removeTemporaries } from './files.js';

export interface CheckpointsOptions extends CheckpointOwner {
  readonly directory: string;
  readonly files?: Files;
  /** Runs before each write. The checkpoint is written only after everything that it depends on is on the disk. */
  readonly prepare?: () => Promise<void>;
  /** Receives a sentence about a file that was skipped or could not be removed. Nothing stops because of it. */
  readonly warn?: (message: string) => void;
}

interface Request {
  readonly snapshot: FrozenSnapshot;
  readonly resolve: (path: string | null) => void;
  readonly reject: (error: LockstepError) => void;
}

const namePattern = /^step-\d{8,}\.safetensors$/;

/** The name of the checkpoint of a step. */
export function checkpointName(step: number): string {
  return `step-${String(step).padStart(8, '0')}.safetensors`;
}

/** Whether a file of this name is a checkpoint. The file itself may be damaged. */
export function isCheckpointName(name: string): boolean {
  return namePattern.test(name);
}

/** The step in the name of a checkpoint. */
export function stepOf(name: string): number {
  return Number.parseInt(name.slice('step-'.length), 10);
}

export class Checkpoints {
  private readonly files: Files;
  private readonly warn: (message: string) => void;
  /** At most two requests, in the order of their steps: the best one, if it is not the newest, and the newest one. */
  private waiting: Request[] = [];
  private writing: Promise<void> | null = null;
  private best: string | null = null;
  /** Names of damaged files. The next successful save removes them. */
  private readonly damaged = new Set<string>();

  constructor(private readonly options: CheckpointsOptions) {
    this.files = options.files ?? nodeFiles;
    this.warn = options.warn ?? (() => {});
  }

  /**
   * Copies the snapshot before it returns, and writes the copy in the background. Resolves to the path of the file, or
   * to null if a newer snapshot replaced this one while it waited for the disk. Rejects with a `LockstepError` if the
   * file cannot be written. In that case the older checkpoints are unchanged, and a later save may succeed.
   */
  save(snapshot: Snapshot): Promise<string | null> {
    const frozen = freeze(snapshot);
    return new Promise((resolve, reject) => {
      const kept = this.waiting.filter((request) => request.snapshot.best && !frozen.best);
      for (const request of this.waiting) if (!kept.includes(request)) request.resolve(null);
      this.waiting = [...kept, { snapshot: frozen, resolve, reject }];
      this.writing ??= this.writeWaiting();
    });
  }

  /** Resolves when all waiting requests have been written or have failed. */
  async settled(): Promise<void> {
    await this.writing;
  }

  /** Loads the newest complete checkpoint, or null if there is none. Each damaged checkpoint gives a warning. */
  async loadNewest(): Promise<Checkpoint | null> {
    let newest: Checkpoint | null = null;
    for (const name of (await this.names()).reverse()) {
      const checkpoint: Checkpoint | null = await this.loadOrWarn(name);
      newest ??= checkpoint;
      if (!checkpoint?.best) continue;
      this.best = name;
      break;
    }
    return newest;
  }

  /** Loads the best checkpoint that `loadNewest` has found. Null if there was none, or if it is damaged by now. */
  async loadBest(): Promise<Checkpoint | null> {
    return this.best === null ? null : this.loadOrWarn(this.best);
  }

  /** Loads one checkpoint. Rejects with `checkpoint-invalid`. */
  async load(name: string): Promise<Checkpoint> {
    const path = join(this.options.directory, name);
    try {
      return await decodeCheckpoint(this.options, name, await this.files.read(path));
    } catch (error) {
      throw new LockstepError('checkpoint-invalid', `Checkpoint ${path} cannot be used: ${describeFault(error)}.`);
    }
  }

  /** The names of all checkpoint files, damaged ones included, oldest first. */
  async names(): Promise<string[]> {
    const names = await listIfThere(this.files, this.options.directory);
    return names.filter(isCheckpointName).sort((a, b) => stepOf(a) - stepOf(b));
  }

  private async loadOrWarn(name: string): Promise<Checkpoint | null> {
    try {
      return await this.load(name);
    } catch (error) {
      this.damaged.add(name);
      this.warn(`${describeFault(error)} The one before it is tried.`);
      return null;
    }
  }

  private async writeWaiting(): Promise<void> {
    for (let request = this.waiting.shift(); request !== undefined; request = this.waiting.shift()) {
      try {
        request.resolve(await this.write(request.snapshot));
      } catch (error) {
        request.reject(this.unwritable(request.snapshot, error));
      }
    }
    this.writing = null;
  }

  private async write(snapshot: FrozenSnapshot): Promise<string> {
    const { directory, prepare } = this.options;
    const name = checkpointName(snapshot.position.step);
    const best = snapshot.best || name === this.best;
    const path = join(directory, name);
    const parts = await encodeCheckpoint(this.options, { ...snapshot, best });
    await prepare?.();
    await ensureDirectory(this.files, directory);
    await atomicWrite(this.files, path, parts);
    this.damaged.delete(name);
    if (best) this.best = name;
    await this.prune(name);
    return path;
  }

  private unwritable({ position }: FrozenSnapshot, error: unknown): LockstepError {
    return new LockstepError(
      'output-unwritable',
      `The checkpoint of step ${position.step} could not be written to ${this.options.directory}: ` +
        `${describeFault(error)}. Training goes on, and earlier checkpoints are untouched; free or repair the disk.`,
    );
  }

  /**
   * Removes every checkpoint except the best one and the newest ones up to `newest`. If that fails, the only cost is
   * disk space.
   */
  private async prune(newest: string): Promise<void> {
    try {
      await removeTemporaries(this.files, this.options.directory);
      const names = await this.names();
      // Checkpoints of later steps are damaged: the run was resumed from an earlier one because of that.
      const usable = names.filter((name) => stepOf(name) <= stepOf(newest) && !this.damaged.has(name));
      const kept = new Set([...usable.slice(-limits.checkpointsKept), this.best]);
      for (const name of names) if (!kept.has(name)) await this.files.remove(join(this.options.directory, name));
    } catch (error) {
      this.warn(`Old checkpoints in ${this.options.directory} could not be removed: ${describeFault(error)}.`);
    }
  }
}
