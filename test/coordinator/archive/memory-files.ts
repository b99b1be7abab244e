/**
 * A disk in memory for tests. It can fail or be cut off at any operation. At a crash it can lose everything that was
 * not synced: bytes of files without `sync`, and names without `syncDirectory`.
 */
import { basename, dirname, join } from 'node:path';
import type { Files, OpenFile } from '../../../coordinator/archive/files.js';

/** How much of the unsynced data survives a crash. */
export type Survival = 'nothing' | 'everything' | 'chance';

export interface Operation {
  readonly kind: keyof Files | keyof OpenFile;
  readonly path: string;
}

/** The error of an operation on a disk that was cut off. All later operations fail with it too. */
export class Cut extends Error {}

interface Inode {
  /** The bytes of a file. Undefined for a directory. */
  content?: Uint8Array | undefined;
  durable?: Uint8Array | undefined;
}

/** A change of names that is not synced yet. It survives a crash as a whole or not at all, like a rename. */
interface Change {
  readonly directory: string;
  readonly names: ReadonlyMap<string, Inode | null>;
}

export function fault(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

export class MemoryFiles implements Files {
  /** Number of operations so far. */
  operations = 0;
  /**
   * The disk is cut off at the operation with this number. If it is a write, the first half of its bytes is written.
   */
  cutAt = Number.POSITIVE_INFINITY;
  /** Returns the error with which an operation fails, or null. A failing write writes the first half of its bytes. */
  failing: (operation: Operation) => Error | null = () => null;
  private changes: Change[] = [];

  constructor(
    private readonly names: Map<string, Inode> = new Map([['/', {}]]),
    private readonly durable: Map<string, Inode> = new Map(names),
  ) {}

  /** The disk as the machine finds it after a crash. `chance` returns numbers of at least 0 and below 1. */
  crash(survival: Survival, chance: () => number = Math.random): MemoryFiles {
    const names = new Map(this.durable);
    const survives = () => survival === 'everything' || (survival === 'chance' && chance() < 0.5);
    for (const change of this.changes) if (survives()) apply(names, change);
    const inodes = [...names].map(([path, inode]): [string, Inode] => [path, survivor(inode, survival, chance)]);
    return new MemoryFiles(new Map(inodes));
  }

  /** The present bytes of a file, or undefined if there is no such file. */
  content(path: string): Uint8Array | undefined {
    return this.names.get(path)?.content;
  }

  /** Replaces a file, as a user may do with another program. */
  put(path: string, content: Uint8Array): void {
    this.names.set(path, { content, durable: content });
    this.durable.set(path, this.names.get(path) as Inode);
  }

  /** The paths of all files. */
  paths(): string[] {
    return [...this.names].filter(([, inode]) => inode.content !== undefined).map(([path]) => path);
  }

  async create(path: string): Promise<OpenFile> {
    await this.begin({ kind: 'create', path });
    this.requireDirectory(path);
    const inode = this.names.get(path) ?? { durable: new Uint8Array() };
    inode.content = new Uint8Array();
    this.change(path, new Map([[path, inode]]));
    return this.open(path, inode);
  }

  async append(path: string): Promise<OpenFile> {
    await this.begin({ kind: 'append', path });
    this.requireDirectory(path);
    const inode = this.names.get(path) ?? { content: new Uint8Array(), durable: new Uint8Array() };
    if (!this.names.has(path)) this.change(path, new Map([[path, inode]]));
    return this.open(path, inode);
  }

  async read(path: string): Promise<Uint8Array> {
    await this.begin({ kind: 'read', path });
    const content = this.content(path);
    if (content === undefined) throw fault('ENOENT', path);
    return content.slice();
  }

  async list(path: string): Promise<string[]> {
    await this.begin({ kind: 'list', path });
    if (!this.names.has(path)) throw fault('ENOENT', path);
    return [...this.names.keys()]
      .filter((name) => name !== '/' && dirname(name) === path)
      .map((name) => basename(name));
  }

  async makeDirectory(path: string): Promise<void> {
    await this.begin({ kind: 'makeDirectory', path });
    if (this.names.has(path)) throw fault('EEXIST', path);
    this.requireDirectory(path);
    this.change(path, new Map([[path, {}]]));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.begin({ kind: 'rename', path: to });
    const inode = this.names.get(from);
    if (inode === undefined) throw fault('ENOENT', from);
    this.change(to, new Map([[to, inode], [from, null]])); // biome-ignore format: one change
  }

  async remove(path: string): Promise<void> {
    await this.begin({ kind: 'remove', path });
    if (this.names.has(path)) this.change(path, new Map([[path, null]]));
  }

  async syncDirectory(path: string): Promise<void> {
    await this.begin({ kind: 'syncDirectory', path });
    for (const change of this.changes) if (change.directory === path) apply(this.durable, change);
    this.changes = this.changes.filter(({ directory }) => directory !== path);
  }

  private open(path: string, inode: Inode): OpenFile {
    return {
      write: async (bytes) => {
        const put = (part: Uint8Array) => {
          inode.content = Buffer.concat([inode.content as Uint8Array, part]);
        };
        await this.begin({ kind: 'write', path }, () => put(bytes.subarray(0, bytes.length >> 1)));
        put(bytes);
      },
      truncate: async (length) => {
        await this.begin({ kind: 'truncate', path });
        inode.content = inode.content?.slice(0, length);
      },
      sync: async () => {
        await this.begin({ kind: 'sync', path });
        inode.durable = inode.content?.slice();
      },
      // Closing changes nothing, so it does not count as an operation, and it works after a fault too.
      close: async () => {},
    };
  }

  private async begin(operation: Operation, partly: () => void = () => {}): Promise<void> {
    await Promise.resolve();
    if (this.operations > this.cutAt) throw new Cut();
    this.operations += 1;
    const cut = this.operations > this.cutAt ? new Cut() : null;
    const error = cut ?? this.failing(operation);
    if (error === null) return;
    partly();
    throw error;
  }

  private change(path: string, names: ReadonlyMap<string, Inode | null>): void {
    const change = { directory: dirname(path), names };
    apply(this.names, change);
    this.changes.push(change);
  }

  private requireDirectory(path: string): void {
    if (!this.names.has(dirname(path))) throw fault('ENOENT', path);
  }
}

function apply(names: Map<string, Inode>, change: Change): void {
  for (const [path, inode] of change.names) {
    if (inode === null) names.delete(path);
    else names.set(path, inode);
  }
}

function survivor({ content, durable }: Inode, survival: Survival, chance: () => number): Inode {
  if (content === undefined) return {};
  const bytes = survivingBytes(content, durable ?? new Uint8Array(), survival, chance);
  return { content: bytes, durable: bytes };
}

/**
 * The bytes of a file after a crash. Unsynced bytes may be the old ones, the new ones, a beginning of the new ones, or
 * zeros in place of the new ones.
 */
function survivingBytes(
  content: Uint8Array,
  durable: Uint8Array,
  survival: Survival,
  chance: () => number,
): Uint8Array {
  if (survival === 'everything' || Buffer.compare(content, durable) === 0) return content.slice();
  if (survival === 'nothing') return durable.slice();
  // Bytes that were synced and have not changed since then are safe.
  const safe = commonPrefix(content, durable);
  const outcomes = [
    () => durable.slice(),
    () => content.slice(),
    () => content.slice(0, safe + Math.floor(chance() * (content.length - safe))),
    () => Buffer.concat([content.slice(0, safe), new Uint8Array(content.length - safe)]),
  ];
  return outcomes[Math.floor(chance() * outcomes.length)]();
}

function commonPrefix(a: Uint8Array, b: Uint8Array): number {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a[length] === b[length]) length++;
  return length;
}

/** A disk with one directory, which survives every crash. */
export function withDirectory(path: string): MemoryFiles {
  const names = new Map<string, Inode>([['/', {}]]);
  for (let at = path; at !== '/'; at = dirname(at)) names.set(join(at), {});
  return new MemoryFiles(names);
}
