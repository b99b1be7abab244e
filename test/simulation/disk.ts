/**
 * The coordinator's disk: operations take time, some are under way when a process dies, and a power cut loses what was
 * not synced.
 */
import type { Files, OpenFile } from '../../coordinator/archive/files.js';
import type { Random } from '../../shared/random.js';
import { fault, type MemoryFiles, withDirectory } from '../coordinator/archive/memory-files.js';
import type { Process } from './process.js';

const operationMsMax = 8;

export class Disk {
  private platter: MemoryFiles = withDirectory('/runs');
  private isFailing = false;
  /** Whether it ever did. */
  hasFailed = false;
  /** Operations that a process waits for, the oldest first. */
  private waiting: (() => Promise<unknown>)[] = [];

  constructor(private readonly random: Random) {}

  /** While it fails, nothing can be written. */
  set failing(isFailing: boolean) {
    this.isFailing = isFailing;
    this.hasFailed ||= isFailing;
    this.arm();
  }

  /** The process that had the files is dead, perhaps in the middle of a write; in a power cut more is lost. */
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

  /** What a process sees of the disk, as long as it lives. */
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

  /** What a process that has died was waiting for never comes. */
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
