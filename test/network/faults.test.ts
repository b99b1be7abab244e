import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** The path is relative to the compiled test in dist/. */
const script = fileURLToPath(new URL('../../../test/network/faults.sh', import.meta.url));

const { status, stdout } = spawnSync(script, ['--able'], { encoding: 'utf8' });
const obstacle = status === 0 ? '' : ` (skipped: ${stdout.trim() || 'this system has no bash'})`;

/** The faults that take only a few seconds each. The script can cause further ones. */
const faults = ['link-reset', 'disk-full', 'fsync-fails'];

test.skipIf(obstacle !== '')(`a fleet of three hosts survives networks and disks${obstacle}`, () => {
  const { status, stdout, stderr } = spawnSync(script, faults, { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  for (const fault of faults) expect(stdout).toMatch(new RegExp(`^${fault}: (skipped: |the weights after \\d+ )`, 'm'));
});
