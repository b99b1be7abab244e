/**
 * One process at a time owns a run directory: an owner has a file there whose name says who it is.
 *
 * Each process makes its own file first and looks for others afterwards, so that of two that start together at least
 * one sees the other and gives up. A file of a process that is gone counts for nothing, and is removed: that a process
 * is gone never becomes untrue again, so there is no moment at which a live one's file could be taken away. Nothing
 * but the name is relied upon, and a name is there as a whole or not at all, whenever a process was killed.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { LockstepError } from '../../shared/errors.js';
import type { Files } from './files.js';

/** A process, distinct from any other of its machine, now or ever. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it was started, in the kernel's words: process numbers are used again. */
  readonly start: string;
  /** As it may stand in a file's name. */
  readonly host: string;
}

/** What must be known of processes. */
export interface Processes {
  readonly own: ProcessIdentity;
  /** Of one on this machine. */
  isAlive(process: ProcessIdentity): boolean;
}

export class RunLock {
  private constructor(
    private readonly files: Files,
    private readonly path: string,
  ) {}

  /** Rejects with `run-locked` where another process owns the directory, and as `files` does. */
  static async acquire(files: Files, directory: string, processes: Processes): Promise<RunLock> {
    const { own } = processes;
    const path = join(directory, nameOf(own));
    const file = await files.create(path);
    await file.close();
    const lock = new RunLock(files, path);
    for (const name of await files.list(directory)) {
      const owner = ownerOf(name);
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

/** The process whose file in a run directory has this name; null for a file that is no lock. */
export function ownerOf(name: string): ProcessIdentity | null {
  const match = /^lock\.(\d+)\.([\da-f-]+)\.(.+)$/.exec(name);
  return match && { pid: Number(match[1]), start: match[2], host: match[3] };
}

/** Where the system does not say, or not of other users' processes. */
const unknownStart = '0';

/** The machine's own. */
export const nodeProcesses: Processes = {
  own: { pid: process.pid, start: startOf(process.pid), host: encodeURIComponent(hostname()) },
  isAlive: ({ pid, start }) => exists(pid) && [start, unknownStart].includes(startOf(pid)),
};

/** Which boot, and how long after it; empty for a process that has ended and that nobody has taken notice of yet. */
function startOf(pid: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
    // The fields after the program's name, which may have spaces and brackets in it: state, …, start time.
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
    // Another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
