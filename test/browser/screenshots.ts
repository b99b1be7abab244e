/**
 * Takes the README's pictures. They show real runs on the data set in DATA: a coordinator with a Node worker and two
 * tabs, and a view of three runs.
 *
 *     node dist/test/browser/screenshots.js DATA OUT
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from './chromium.js';
import { drawDigit } from './drawn-digits.js';

const [data, out] = process.argv.slice(2);
const program = fileURLToPath(new URL('../../coordinator/cli/main.js', import.meta.url));
const desktop = { width: 1440, height: 900 };
/** Tall enough for the whole page. Parts of a page are updated only while they are visible. */
const tall = { width: 1440, height: 2090 };
const phone = { width: 390, height: 844 };

const directory = mkdtempSync(join(tmpdir(), 'lockstep-pictures-'));
const run = join(directory, 'mnist-mlp');
const children: ChildProcess[] = [
  start('coordinator', '--threads', '0', '--data', data, '--port', '0', '--epochs', '40', '--out', run, '--stay'),
];
const browser = await launchChromium();
try {
  const links = join(run, 'links');
  while (!existsSync(links)) await delay(100);
  await delay(200);
  const [dashboard, page] = readFileSync(links, 'utf8').match(/http:\S+/g)!;
  const [address] = readFileSync(links, 'utf8').match(/ws:\S+[^'\s]/)!;
  await takePictures(browser, dashboard, page, address);
  await takeComparison(browser);
} finally {
  await browser.close();
  for (const child of children) child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
}

async function takePictures(browser: Browser, dashboard: string, join: string, address: string): Promise<void> {
  const light = await open(browser, dashboard, 'light', tall);
  const dark = await open(browser, dashboard, 'dark', tall);
  await light.getByRole('button', { name: 'Pause' }).click();
  const tabs = [await open(browser, join, 'light', phone), await open(browser, join, 'dark', desktop)];
  children.push(start('worker', address, '--threads', '1', '--name', 'workstation'));
  await light.locator('#fleet-rows', { hasText: 'workstation' }).waitFor();
  await light.getByRole('button', { name: 'Resume' }).click();
  for (const page of [light, dark]) {
    await light.locator('#progress-note', { hasText: /epoch ([2-9]|10) of/ }).waitFor({ timeout: 120_000 });
    await drawDigit(page, 7);
    await page.locator('#answer', { hasText: '7' }).waitFor();
    await page.locator('#mistakes li').first().waitFor();
    await page.evaluate('document.activeElement.blur()');
  }
  // In the middle of an epoch, because the throughput of the last second is lower after an evaluation.
  await light.locator('#progress-note', { hasText: /step (1,[6-8]|[2-9],|\d\d,)\d+ of/ }).waitFor({ timeout: 120_000 });
  await take(light, 'dashboard-light');
  await take(dark, 'dashboard-dark');
  await take(tabs[0], 'join-phone');
  await take(tabs[1], 'join-desktop');
}

/** Trains with three learning rates, and takes a picture of the comparison. */
async function takeComparison(browser: Browser): Promise<void> {
  const runs: string[] = [];
  for (const rate of ['0.01', '0.1', '0.3']) {
    const path = join(directory, `rate-${rate}`);
    const words = ['--data', data, '--lr', rate, '--epochs', '4', '--eval-every', '100', '--out', path];
    await once(start('train', ...words), 'exit');
    runs.push(path);
  }
  const view = spawn(process.execPath, [program, 'view', ...runs, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(view);
  const [text] = (await once(view.stdout, 'data')) as [Buffer];
  const page = await open(browser, text.toString().match(/http:\S+/)![0], 'light', { width: 1440, height: 790 });
  await page.locator('#comparison-rows', { hasText: 'Finished' }).waitFor();
  await take(page, 'comparison-light');
}

async function open(
  browser: Browser,
  url: string,
  colorScheme: 'light' | 'dark',
  viewport: typeof phone,
): Promise<Page> {
  const page = await (await browser.newContext({ colorScheme, viewport })).newPage();
  await page.goto(url);
  return page;
}

async function take(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(out, `${name}.jpg`), type: 'jpeg', quality: 85 });
}

function start(...words: string[]) {
  return spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
}
