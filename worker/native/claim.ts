/**
 * Lets one process after the other do a piece of work, by a file that only one of them can make. The owner touches the
 * file while it works. If the owner is killed, the file stops changing, and another process takes over.
 *
 * What this is not: a lock to rely on. Two processes can own the file for a moment, for example when one was stopped for
 * a long time. The work must come to no harm from that.
 */
import { rm, stat, utimes, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { limits } from '../../shared/limits.js';

/** Waits until this process owns the file. Returns the function that gives it up. */
export async function claim(path: string): Promise<() => Promise<void>> {
  let lastSeen = 0;
  let looks = 0;
  while (!(await made(path))) {
    const seen = (await stat(path).catch(() => null))?.mtimeMs ?? 0;
    looks = seen === lastSeen ? looks + 1 : 0;
    lastSeen = seen;
    if (looks < limits.claimLooksMax) await delay(limits.claimLookMs);
    else await rm(path, { force: true });
  }
  return keep(path);
}

async function made(path: string): Promise<boolean> {
  try {
    await writeFile(path, '', { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function keep(path: string): () => Promise<void> {
  const touch = () => void utimes(path, new Date(), new Date()).catch(() => {});
  const timer = setInterval(touch, limits.claimTouchMs);
  return async () => {
    clearInterval(timer);
    await rm(path, { force: true });
  };
}
