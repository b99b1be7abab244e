/** Debian's Chromium, where it is installed, and the tabs that the tests open in it. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

export const chromiumPath = '/usr/bin/chromium';

/** Tests of this folder are skipped where this is false. */
export const hasChromium = existsSync(chromiumPath);

export const chromiumArguments = [
  '--no-sandbox',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  // A name that is not this machine's own: such a page over plain http is no secure context.
  '--host-resolver-rules=MAP lockstep.test 127.0.0.1, MAP other.test 127.0.0.1',
];

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath, args: chromiumArguments, headless: true });
}

/** A page that keeps what went wrong in it: an error on its console, an exception, a request to elsewhere. */
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
