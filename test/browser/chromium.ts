/** Starts Debian's Chromium if it is installed, and opens the tabs of the tests in it. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

export const chromiumPath = '/usr/bin/chromium';

/** If this is false, the tests of this folder are skipped. */
export const hasChromium = existsSync(chromiumPath);

export const chromiumArguments = [
  '--no-sandbox',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  // Under these names, a page over plain HTTP is not a secure context. Under 127.0.0.1 it would be one.
  '--host-resolver-rules=MAP lockstep.test 127.0.0.1, MAP other.test 127.0.0.1',
];

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath, args: chromiumArguments, headless: true });
}

/** A page that collects its faults: errors on the console, exceptions, and requests to other hosts. */
export class Tab {
  readonly faults: string[] = [];

  private constructor(
    readonly page: Page,
    host: string,
  ) {
    page.on('console', (message) => {
      if (message.type() === 'error') this.faults.push(message.text());
    });
    page.on('pageerror', (error) => this.faults.push(error.message));
    page.on('request', (request) => {
      const { protocol, host: asked } = new URL(request.url());
      if (protocol !== 'blob:' && protocol !== 'data:' && asked !== host) this.faults.push(`asked ${asked}`);
    });
  }

  static async open(browser: Browser | BrowserContext, url: string): Promise<Tab> {
    const tab = new Tab(await browser.newPage(), new URL(url).host);
    await tab.page.goto(url);
    return tab;
  }
}
