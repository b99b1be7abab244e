/** Tests the dashboard of a real run with a worker. A user watches, draws digits, and takes a worker out. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lockstep, scratch, smallDataset, startCoordinator, summaryOf } from '../cli/fixture.js';
import { seriousViolations } from './accessibility.js';
import { hasChromium, launchChromium, Tab } from './chromium.js';
import { drawDigit } from './drawn-digits.js';

const timeout = 60_000;
const epochs = 25;

describe.skipIf(!hasChromium)('dashboard of a run', { timeout }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  }, timeout);
  afterAll(() => browser?.close());

  test('shows it from beginning to end, and lets its operator act without changing the weights', async () => {
    const data = smallDataset();
    const alone = join(scratch(), 'alone');
    expect((await lockstep('train', '--data', data, '--epochs', epochs, '--out', alone).ended).code).toBe(0);

    const out = join(scratch(), 'watched');
    const { url } = await startCoordinator('--data', data, '--epochs', epochs, '--out', out, '--stay');
    const { page, faults } = await Tab.open(browser, dashboardOf(out));
    await shows(page, '#phase', 'Waiting for workers');
    await page.getByRole('button', { name: 'Pause' }).click();
    lockstep('worker', url, '--threads', 1, '--name', 'first', '--kernels', 'wasm');
    await shows(page, '#fleet-rows', 'first');
    await shows(page, '#fleet-rows', 'Node, wasm');
    await shows(page, '#phase', 'Paused');
    lockstep('worker', url, '--threads', 1, '--name', 'second');
    await page.getByRole('button', { name: 'Drop second' }).click();
    await shows(page, '#confirm-text', 'bit for bit');
    await page.locator('#confirm-yes').click();
    await shows(page, '#announcement', 'hash stays the same');
    await page.getByRole('button', { name: 'Drop second' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Resume' }).click();
    await shows(page, '#phase', 'Finished');

    const { weightsSha256, steps } = summaryOf(alone);
    expect(summaryOf(out).weightsSha256).toBe(weightsSha256);
    await shows(page, '#hash', weightsSha256);
    await shows(page, '#result-text', `${steps} steps`);
    await shows(page, '#log', 'finished');

    expect(await coloursIn(page, '#chart-loss canvas')).toBeGreaterThan(20);
    await page.locator('#neurons-card').scrollIntoViewIfNeeded();
    await shows(page, '#neurons-step', `128 neurons, step ${steps}`);
    expect(await coloursIn(page, '#neurons')).toBeGreaterThan(100);
    await page.locator('#confusion-card').scrollIntoViewIfNeeded();
    await shows(page, '#confusion-note', `after step ${steps}`);
    expect(await page.locator('#mistakes li').count()).toBeGreaterThan(0);

    for (const digit of [7, 1] as const) {
      await page.getByRole('button', { name: 'Clear' }).click();
      await shows(page, '#answer', '–');
      await drawDigit(page, digit);
      await shows(page, '#answer', String(digit));
    }

    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#download-model').click()]);
    expect(readFileSync(await download.path())).toEqual(readFileSync(join(out, 'model.safetensors')));
    expect(await seriousViolations(page)).toEqual([]);
    expect(faults).toEqual([]);
  });
});

/** The link to the dashboard. The coordinator writes it into the run directory for its operator. */
function dashboardOf(run: string): string {
  return readFileSync(join(run, 'links'), 'utf8').match(/http:\S+/)![0];
}

async function shows(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).waitFor();
}

/** Number of different colours among the pixels of a canvas. */
async function coloursIn(page: Page, selector: string): Promise<number> {
  return page.evaluate(`(() => {
    const canvas = document.querySelector('${selector}');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  })()`);
}
