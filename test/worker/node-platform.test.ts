import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { nodePlatform, type SpareThread, startSpareThreads } from '../../worker/node-platform.js';

/** A thread that only notes what happens to it. */
function spare(notes: string[]): SpareThread {
  const note = (what: string) => () => void notes.push(what);
  return { ref: note('ref'), on: note('on'), postMessage: note('post'), terminate: note('terminate') } as never;
}

test('threads that were started early are used first', () => {
  const notes: string[] = [];
  const platform = nodePlatform({ spares: [spare(notes)] });
  platform.spawnThread().terminate();
  expect(notes).toEqual(['ref', 'terminate']);
  platform.spawnThread().terminate();
  expect(notes).toHaveLength(2);
});

test('a thread that is not used does not keep the process alive', () => {
  const file = new URL('../../worker/node-platform.js', import.meta.url).href;
  const script = `import(${JSON.stringify(file)}).then(({ startSpareThreads }) => startSpareThreads(2))`;
  expect(spawnSync(process.execPath, ['-e', script], { timeout: 60_000 }).status).toBe(0);
});

test('an early thread tells that it has started', async () => {
  const [thread] = startSpareThreads(1);
  thread.ref();
  await new Promise<void>((resolve) => thread.on('online', resolve));
  await thread.terminate();
});
