/** Finds the run to view if the user names none: of all runs in a directory, the one whose files changed last. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';
import { runFileNames } from '../archive/run-directory.js';

/** The path of the newest run in `directory`. Rejects with `run-invalid` if there is none. */
export async function newestRun(directory: string): Promise<string> {
  const names = await readdir(directory).catch((): string[] => []);
  let newest: { readonly path: string; readonly changedMs: number } | null = null;
  for (const name of names.sort().slice(-limits.viewCandidatesMax)) {
    const path = join(directory, name);
    const changedMs = await changedLast(path);
    if (changedMs !== null && changedMs >= (newest?.changedMs ?? 0)) newest = { path, changedMs };
  }
  if (newest !== null) return newest.path;
  const remedy = 'name one (lockstep view RUN), or make one with lockstep train';
  throw new LockstepError('run-invalid', `there is no run in ${join(directory, '')}: ${remedy}`);
}

/** The time of the last change in milliseconds since 1970, or null if there is no run. */
async function changedLast(path: string): Promise<number | null> {
  const times = [runFileNames.config, runFileNames.metrics].map(async (name) => {
    const found = await stat(join(path, name)).catch(() => null);
    return found?.mtimeMs ?? null;
  });
  const [config, metrics] = await Promise.all(times);
  return config === null ? null : Math.max(config, metrics ?? 0);
}
