/** Runs the kernel cases in Chromium. Its engine is that of Node, but in another version, with other flags. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { kernelBinary } from '../shared/arithmetic/backends.js';
import { hasChromium, launchChromium } from './chromium.js';
import type { Checked } from './kernels-page.js';

test.skipIf(!hasChromium)('the kernels in Chromium equal the scalar specification, bit for bit', async () => {
  const entry = fileURLToPath(new URL('./kernels-page.js', import.meta.url));
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: 'esm', write: false });
  const files: Record<string, [type: string, body: string | Uint8Array]> = {
    '/': ['text/html', '<!doctype html><link rel="icon" href="data:,"><script type="module" src="page.js"></script>'],
    '/page.js': ['text/javascript', outputFiles[0].contents],
    '/kernels.wasm': ['application/wasm', kernelBinary],
  };
  const server = createServer(({ url }, response) => {
    const [type, body] = files[url ?? '/'];
    response.setHeader('content-type', type).end(body);
  }).listen(0, '127.0.0.1');
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const checked: Checked = await page.evaluate('checked');
    expect(checked.cases).toBeGreaterThan(100);
    expect(checked.differing).toEqual([]);
    expect(checked.wrongStages).toEqual([]);
  } finally {
    await browser.close();
    server.close();
  }
});
