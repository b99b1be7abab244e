/** Checks the Python worker, which was written from the pages: vectors, `lockstep conform`, and the same weights. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** The path is relative to the compiled test in dist/. */
const script = fileURLToPath(new URL('../../../test/foreign/run.sh', import.meta.url));

const { status, stdout } = spawnSync(script, ['--able'], { encoding: 'utf8' });
const obstacle = status === 0 ? '' : ` (skipped: ${stdout.trim() || 'this system has no bash'})`;

test.skipIf(obstacle !== '')(
  `a worker in Python conforms, and trains the weights of our threads${obstacle}`,
  () => {
    const { status, stdout, stderr } = spawnSync(script, { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain('The worker conforms');
    expect(stdout).toMatch(/the weights of the Python worker and of our threads: [0-9a-f]{64}\n$/);
  },
  300_000,
);
