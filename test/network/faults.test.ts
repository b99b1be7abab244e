import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** From where the compiled test lies. */
const script = fileURLToPath(new URL('../../../test/network/faults.sh', import.meta.url));

const { status, stdout } = spawnSync(script, ['--able'], { encoding: 'utf8' });
const obstacle = status === 0 ? '' : ` (skipped: ${stdout.trim() || 'this system has no bash'})`;

/** Those that cost a few seconds each; the script alone makes the others as well. */
const faults = ['link-reset', 'disk-full', 'fsync-fails'];

test.skipIf(obstacle !== '')(`a fleet of three hosts survives networks and disks${obstacle}`, () => {
  const { status, stdout, stderr } = spawnSync(script, faults, { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  for (const fault of faults) expect(stdout).toMatch(new RegExp(`^${fault}: (skipped: |the weights after \\d+ )`, 'm'));
});
