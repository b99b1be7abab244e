/** Opens the page of the textbook experiment from its file in Chromium, without a network, on a desktop and on a phone. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lockstep, scratch } from '../cli/fixture.js';
import { writeDigits } from '../digits-directory.js';
import { seriousViolations } from './accessibility.js';
import { hasChromium, launchChromium, Tab } from './chromium.js';

const timeout = 120_000;

describe.skipIf(!hasChromium)('the page of the textbook experiment', { timeout }, () => {
  let browser: Browser;
  let file: string;
  beforeAll(async () => {
    const data = writeDigits(join(scratch(), 'digits'), { train: 320, test: 50 });
    const out = join(scratch(), 'textbook');
    await lockstep('textbook', '--data', data, '--out', out).ended;
    file = pathToFileURL(join(out, 'index.html')).href;
    browser = await launchChromium();
  }, timeout);
  afterAll(() => browser?.close());

  test.each([
    ['light', 1280],
    ['dark', 390],
  ] as const)('is whole in %s colours, %i pixels wide', async (colorScheme, width) => {
    const context = await browser.newContext({ offline: true, colorScheme, viewport: { width, height: 800 } });
    const { page, faults } = await Tab.open(context, file);
    expect(await page.locator('figure svg[role=img]').count()).toBe(8);
    const images = page.locator('figure img');
    expect(await images.count()).toBe(2);
    expect(await page.evaluate('document.images[0].naturalWidth')).toBe(478);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(await seriousViolations(page)).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });
});
