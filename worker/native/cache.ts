/**
 * The directory with the addons that this user's processes have built. It holds code that will be loaded, so it must
 * belong to the user, and nobody else may write to it.
 *
 * A file's name has its key and the SHA-256 of its content. So a process can tell a whole file from a damaged one
 * before it loads it: loading a file that ends too early can crash the process.
 */
import { createHash, randomUUID } from 'node:crypto';
import { lstat, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { limits } from '../../shared/limits.js';

const BUILD_PREFIX = 'build-';
const ADDON = /^[0-9a-f]+-([0-9a-f]{64})\.node$/;

export class KernelCache {
  private constructor(readonly directory: string) {}

  /** Makes the directory if there is none. Rejects if it cannot be made, or if others can write to it. */
  static async open(directory: string): Promise<KernelCache> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const fault = await faultOf(directory);
    if (fault !== null) throw new Error(fault);
    return new KernelCache(directory);
  }

  /** The path of the whole addon with this key, or null. Damaged ones are removed. */
  async find(key: string): Promise<string | null> {
    const names = (await readdir(this.directory)).filter((name) => name.startsWith(`${key}-`)).sort();
    for (const name of names) {
      const path = join(this.directory, name);
      if (ADDON.exec(name)?.[1] === (await sha256Of(path))) return path;
      await rm(path, { force: true });
    }
    return null;
  }

  /** Moves a file that has been built to its place, in one step, and returns its path. */
  async put(key: string, built: string): Promise<string> {
    const path = join(this.directory, `${key}-${await sha256Of(built)}.node`);
    await rename(built, path);
    await rm(this.failureOf(key), { force: true });
    return path;
  }

  /** A new directory to build in: in the cache, so that its files can be moved from there in one step. */
  async makeBuildDirectory(): Promise<string> {
    return mkdtemp(join(this.directory, BUILD_PREFIX));
  }

  /** Why the last build with this key failed, if it did so a short time ago; else null. */
  async failure(key: string): Promise<{ readonly fault: string } | null> {
    const path = this.failureOf(key);
    const made = await stat(path).catch(() => null);
    if (made === null || Date.now() - made.mtimeMs > limits.buildRetryMs) return null;
    return { fault: await readFile(path, 'utf8') };
  }

  async noteFailure(key: string, why: string): Promise<void> {
    await writeFile(this.failureOf(key), why);
  }

  /**
   * What the compiler with this key said of itself, or null if it must be asked. It is asked again from time to time,
   * because its file may only start another program, which can change.
   */
  async recallVersion(key: string): Promise<string | null> {
    const path = this.versionOf(key);
    const made = await stat(path).catch(() => null);
    if (made === null || Date.now() - made.mtimeMs > limits.compilerVersionKeptMs) return null;
    return readFile(path, 'utf8');
  }

  /** In a cache that cannot be written, an addon can still be found: then the compiler is asked at every start. */
  async noteVersion(key: string, version: string): Promise<void> {
    // In one step, because another process may be reading it.
    const written = join(this.directory, `${BUILD_PREFIX}${randomUUID()}`);
    await writeFile(written, version)
      .then(() => rename(written, this.versionOf(key)))
      .catch(() => {});
  }

  /** The file that the process that builds has claimed. */
  claimOf(key: string): string {
    return join(this.directory, `${key}.claim`);
  }

  /** Removes what processes that were killed have left, and all builds but the newest. */
  async tidy(): Promise<void> {
    const entries = await Promise.all(
      (await readdir(this.directory)).map(async (name) => {
        const path = join(this.directory, name);
        return { name, path, madeMs: (await stat(path).catch(() => null))?.mtimeMs ?? 0 };
      }),
    );
    const isLeft = entries.filter(
      ({ name, madeMs }) => name.startsWith(BUILD_PREFIX) && Date.now() - madeMs > limits.buildLeftoverMs,
    );
    const files = entries.filter(({ name }) => !name.startsWith(BUILD_PREFIX)).sort((a, b) => b.madeMs - a.madeMs);
    for (const { path } of [...isLeft, ...files.slice(limits.buildsKept)]) {
      await rm(path, { recursive: true, force: true });
    }
  }

  private failureOf(key: string): string {
    return join(this.directory, `${key}.failed`);
  }

  private versionOf(key: string): string {
    return join(this.directory, `${key}.version`);
  }
}

async function sha256Of(path: string): Promise<string | null> {
  const bytes = await readFile(path).catch(() => null);
  return bytes === null ? null : createHash('sha256').update(bytes).digest('hex');
}

/** Why code may not be loaded from a directory, or null if it may. */
async function faultOf(directory: string): Promise<string | null> {
  const user = process.getuid?.();
  if (user === undefined) return null;
  const { uid, mode } = await lstat(directory);
  if (uid !== user) return `the directory ${directory} belongs to another user`;
  if ((mode & 0o077) !== 0) return `others have access to the directory ${directory}: chmod 700 it`;
  // Whoever can write to a directory above can put another one in its place, unless the sticky bit forbids it.
  for (let above = dirname(await realpath(directory)); ; above = dirname(above)) {
    const { mode } = await stat(above);
    if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0) return `everybody can write to the directory ${above}`;
    if (above === dirname(above)) return null;
  }
}
