import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** The path is relative to the compiled test in dist/. */
const script = fileURLToPath(new URL('../../../test/network/two-hosts.sh', import.meta.url));

const { status, stdout } = spawnSync(script, ['--able'], { encoding: 'utf8' });
const obstacle = status === 0 ? '' : ` (skipped: ${stdout.trim() || 'this system has no bash'})`;

test.skipIf(obstacle !== '')(
  `two machines on one network train the weights of one machine alone${obstacle}`,
  () => {
    const { status, stdout, stderr } = spawnSync(script, { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^the weights of two machines and of one: [0-9a-f]{64}\n$/);
  },
  300_000,
);
