/** Tests `lockstep view` in a browser: one run, several runs, and the message of a page whose viewer has ended. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lockstep, type Running, scratch, smallDataset, summaryOf } from '../cli/fixture.js';
import { seriousViolations } from './accessibility.js';
import { hasChromium, launchChromium, Tab } from './chromium.js';
import { drawDigit } from './drawn-digits.js';

const timeout = 60_000;

describe.skipIf(!hasChromium)('view', { timeout }, () => {
  let browser: Browser;
  let runs: string[];

  beforeAll(async () => {
    browser = await launchChromium();
    const data = smallDataset();
    runs = await Promise.all(
      [1, 2, 3].map(async (seed) => {
        const out = join(scratch(), `seed-${seed}`);
        const words = ['--data', data, '--epochs', 12, '--seed', seed, '--lr', 0.1 / seed, '--out', out];
        const { code, stderr } = await lockstep('train', '--workers', 1, ...words).ended;
        expect(code, stderr).toBe(0);
        return out;
      }),
    );
  }, timeout);
  afterAll(() => browser?.close());

  async function view(...words: string[]): Promise<{ running: Running; link: string }> {
    const running = lockstep('view', '--port', '0', ...words);
    const [link] = await running.prints(/http:\/\/\S+/);
    return { running, link };
  }

  async function open(url: string, options: BrowserContextOptions = {}): Promise<Tab> {
    return Tab.open(await browser.newContext(options), url);
  }

  test('one run has the dashboard of a live run, but for fleet, controls and the card to join by', async () => {
    const { link } = await view(runs[0]);
    const { page, faults } = await open(link);
    const { steps, weightsSha256, testAccuracy } = summaryOf(runs[0]);
    await shows(page, '#view-text', `of the files in ${runs[0]}`);
    await shows(page, '#phase', 'Finished');
    await shows(page, '#hash', weightsSha256);
    await shows(page, '#test-accuracy', `${(100 * testAccuracy!).toFixed(2)} %`);
    for (const absent of ['#join-card', '#fleet-card', '#log-card', '#controls', '#view-all']) {
      expect(await page.locator(absent).isVisible()).toBe(false);
    }
    expect(await coloursIn(page, '#chart-loss canvas')).toBeGreaterThan(20);
    await page.locator('#neurons-card').scrollIntoViewIfNeeded();
    await shows(page, '#neurons-step', `128 neurons, step ${steps}`);
    expect(await coloursIn(page, '#neurons')).toBeGreaterThan(100);
    await page.locator('#confusion-card').scrollIntoViewIfNeeded();
    await shows(page, '#confusion-note', `after step ${steps}`);
    expect(await page.locator('#mistakes li').count()).toBeGreaterThan(0);
    await drawDigit(page, 1);
    await shows(page, '#answer', '1');
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#download-model').click()]);
    expect(readFileSync(await download.path())).toEqual(readFileSync(join(runs[0], 'model.safetensors')));
    expect(await seriousViolations(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  test('says that the viewer has ended, and not the coordinator', async () => {
    const { running, link } = await view(runs[0]);
    const { page } = await open(link);
    await shows(page, '#phase', 'Finished');
    running.process.kill('SIGINT');
    expect((await running.ended).code).toBe(0);
    await shows(page, '#connection', 'This viewer has ended');
    await shows(page, '#connection', `lockstep view ${runs[0]} shows it again`);
    expect(await page.locator('#connection').textContent()).not.toContain('coordinator');
    await shows(page, '#phase', 'Finished');
  });

  test('says what to do about a run that was cut off, and about a data set that is not there', async () => {
    const cut = join(scratch(), 'cut-off');
    cpSync(runs[1], cut, { recursive: true });
    rmSync(join(cut, 'summary.json'));
    const config = JSON.parse(readFileSync(join(cut, 'config.json'), 'utf8'));
    writeFileSync(join(cut, 'config.json'), JSON.stringify({ ...config, data: '/moved/away' }));
    const { link } = await view(cut);
    const { page } = await open(link);
    await shows(page, '#phase', 'Not finished');
    await shows(page, '#result-text', `lockstep train --resume ${cut}`);
    await page.locator('#mistakes-card').scrollIntoViewIfNeeded();
    for (const note of ['#confusion-none', '#mistakes-none']) {
      await shows(page, note, 'is not on this machine');
      await shows(page, note, 'start `lockstep view` with --data DIR');
    }
  });

  test('several runs are on one chart, in a table, and a link away', async () => {
    const { link } = await view(...runs, '--host', '0.0.0.0');
    const { page, faults } = await open(link.replace(/\/\/[^:]+:/, '//127.0.0.1:'));
    for (const name of ['seed-1', 'seed-2', 'seed-3']) await shows(page, '#legend', name);
    await shows(page, '#comparison-note', 'config.json differs in optimizer.rate, seed');
    await shows(page, '#comparison-rows', `${summaryOf(runs[2]).weightsSha256.slice(0, 12)}… after step`);
    const words = () => page.locator('#chart-accuracy').getAttribute('aria-label');
    expect(await words()).toMatch(/seed-1 .*seed-2 .*seed-3 /);
    expect(await coloursIn(page, '#chart-loss canvas')).toBeGreaterThan(20);
    await page.getByRole('checkbox', { name: 'seed-2' }).uncheck();
    expect(await words()).not.toContain('seed-2');
    await page.getByRole('checkbox', { name: 'seed-2' }).check();

    await page.locator('#chart-accuracy .u-over').hover({ position: { x: 5, y: 50 } });
    await shows(page, '#cursor-step', 'by step');

    await page.getByRole('link', { name: 'seed-3' }).click();
    await shows(page, '#hash', summaryOf(runs[2]).weightsSha256);
    await page.locator('#confusion-card').scrollIntoViewIfNeeded();
    await page.locator('#mistakes li').first().waitFor();
    expect(page.url()).toMatch(/\/runs\/2\/$/);
    await page.getByRole('link', { name: 'Compare all 3 runs' }).click();
    await shows(page, '#count', '3 runs');
    expect(page.url()).toMatch(/:\d+\/$/);
    expect(faults).toEqual([]);
  });

  test('the page of several runs says that the viewer has ended, and asks for a token that it lacks', async () => {
    const { running, link } = await view(...runs, '--host', '0.0.0.0');
    const url = link.replace(/\/\/[^:]+:/, '//127.0.0.1:');
    const { page } = await open(url.split('#')[0]);
    await page.getByLabel('These runs are private').fill(link);
    await page.getByRole('button', { name: 'Look' }).click();
    await shows(page, '#legend', 'seed-1');
    running.process.kill('SIGINT');
    await shows(page, '#connection', 'This viewer has ended');
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const viewport of [
      { width: 1440, height: 900 },
      { width: 360, height: 740 },
    ]) {
      test(`axe finds nothing serious, ${colorScheme}, ${viewport.width} pixels wide; nothing sticks out`, async () => {
        const { link, running } = await view(...runs, join(scratch(), 'nowhere'));
        const { page, faults } = await open(link, { colorScheme, viewport });
        await shows(page, '#comparison-rows', 'is no run directory');
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(viewport.width);
        expect(await seriousViolations(page)).toEqual([]);
        await page.getByRole('link', { name: 'seed-1' }).click();
        await shows(page, '#phase', 'Finished');
        await shows(page, '#view-all', 'Compare all 4 runs');
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(viewport.width);
        expect(await seriousViolations(page)).toEqual([]);
        expect(faults).toEqual([]);
        running.process.kill('SIGINT');
        await running.ended;
      });
    }
  }
});

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
