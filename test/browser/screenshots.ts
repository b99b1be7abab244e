/**
 * Takes the README's pictures of the dashboard, of a run that the command line has made with MNIST in DATA:
 *
 *     node dist/test/browser/screenshots.js RUN_DIRECTORY DATA OUT
 */
import { join } from 'node:path';
import { loadDataset } from '../../coordinator/data/load.js';
import { launchChromium, Tab } from './chromium.js';
import { drawDigit } from './drawn-digits.js';
import { FakeCoordinator } from './fake-coordinator.js';
import { recordedRun } from './recorded-run.js';

const [directory, data, out] = process.argv.slice(2);
const { test } = await loadDataset({ dataset: 'auto', directory: data });
const fake = new FakeCoordinator(recordedRun(directory, test));
const port = await fake.listen();
const browser = await launchChromium();

const shots = [
  { name: 'dashboard-light', colorScheme: 'light', width: 1440, height: 900 },
  { name: 'dashboard-dark', colorScheme: 'dark', width: 1440, height: 900 },
  { name: 'dashboard-phone', colorScheme: 'light', width: 390, height: 844 },
] as const;

for (const { name, colorScheme, width, height } of shots) {
  const context = await browser.newContext({ colorScheme, viewport: { width, height }, deviceScaleFactor: 1 });
  const { page, faults } = await Tab.open(
    context,
    `http://127.0.0.1:${port}/#token-of-the-picture&operator=operator-token-of-the-test`,
  );
  fake.publish({ phase: 'training', step: 3312, epoch: 8, secondsLeft: 41 });
  await page.getByText('Training', { exact: true }).waitFor();
  await page.locator('#draw-card').scrollIntoViewIfNeeded();
  await page.getByText('Weights of step').or(page.locator('#neurons-step')).first().waitFor();
  await drawDigit(page, 7);
  await page.waitForFunction('document.getElementById("answer").textContent !== "–"');
  await page.locator('#confusion-card').scrollIntoViewIfNeeded();
  await page.waitForTimeout(500);
  await page.evaluate('scrollTo(0, 0)');
  await page.screenshot({ path: join(out, `${name}.png`), fullPage: true });
  if (faults.length > 0) console.error(name, faults);
  await context.close();
}
await browser.close();
await fake.close();
