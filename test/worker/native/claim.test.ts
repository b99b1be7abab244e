import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { claim } from '../../../worker/native/claim.js';

const directory = mkdtempSync(join(tmpdir(), 'lockstep-claim-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('one after the other owns the file, and then it is gone', async () => {
  let owners = 0;
  let most = 0;
  const work = async () => {
    const release = await claim(join(directory, 'one'));
    owners += 1;
    most = Math.max(most, owners);
    await new Promise((resolve) => setTimeout(resolve, 5));
    owners -= 1;
    await release();
  };
  await Promise.all([work(), work(), work(), work()]);
  expect(most).toBe(1);
  expect(readdirSync(directory)).toEqual([]);
});

test('a file whose owner was killed is taken over', async () => {
  writeFileSync(join(directory, 'left'), '');
  const release = await claim(join(directory, 'left'));
  await release();
  expect(readdirSync(directory)).toEqual([]);
});
