import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFiles } from '../../../coordinator/archive/files.js';
import { nodeProcesses, type Processes, type ProcessIdentity, RunLock } from '../../../coordinator/archive/lock.js';
import { fault, withDirectory } from './memory-files.js';

const directory = '/run';
const [first, second] = [1, 2].map((pid): ProcessIdentity => ({ pid, start: `b00f-${pid}`, host: 'here' }));
const elsewhere: ProcessIdentity = { pid: 1, start: 'b00f-1', host: 'there' };

/** The processes as `own` sees them, when only the processes in `alive` are running. */
function seenBy(own: ProcessIdentity, ...alive: ProcessIdentity[]): Processes {
  return { own, isAlive: ({ pid, start }) => alive.some((one) => one.pid === pid && one.start === start) };
}

const names = async (files: ReturnType<typeof withDirectory>) => (await files.list(directory)).sort();

describe('a run directory', () => {
  it('belongs to the process that came first, until that lets go', async () => {
    const files = withDirectory(directory);
    const lock = await RunLock.acquire(files, directory, seenBy(first));
    await expect(RunLock.acquire(files, directory, seenBy(second, first))).rejects.toMatchObject({
      code: 'run-locked',
      message: '/run is in use by process 1 on here: stop that one first, or choose another directory with --out',
    });
    expect(await names(files)).toEqual(['lock.1.b00f-1.here']);
    await lock.release();
    await RunLock.acquire(files, directory, seenBy(second));
    expect(await names(files)).toEqual(['lock.2.b00f-2.here']);
  });

  it('is taken over from a process that is gone, even if its number is used again', async () => {
    const files = withDirectory(directory);
    await RunLock.acquire(files, directory, seenBy(first));
    await RunLock.acquire(files, directory, seenBy(second, { ...first, start: 'b00f-77' }));
    expect(await names(files)).toEqual(['lock.2.b00f-2.here']);
  });

  it('is not taken from another machine, of whose processes nothing is known', async () => {
    const files = withDirectory(directory);
    await RunLock.acquire(files, directory, seenBy(elsewhere));
    await expect(RunLock.acquire(files, directory, seenBy(second))).rejects.toMatchObject({
      code: 'run-locked',
      message: '/run is in use by process 1 on there: if it no longer runs, remove /run/lock.1.b00f-1.there',
    });
  });

  it('may hold other files that begin so', async () => {
    const files = withDirectory(directory);
    files.put('/run/lock.txt', new Uint8Array());
    await RunLock.acquire(files, directory, seenBy(first));
    expect(await names(files)).toEqual(['lock.1.b00f-1.here', 'lock.txt']);
  });

  it('never belongs to two, in whatever order two processes go about it', async () => {
    for (let order = 0; order < 2 ** 8; order++) {
      const files = withDirectory(directory);
      const waiting: (() => void)[][] = [[], []];
      const slowed = (who: number): typeof files =>
        new Proxy(files, {
          get: (target, key: 'create' | 'list' | 'remove') => async (path: string) => {
            await new Promise<void>((resolve) => waiting[who].push(resolve));
            return target[key](path);
          },
        });
      const results = [first, second].map((own, who) =>
        RunLock.acquire(slowed(who), directory, seenBy(own, first, second)).then(
          () => 'owner',
          (error) => error.code,
        ),
      );
      for (let turn = 0; turn < 20; turn++) {
        const who = turn < 8 ? (order >> turn) & 1 : turn & 1;
        waiting[who].shift()?.();
        await new Promise(setImmediate);
      }
      const outcomes = await Promise.all(results);
      expect(outcomes.filter((outcome) => outcome === 'owner').length).toBeLessThanOrEqual(1);
      expect(outcomes).toContain('run-locked');
    }
  });

  it('is not locked where no file can be made', async () => {
    const files = withDirectory(directory);
    files.failing = ({ kind, path }) => (kind === 'create' ? fault('EROFS', path) : null);
    await expect(RunLock.acquire(files, directory, seenBy(first))).rejects.toMatchObject({ code: 'EROFS' });
  });
});

describe('processes of this machine', () => {
  it('are alive until they end, killed or not', async () => {
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);
    const own = nodeProcesses.own;
    expect(nodeProcesses.isAlive(own)).toBe(true);
    expect(nodeProcesses.isAlive({ ...own, start: `${own.start}0` })).toBe(false);
    const path = mkdtempSync(join(tmpdir(), 'lockstep-lock-'));
    const lock = await RunLock.acquire(nodeFiles, path, nodeProcesses);
    expect(readdirSync(path)).toHaveLength(1);
    await lock.release();
    expect(readdirSync(path)).toEqual([]);
    rmSync(path, { recursive: true });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(nodeProcesses.isAlive({ ...own, pid: child.pid ?? 0 })).toBe(false);
  });
});
