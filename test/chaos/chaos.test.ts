/**
 * The real program, with real sockets and real signals, loses nothing when processes fail. `npm run chaos` runs the
 * same test for longer.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { chaos } from './chaos.js';

const directory = mkdtempSync(join(tmpdir(), 'lockstep-chaos-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The faults take about ten seconds. With this seed, every kind of fault occurs. */
const seed = 37;
const faultsMade = 22;

test('killed, stopped, continued and resumed at seeded moments, a run is that of one quiet worker', async () => {
  const { faults, steps } = await chaos({ seed, goesOn: (made) => made < faultsMade, directory });
  expect(faults.size).toBe(9);
  expect(steps).toBeGreaterThan(0);
}, 300_000);
