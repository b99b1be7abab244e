/**
 * Makes sure that only one process at a time owns a run directory. An owner keeps a file in the directory, and the name
 * of the file identifies the process.
 *
 * Each process creates its own file first and then looks for others. If two processes start together, at least one of
 * them sees the other and gives up. A file of an ended process is ignored and removed. An ended process never comes
 * back, so removing its file is always safe. The lock uses only the file's name, never its content. A name exists
 * completely or not at all, even if the process was killed while creating it.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { LockstepError } from '../../shared/errors.js';
import type { Files } from './files.js';

/** Identifies a process of a machine. No other process of that machine ever has the same identity. */
export interface ProcessIdentity {
  readonly pid: number;
  /** The time of its start, in the kernel's format. It is needed because process numbers are used again. */
  readonly start: string;
  /** The name of the machine, encoded for use in a file name. */
  readonly host: string;
}

/** The facts about processes that the lock needs. */
export interface Processes {
  readonly own: ProcessIdentity;
  /** Whether a process of this machine still runs. */
  isAlive(process: ProcessIdentity): boolean;
}

export class RunLock {
  private constructor(
    private readonly files: Files,
    private readonly path: string,
  ) {}

  /** Rejects with `run-locked` if another process owns the directory. Errors of `files` are passed on. */
  static async acquire(files: Files, directory: string, processes: Processes): Promise<RunLock> {
    const { own } = processes;
    const path = join(directory, nameOf(own));
    const file = await files.create(path);
    await file.close();
    const lock = new RunLock(files, path);
    for (const name of await files.list(directory)) {
      const owner = lockOwnerOf(name);
      if (owner === null || name === nameOf(own)) continue;
      if (owner.host === own.host && !processes.isAlive(owner)) await files.remove(join(directory, name));
      else {
        await lock.release();
        throw lockedBy(owner, own, directory, name);
      }
    }
    return lock;
  }

  async release(): Promise<void> {
    await this.files.remove(this.path);
  }
}

function lockedBy({ pid, host }: ProcessIdentity, own: ProcessIdentity, directory: string, name: string) {
  const remedy =
    host === own.host
      ? 'stop that one first, or choose another directory with --out'
      : `if it no longer runs, remove ${join(directory, name)}`;
  return new LockstepError('run-locked', `${directory} is in use by process ${pid} on ${host}: ${remedy}`);
}

function nameOf({ pid, start, host }: ProcessIdentity): string {
  return `lock.${pid}.${start}.${host}`;
}

/** The process that owns the lock file of this name, or null if the name is not that of a lock file. */
export function lockOwnerOf(name: string): ProcessIdentity | null {
  const match = /^lock\.(\d+)\.([\da-f-]+)\.(.+)$/.exec(name);
  return match && { pid: Number(match[1]), start: match[2], host: match[3] };
}

/** Stands for a start time that the system does not tell: on systems without /proc, or for other users' processes. */
const unknownStart = '0';

/** The processes of this machine. */
export const nodeProcesses: Processes = {
  own: { pid: process.pid, start: startOf(process.pid), host: encodeURIComponent(hostname()) },
  isAlive: ({ pid, start }) => exists(pid) && [start, unknownStart].includes(startOf(pid)),
};

/** The boot and the time since then at which a process started. Empty for a process that has ended (a zombie). */
function startOf(pid: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
    // The fields after the program's name are: state, …, start time. The name itself may contain spaces and brackets.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const hasEnded = fields[0] === 'Z' || fields[0] === 'X';
    return hasEnded ? '' : `${boot}-${fields[19]}`;
  } catch {
    return unknownStart;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM means that the process exists and belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
