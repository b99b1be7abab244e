/**
 * Every layer, optimizer, schedule and augmentation gives the same weights on one thread and on workers over real
 * sockets, whatever kernels they have: native ones, WebAssembly, the specification, or a tab of a browser.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Summary } from '../../coordinator/archive/config.js';
import { weightsSha256 } from '../../coordinator/archive/floats.js';
import { completeSettings } from '../../coordinator/run/settings.js';
import { setUpRun } from '../../coordinator/run/setup.js';
import type { KernelBackend } from '../../shared/arithmetic/backend.js';
import { holdOut } from '../../shared/data/dataset.js';
import { referenceTrain } from '../../shared/reference.js';
import { joinRun } from '../../worker/library.js';
import { nodePlatform } from '../../worker/node-platform.js';
import { hasChromium, launchChromium, Tab } from '../browser/chromium.js';
import { native, scalar, webAssembly } from '../shared/arithmetic/backends.js';
import { everyKind, kindsIn } from './kinds.js';
import { problems, type SmallProblem } from './problems.js';
import { datasetFor, serveProblem, trainAlone } from './serve.js';

test('no layer, optimizer, schedule or augmentation is left out, and no setting of them', () => {
  const chosen = new Set(Object.values(problems).flatMap((problem) => [...kindsIn(problem)]));
  expect(everyKind.filter((kind) => !chosen.has(kind))).toEqual([]);
});

/** The hash of the weights after each step, from a plain loop over scalar arithmetic. The index is the step. */
function referenceHashes(problem: SmallProblem, steps: number): string[] {
  const dataset = datasetFor(problem);
  const { run } = setUpRun(completeSettings(problem, null), dataset, 0);
  const { train } = holdOut(dataset.train, problem.validation ?? 0);
  const hashes = [''];
  for (const { weights } of referenceTrain({ ...run, train }, scalar)) {
    hashes.push(weightsSha256(weights));
    if (hashes.length > steps) break;
  }
  return hashes;
}

/** The workers of a fleet, by their kernels. */
const fleets: Readonly<Record<string, readonly KernelBackend[]>> = {
  ...(native !== null && { native: [native, native, native] }),
  WebAssembly: [webAssembly, webAssembly, webAssembly],
  mixed: [native ?? webAssembly, webAssembly, scalar],
};

/** Trains on these workers. */
async function trainInNode(problem: SmallProblem, backends: readonly KernelBackend[]): Promise<Summary> {
  const { port, ended } = await serveProblem(problem, backends.length);
  const workers = backends.map((backend, n) =>
    joinRun(`ws://127.0.0.1:${port}`, { threads: 1, name: `w${n}`, platform: { ...nodePlatform(), backend } }),
  );
  const [summary, ...outcomes] = await Promise.all([ended, ...workers]);
  for (const outcome of outcomes) expect(outcome).toMatchObject({ ok: true });
  return summary;
}

/** Trains in `count` tabs of a browser, and nowhere else. */
async function trainInTabs(problem: SmallProblem, browser: Browser, count: number): Promise<Summary> {
  const { port, ended } = await serveProblem(problem, count);
  const open = () => Tab.open(browser, `http://127.0.0.1:${port}/join`);
  const tabs = await Promise.all(Array.from({ length: count }, open));
  const summary = await ended;
  for (const { page, faults } of tabs) {
    await page.getByRole('heading', { name: 'Done', exact: true }).waitFor();
    expect(faults).toEqual([]);
    await page.close();
  }
  return summary;
}

/** What the fleet must not change. */
function lasting({ weightsSha256, weightsStep, steps, testLoss, validationLoss, best }: Summary) {
  return { weightsSha256, weightsStep, steps, testLoss, validationLoss, best };
}

let browser: Browser | null = null;
beforeAll(async () => {
  browser = hasChromium ? await launchChromium() : null;
});
afterAll(() => browser?.close());

describe.each(Object.entries(problems))('%s', (_, problem) => {
  let alone: ReturnType<typeof lasting>;
  beforeAll(async () => {
    alone = lasting(await trainAlone(problem, native ?? webAssembly));
  });

  test('one thread trains the weights of the scalar reference, and each step changes them', () => {
    const { steps, weightsStep, weightsSha256 } = alone;
    const hashes = referenceHashes(problem, steps);
    expect(steps).toBe(problem.batch === 0 ? 4 : 6);
    expect(new Set(hashes).size).toBe(steps + 1);
    expect(weightsSha256).toBe(hashes[weightsStep]);
  });

  test.each(Object.entries(fleets))('so do three workers: %s', async (_, backends) => {
    expect(lasting(await trainInNode(problem, backends))).toEqual(alone);
  });

  test.skipIf(!hasChromium)('so do two tabs in Chromium', async () => {
    expect(lasting(await trainInTabs(problem, browser!, 2))).toEqual(alone);
  });
});
