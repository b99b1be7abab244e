/** Nothing is lost: the real program, real sockets, real signals. `npm run chaos` does the same for longer. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { chaos } from './chaos.js';

const directory = mkdtempSync(join(tmpdir(), 'lockstep-chaos-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Of the faults; how long the rest takes is not asked. */
const seconds = 12;

test('killed, stopped, continued and resumed at seeded moments, a run is that of one quiet worker', async () => {
  const { faults, steps, weightsSha256 } = await chaos({ seed: 4, seconds, directory });
  expect(weightsSha256).toMatch(/^[0-9a-f]{64}$/);
  expect(steps).toBeGreaterThan(0);
  expect(faults.get('coordinator killed')).toBeGreaterThan(0);
}, 300_000);
