/** Workers in real browser tabs give the same weights, even if tabs are closed, reloaded or paused. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { lockstep } from '../cli/fixture.js';
import { hasChromium, launchChromium, Tab } from './chromium.js';
import { hashAlone, serve, tokenFile } from './fixture.js';

const token = 'f00dfeedf00dfeedf00dfeedf00dfeed';
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Waits until a tab shows this state. */
function says(tab: Tab, words: string): Promise<void> {
  return tab.page.getByRole('heading', { name: words, exact: true }).waitFor();
}

/** The first number of bytes in a text: 1.23 MB. */
function bytesIn(text: string | null): number {
  const [, number, unit] = /([\d.]+) ([kMG]?B)/.exec(text ?? '') ?? [];
  return Number(number) * { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[unit as 'B'];
}

describe.skipIf(!hasChromium)('in Chromium', () => {
  let browser: Browser;
  let tabs: Tab[] = [];
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    await Promise.all(tabs.map(({ page }) => page.close()));
    tabs = [];
  });

  async function open(url: string): Promise<Tab> {
    const tab = await Tab.open(browser, url);
    tabs.push(tab);
    return tab;
  }

  test('a tab and a Node worker train together', async () => {
    const steps = 300;
    const { port, finished } = await serve(steps, '--min-workers', 2);
    const node = lockstep('worker', `ws://127.0.0.1:${port}`, '--threads', 1);
    const tab = await open(`http://127.0.0.1:${port}/join`);
    expect(await tab.page.evaluate('crossOriginIsolated')).toBe(true);
    expect(await finished()).toBe(await hashAlone(steps));
    expect(await node.ended).toMatchObject({ code: 0 });
    await says(tab, 'Done');
    expect(await tab.page.textContent('[data-figure=samples]')).not.toBe('0');
    expect(tab.faults).toEqual([]);
  });

  test('a tab is closed in the middle, and another one joins', async () => {
    const steps = 3000;
    const { coordinator, port, finished } = await serve(steps, '--min-workers', 2);
    lockstep('worker', `ws://127.0.0.1:${port}`, '--threads', 1, '--name', 'stays');
    const closed = await open(`http://127.0.0.1:${port}/join`);
    await coordinator.prints(/"step":50,/);
    await closed.page.close();
    await coordinator.prints(/Chrome[^"]* left/);
    await open(`http://127.0.0.1:${port}/join`);
    await coordinator.prints(/Chrome[^"]* joined[\s\S]*Chrome[^"]* joined/);
    expect(await finished()).toBe(await hashAlone(steps));
  });

  test('a tab that is reloaded joins again', async () => {
    const steps = 300;
    const { coordinator, port, finished } = await serve(steps);
    const tab = await open(`http://127.0.0.1:${port}/join`);
    await coordinator.prints(/"step":50,/);
    await tab.page.reload();
    expect(await finished()).toBe(await hashAlone(steps));
    expect(tab.faults).toEqual([]);
  });

  test('over plain http, without shared memory, with two threads', async () => {
    const steps = 300;
    const { coordinator, port, finished } = await serve(
      steps,
      ...['--allow-host', 'lockstep.test', '--token-file', tokenFile(token)],
    );
    const tab = await open(`http://lockstep.test:${port}/join#${token}`);
    expect(await tab.page.evaluate('crossOriginIsolated')).toBe(false);
    await tab.page.getByLabel('Cores to lend').fill('2');
    await coordinator.prints(/"threads":2,/);
    expect(await finished()).toBe(await hashAlone(steps));
    await says(tab, 'Done');
    expect(coordinator.stdout).not.toContain(token);
    // Chromium reports that it ignores the Cross-Origin-Opener-Policy header, because the address is not secure.
    expect(tab.faults.filter((fault) => !fault.includes('Cross-Origin-Opener-Policy'))).toEqual([]);
  });

  test('a page of another site lends its cores', async () => {
    const steps = 300;
    const { port, finished } = await serve(steps, '--allow-host', 'other.test');
    const example = readFileSync(new URL('../../../worker/browser/example.html', import.meta.url), 'utf8');
    const body = example.replace('http://127.0.0.1:8080/', `http://127.0.0.1:${port}/`);
    const site = createServer((_, response) => response.setHeader('content-type', 'text/html').end(body)).listen(
      0,
      '127.0.0.1',
    );
    const page = await browser.newPage();
    await page.goto(`http://other.test:${(site.address() as AddressInfo).port}/`);
    await page.getByRole('button', { name: 'Lend' }).click();
    expect(await finished()).toBe(await hashAlone(steps));
    await page.getByText('ended').waitFor();
    await page.close();
    site.close();
  });

  test('pause, other cores, leave, join again', async () => {
    const steps = 1_000_000;
    const { coordinator, port } = await serve(steps);
    const tab = await open(`http://127.0.0.1:${port}/join`);
    const press = (name: string) => tab.page.getByRole('button', { name }).click();
    await says(tab, 'Computing');
    await press('Pause');
    await says(tab, 'Paused');
    await coordinator.prints(/no workers left/);
    await press('Resume');
    await says(tab, 'Computing');
    await tab.page.getByLabel('Cores to lend').press('ArrowRight');
    await coordinator.prints(/"threads":2,/);
    await says(tab, 'Computing');
    await press('Leave');
    await says(tab, 'Left');
    await press('Join again');
    await says(tab, 'Computing');
    coordinator.process.kill('SIGKILL');
    await says(tab, 'Reconnecting');
    expect(tab.faults.filter((fault) => !fault.includes('WebSocket'))).toEqual([]);
  });

  test('a tab says how much it will send and receive, and on mobile data joins only if the visitor wants', async () => {
    const steps = 200;
    const { coordinator, port, finished } = await serve(steps);
    const context = await browser.newContext();
    await context.addInitScript("Object.defineProperty(navigator, 'connection', { value: { type: 'cellular' } })");
    const tab = await Tab.open(context, `http://127.0.0.1:${port}/join`);
    await says(tab, 'Not joined yet');
    expect(await tab.page.textContent('#sentence')).toContain('mobile data');
    const expected = bytesIn(await tab.page.textContent('#traffic'));
    expect(coordinator.stdout).not.toContain('joined');
    await tab.page.getByRole('button', { name: 'Join' }).click();
    await finished();
    await says(tab, 'Done');
    const [sent, received] = await Promise.all(
      ['sent', 'received'].map(async (name) => bytesIn(await tab.page.textContent(`[data-figure=${name}]`))),
    );
    // Zeros are not sent, so it is somewhat less than expected.
    expect((sent + received) / expected).toBeGreaterThan(0.6);
    expect((sent + received) / expected).toBeLessThan(1.1);
    await context.close();
  });

  test('a spare says why it has nothing to do', async () => {
    const { port } = await serve(1_000_000, '--batch', 16, '--micro-batch', 16, '--min-workers', 2);
    const both = [await open(`http://127.0.0.1:${port}/join`), await open(`http://127.0.0.1:${port}/join`)];
    const sentence = 'A step of this run has 1 part, and there are 2 workers';
    await Promise.race(both.map(({ page }) => page.getByText(sentence).waitFor()));
  });

  test('a wrong token is refused in a sentence', async () => {
    const { port } = await serve(10, '--token-file', tokenFile(token));
    const tab = await open(`http://127.0.0.1:${port}/join#${token.replace('f', 'a')}`);
    await says(tab, 'Refused');
    expect(await tab.page.textContent('#sentence')).toContain('asks for a token');
  });

  test('nothing stands in the way of anyone: phone and desktop, light and dark', async () => {
    const { port } = await serve(1_000_000);
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const viewport of [
        { width: 360, height: 640 },
        { width: 1280, height: 800 },
      ]) {
        const context = await browser.newContext({ colorScheme, viewport });
        const tab = await Tab.open(context, `http://127.0.0.1:${port}/join`);
        await says(tab, 'Computing');
        expect(await tab.page.evaluate(`${axe}; axe.run().then(({ violations }) => violations)`)).toEqual([]);
        expect(await tab.page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
        await context.close();
      }
    }
  });

  test('thirty tabs', async () => {
    const steps = 60;
    const small = ['--micro-batch', 4];
    const { port, finished } = await serve(steps, '--min-workers', 30, ...small);
    await Promise.all(Array.from({ length: 30 }, () => open(`http://127.0.0.1:${port}/join`)));
    expect(await finished()).toBe(await hashAlone(steps, ...small));
    expect(tabs.flatMap(({ faults }) => faults)).toEqual([]);
  });
});
