/**
 * The checkpoints of a run: files `step-00000469.safetensors` in one directory, each whole or not there at all.
 *
 * Once `save` resolves, the state survives a crash of the machine. The newest three and the best are kept.
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
  /** Awaited before each write: what must be on disk before the checkpoint that implies it. */
  readonly prepare?: () => Promise<void>;
  /** Hears a sentence about what was skipped or left undone; nothing stops because of it. */
  readonly warn?: (message: string) => void;
}

interface Request {
  readonly snapshot: FrozenSnapshot;
  readonly resolve: (path: string | null) => void;
  readonly reject: (error: LockstepError) => void;
}

const namePattern = /^step-\d{8,}\.safetensors$/;

/** The name of a step's checkpoint. Names sort as steps do, by length first. */
export function checkpointName(step: number): string {
  return `step-${String(step).padStart(8, '0')}.safetensors`;
}

/** Whether a file of this name holds a checkpoint, whole or damaged. */
export function isCheckpointName(name: string): boolean {
  return namePattern.test(name);
}

/** The step of a checkpoint's name. */
export function stepOf(name: string): number {
  return Number.parseInt(name.slice('step-'.length), 10);
}

export class Checkpoints {
  private readonly files: Files;
  private readonly warn: (message: string) => void;
  /** In order: at most the newest, and before it the best where that is another. */
  private waiting: Request[] = [];
  private writing: Promise<void> | null = null;
  private best: string | null = null;
  /** Files found damaged; the next save that succeeds removes them. */
  private readonly damaged = new Set<string>();

  constructor(private readonly options: CheckpointsOptions) {
    this.files = options.files ?? nodeFiles;
    this.warn = options.warn ?? (() => {});
  }

  /**
   * Copies the snapshot before it returns, and writes it in the background. Resolves to the file's path; to null when
   * a newer one took its place while another was being written. Rejects with a `LockstepError` when it cannot be
   * written: the older checkpoints are then as they were, and a later save may succeed.
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

  /** Resolves when nothing is being written any more, whether or not it could be. */
  async settled(): Promise<void> {
    await this.writing;
  }

  /** The newest checkpoint that is whole, or null if there is none. Damaged ones are named in warnings. */
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

  /** One checkpoint. Rejects with `checkpoint-invalid`. */
  async load(name: string): Promise<Checkpoint> {
    const path = join(this.options.directory, name);
    try {
      return await decodeCheckpoint(this.options, name, await this.files.read(path));
    } catch (error) {
      throw new LockstepError('checkpoint-invalid', `Checkpoint ${path} cannot be used: ${describeFault(error)}.`);
    }
  }

  /** Names of all checkpoint files, oldest first, whole or not. */
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

  /** Removes what is neither among the newest up to `newest` nor the best. A fault here costs room, nothing else. */
  private async prune(newest: string): Promise<void> {
    try {
      await removeTemporaries(this.files, this.options.directory);
      const names = await this.names();
      // Later ones than this belong to a course that was given up because they were damaged.
      const usable = names.filter((name) => stepOf(name) <= stepOf(newest) && !this.damaged.has(name));
      const kept = new Set([...usable.slice(-limits.checkpointsKept), this.best]);
      for (const name of names) if (!kept.has(name)) await this.files.remove(join(this.options.directory, name));
    } catch (error) {
      this.warn(`Old checkpoints in ${this.options.directory} could not be removed: ${describeFault(error)}.`);
    }
  }
}
