/**
 * The coordinator's simulated disk. Operations take time, so a process may die during one. A power cut loses data that
 * was not synced.
 */
import type { Files, OpenFile } from '../../coordinator/archive/files.js';
import type { Random } from '../../shared/random.js';
import { fault, type MemoryFiles, withDirectory } from '../coordinator/archive/memory-files.js';
import type { Process } from './process.js';

const operationMsMax = 8;

export class Disk {
  private platter: MemoryFiles = withDirectory('/runs');
  private isFailing = false;
  /** Whether the disk has ever failed. */
  hasFailed = false;
  /** The unfinished operations, from the oldest to the newest. */
  private waiting: (() => Promise<unknown>)[] = [];

  constructor(private readonly random: Random) {}

  /** While the disk is failing, every write is refused because the disk is full. */
  set failing(isFailing: boolean) {
    this.isFailing = isFailing;
    this.hasFailed ||= isFailing;
    this.arm();
  }

  /** The process has died, perhaps in the middle of a write. A power cut also loses some of the unsynced data. */
  async crash(powerCut: boolean): Promise<void> {
    const { platter, random } = this;
    platter.cutAt = platter.operations;
    await this.waiting
      .shift()?.()
      .catch(() => {});
    this.waiting = [];
    this.platter = platter.crash(powerCut ? 'chance' : 'everything', () => random.uniform());
    this.arm();
  }

  content(path: string): Uint8Array | undefined {
    return this.platter.content(path);
  }

  /** The file operations of one process. They stop when the process dies. */
  filesFor(process: Process): Files {
    const { platter } = this;
    const later = <T>(operation: () => Promise<T>) => this.later(process, operation);
    const opened = (file: OpenFile): OpenFile => ({
      write: (bytes) => later(() => file.write(bytes)),
      truncate: (length) => later(() => file.truncate(length)),
      sync: () => later(() => file.sync()),
      close: () => file.close(),
    });
    return {
      create: (path) => later(() => platter.create(path).then(opened)),
      append: (path) => later(() => platter.append(path).then(opened)),
      read: (path) => later(() => platter.read(path)),
      list: (path) => later(() => platter.list(path)),
      makeDirectory: (path) => later(() => platter.makeDirectory(path)),
      rename: (from, to) => later(() => platter.rename(from, to)),
      remove: (path) => later(() => platter.remove(path)),
      syncDirectory: (path) => later(() => platter.syncDirectory(path)),
    };
  }

  /** Performs an operation after a delay. If the process dies before that, the promise stays unsettled. */
  private later<T>(process: Process, operation: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const perform = () => operation().then(resolve, reject);
      this.waiting.push(perform);
      process.after(this.random.uniform() * operationMsMax, () => {
        this.waiting = this.waiting.filter((other) => other !== perform);
        void perform();
      });
    });
  }

  private arm(): void {
    const refused = new Set(['create', 'append', 'write', 'sync', 'makeDirectory', 'syncDirectory']);
    this.platter.failing = ({ kind, path }) => (this.isFailing && refused.has(kind) ? fault('ENOSPC', path) : null);
  }
}
