/** Opens an exported page from its file in Chromium, without a network, and draws on it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lockstep, scratch, smallDataset, summaryOf } from '../cli/fixture.js';
import { seriousViolations } from './accessibility.js';
import { hasChromium, launchChromium, Tab } from './chromium.js';
import { drawDigit } from './drawn-digits.js';

const timeout = 60_000;

describe.skipIf(!hasChromium)('an exported page', { timeout }, () => {
  let browser: Browser;
  let file: string;
  beforeAll(async () => {
    const run = join(scratch(), 'seven & one');
    mkdirSync(run);
    await lockstep('train', '--data', smallDataset(), '--epochs', 25, '--out', run).ended;
    const out = join(scratch(), 'page');
    await lockstep('export', run, '--format', 'html', '--out', out).ended;
    file = pathToFileURL(join(out, 'model.html')).href;
    browser = await launchChromium();
  }, timeout);
  afterAll(() => browser?.close());

  test.each(['light', 'dark'] as const)('says what is drawn, in %s colours', async (colorScheme) => {
    const context = await browser.newContext({ offline: true, colorScheme });
    const { page, faults } = await Tab.open(context, file);
    await page.locator('#name', { hasText: 'seven & one' }).waitFor();
    const { weightsSha256 } = summaryOf(join(scratch(), 'seven & one'));
    await page.locator('#facts', { hasText: weightsSha256 }).waitFor();
    for (const digit of [7, 1] as const) {
      await page.getByRole('button', { name: 'Clear' }).click();
      await drawDigit(page, digit);
      await page.locator('#answer', { hasText: String(digit) }).waitFor();
    }
    const meter = page.getByRole('meter', { name: 'Certainty that it is 1', exact: true });
    expect(Number(await meter.getAttribute('aria-valuenow'))).toBeGreaterThan(0.3);
    const [track, bar] = [await meter.boundingBox(), await meter.locator('span').boundingBox()];
    expect(bar!.height).toBe(track!.height);
    expect(bar!.width).toBeGreaterThan(0.3 * track!.width);
    await page.getByLabel('Hidden layers').check();
    await page.locator('#hidden-layers', { hasText: 'Layer 1: ' }).waitFor();
    await page.getByText('Layers', { exact: true }).click();
    await page.locator('#description', { hasText: 'softmaxCrossEntropy' }).waitFor();
    expect(await seriousViolations(page)).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });
});
