/** Tests the dashboard in situations that are rare or short in a real run. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { loadDataset } from '../../coordinator/data/load.js';
import { publishedDatasets } from '../../coordinator/data/published.js';
import { lockstep, scratch, smallDataset } from '../cli/fixture.js';
import { seriousViolations } from './accessibility.js';
import { hasChromium, launchChromium, Tab } from './chromium.js';
import { FakeCoordinator, type Shown } from './fake-coordinator.js';
import { recordedRun } from './recorded-run.js';

const timeout = 60_000;
const token = 'token-of-the-test-0123456789';
const operatorToken = 'operator-of-the-test-0123456789';

describe.skipIf(!hasChromium)('dashboard', { timeout }, () => {
  let browser: Browser;
  let finished: Shown;
  let coordinators: FakeCoordinator[] = [];

  beforeAll(async () => {
    browser = await launchChromium();
    finished = await smallRun('mlp');
  }, timeout);
  afterAll(() => browser?.close());
  afterEach(async () => {
    for (const coordinator of coordinators) await coordinator.close();
    coordinators = [];
  });

  async function serve(shown: Shown, wanted: string | null = null): Promise<[FakeCoordinator, string]> {
    const fake = new FakeCoordinator(shown, wanted, operatorToken);
    coordinators.push(fake);
    return [fake, `http://127.0.0.1:${await fake.listen()}/`];
  }

  async function open(url: string, options: BrowserContextOptions = {}): Promise<Tab> {
    return Tab.open(await browser.newContext(options), url);
  }

  function during(phase: Shown['state']['phase']): Shown {
    return { ...finished, state: { ...finished.state, phase, secondsLeft: 30 } };
  }

  test('says that the coordinator is gone, keeps what it knows, and comes back by itself', async () => {
    const [first, url] = await serve(during('training'));
    const { page } = await open(url);
    await shows(page, '#phase', 'Training');
    await first.close();
    await shows(page, '#connection', 'does not answer');
    await shows(page, '#fleet-rows', 'workstation');
    const again = new FakeCoordinator(during('paused'));
    coordinators = [again];
    await again.listen(Number(new URL(url).port));
    await shows(page, '#phase', 'Paused');
    await page.locator('#connection').waitFor({ state: 'hidden' });
  });

  test('watches on when another start of the coordinator has made another operator token', async () => {
    const [first, url] = await serve(during('training'), token);
    const { page } = await open(`${url}#${token}&operator=${operatorToken}`);
    await shows(page, '#phase', 'Training');
    await first.close();
    const again = new FakeCoordinator(during('paused'), token, 'operator-of-another-start-0123456789');
    coordinators = [again];
    await again.listen(Number(new URL(url).port));
    await shows(page, '#phase', 'Paused');
    await page.getByRole('button', { name: 'Resume' }).click();
    await shows(page, '#announcement', 'That did not work');
  });

  test('asks for the token that it was opened without, and never puts one into an address', async () => {
    const [coordinator, url] = await serve(during('training'), token);
    const { page } = await open(url);
    await page.getByLabel('This run is private').fill(`http://elsewhere/#${token}`);
    await page.getByRole('button', { name: 'Look' }).click();
    await shows(page, '#phase', 'Training');
    expect(await page.locator('#join-link').getAttribute('href')).toMatch(new RegExp(`/join#${token}$`));
    expect(await page.locator('#join-command').inputValue()).toMatch(new RegExp(`#${token}$`));
    await page.reload();
    await shows(page, '#phase', 'Training');
    expect(page.url()).toBe(url);
    expect(coordinator.requests.join()).not.toContain(token);
    expect(await page.locator('#controls').isVisible()).toBe(false);
  });

  test('its operator pauses, resumes, checkpoints, drops and stops', async () => {
    const [coordinator, url] = await serve(during('training'), token);
    const { page, faults } = await open(`${url}#${token}&operator=${operatorToken}`);
    await page.getByRole('button', { name: 'Pause' }).click();
    await shows(page, '#announcement', 'Paused');
    coordinator.publish({ phase: 'paused' });
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Checkpoint now' }).click();
    await page.getByRole('button', { name: 'Drop Safari' }).click();
    await page.locator('#confirm-no').click();
    await page.getByRole('button', { name: 'Drop workstation' }).click();
    await page.locator('#confirm-yes').click();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.locator('#confirm-yes').click();
    await shows(page, '#announcement', 'Stopping');
    expect(coordinator.controls).toEqual(['pause', 'resume', 'checkpoint', 'drop 1', 'stop']);
    coordinator.publish({ phase: 'interrupted', workers: [], workersTotal: 0 });
    await shows(page, '#result-text', 'Stopped early');
    expect(await page.locator('#controls').isVisible()).toBe(false);
    expect(faults).toEqual([]);
  });

  test('shows the machine that serves it as one of the fleet, which cannot be dropped, and how many are spares', async () => {
    const [coordinator, url] = await serve(during('training'), token);
    const { page } = await open(`${url}#${token}&operator=${operatorToken}`);
    const { workers } = during('training').state;
    const own = { ...workers[0], member: 9, own: true, name: 'this machine', kind: 'coordinator', threads: 2 };
    coordinator.publish({ workers: [own, ...workers], threads: 2, slots: 5 });
    await shows(page, '#fleet-rows', 'this machine');
    await shows(page, '#fleet-summary', 'this machine and 4 workers, 29 cores');
    await shows(page, '#fleet-spares', 'One of them is a spare: a step has 5 slots only.');
    expect(await page.getByRole('button', { name: 'Drop workstation' }).isVisible()).toBe(true);
    expect(await page.getByRole('button', { name: 'Drop this machine' }).isVisible()).toBe(false);
  });

  test('says who is a spare and why, what each one has sent and received, and what the network costs', async () => {
    const [coordinator, url] = await serve(during('training'));
    const { page } = await open(url);
    await shows(page, '#fleet-rows', 'workstation');
    const { workers } = during('training').state;
    const tab = { ...workers[1], state: 'spare' as const, bytesSent: 1_200_000, bytesReceived: 34_000 };
    const tabs = [1, 2, 3].map((n) => ({ ...tab, member: 10 + n, name: `A browser with a long name, number ${n}` }));
    const networkBound = 'this run waits for its network; a new run with --wire-bits 8 sends less';
    coordinator.publish({ workers: tabs, workersTotal: 3, slots: 2, localSteps: 16, networkBound });
    await shows(page, '#fleet-rows', 'long name, number 3');
    await shows(page, '#fleet-rows', '1.23 MB');
    await shows(
      page,
      '#fleet-spares',
      'One of them is a spare: a round has 2 slots only. 2 more are spares: a round takes',
    );
    await shows(page, '#fleet-network', 'This run waits for its network; a new run with --wire-bits 8 sends less.');
    // Names that differ at the end alone are seen whole.
    const isCut = `[...document.querySelectorAll('#fleet-rows td')].some((td) => td.scrollWidth > td.clientWidth)`;
    expect(await page.evaluate(isCut)).toBe(false);
    coordinator.publish({ workers: tabs, workersTotal: 3, slots: 3, networkBound: null });
    await shows(page, '#fleet-spares', '3 of them are spares: a round takes less time without them.');
    expect(await page.locator('#fleet-network').isVisible()).toBe(false);
  });

  test('copies the join link where scripts have no clipboard', async () => {
    const [, url] = await serve(during('training'));
    const { page } = await open(`${url.replace('127.0.0.1', 'lockstep.test')}#${token}`);
    expect(await page.evaluate('isSecureContext')).toBe(false);
    await page.getByRole('button', { name: 'Copy the link' }).click();
    await shows(page, '#copy-status', 'Copied');
  });

  test('is none the slower for states that come fast', async () => {
    const [coordinator, url] = await serve(during('training'));
    const { page, faults } = await open(url);
    await shows(page, '#phase', 'Training');
    await shows(page, '#join-private', 'was opened without it');
    const { step: begin, stepsPlanned } = finished.state;
    for (let step = begin + 1; step <= begin + 2000; step++) {
      const point = { step, loss: 1 / step, accuracy: 0.9 };
      coordinator.publish({ step, stepsPlanned: stepsPlanned + 2000, curve: [point] });
    }
    const last = new Intl.NumberFormat('en').format(begin + 2000);
    await shows(page, '#progress-note', `step ${last} of`);
    await page.locator(`#chart-loss[aria-label*="at step ${last}"]`).waitFor();
    expect(faults).toEqual([]);
  });

  test('shows the validation set while a run with one trains, and its test set at the end', async () => {
    const [coordinator, url] = await serve(during('training'));
    const { page, faults } = await open(url);
    await shows(page, '#accuracy-label', 'Test accuracy');
    const { step, dataset } = finished.state;
    const validation = { validationLoss: 0.4, validationAccuracy: 0.875 };
    coordinator.publish({
      dataset: { ...dataset, validation: 500 },
      ...{ testLoss: null, testAccuracy: null, bestTestAccuracy: null },
      ...{ ...validation, bestValidationAccuracy: 0.9 },
      curve: [{ step: step + 1, loss: 0.5, accuracy: 0.9, ...validation }],
    });
    await shows(page, '#accuracy-label', 'Validation accuracy');
    await shows(page, '#test-accuracy', '87.50 %');
    await shows(page, '#test-note', 'best 90.00 %, loss 0.4');
    await page.locator('#chart-accuracy[aria-label*="on the validation set 87.50 %"]').waitFor();
    coordinator.publish({ testLoss: 0.5, testAccuracy: 0.85, phase: 'finished' });
    await shows(page, '#accuracy-label', 'Test accuracy');
    await shows(page, '#test-note', 'loss 0.5000, 87.50 % on the validation set');
    await shows(page, '#result-text', 'Test accuracy 85.00 %. Validation accuracy 87.50 %. Best 90.00 %.');
    expect(faults).toEqual([]);
  });

  test('says so when a run has diverged', async () => {
    const [, url] = await serve({ ...during('diverged'), evaluation: null });
    const { page } = await open(url);
    await shows(page, '#result-text', 'lower learning rate');
  });

  test('has the newest evaluation when it is opened in the middle of a run, before anybody scrolls to it', async () => {
    const [coordinator, url] = await serve(during('training'));
    const { page } = await open(url, { viewport: { width: 1200, height: 900 } });
    await shows(page, '#confusion-note', `after step ${finished.state.step}`);
    expect((await page.locator('#confusion-card').boundingBox())!.y).toBeGreaterThan(900);
    // Newer ones are fetched when their card is in view.
    coordinator.publish({ newest: { weights: null, evaluation: finished.state.step + 1 }, phase: 'paused' });
    await shows(page, '#phase', 'Paused');
    expect(coordinator.requests.filter((path) => path === '/api/evaluation')).toHaveLength(1);
  });

  test.each([1440, 1300, 1190, 1024, 800])(
    'has every column of the fleet in its card, %i pixels wide',
    async (width) => {
      const [, url] = await serve(during('training'));
      const { page } = await open(`${url}#operator=${operatorToken}`, { viewport: { width, height: 900 } });
      await page.getByRole('button', { name: 'Drop workstation' }).waitFor();
      await shows(page, '#fleet-rows', 'Node, native avx512');
      const [shown, whole] = (await page.evaluate(`(() => {
      const { clientWidth, scrollWidth } = document.querySelector('.fleet .table-holder');
      return [clientWidth, scrollWidth];
    })()`)) as [number, number];
      expect(whole).toBe(shown);
    },
  );

  test('wide layers come in pages, hidden layers on request', async () => {
    const model = join(scratch(), 'wide.json');
    const layers = [
      { dense: 300, activation: 'tanh' },
      { dense: 12, activation: 'relu' },
      { dense: 10, activation: 'linear' },
    ];
    writeFileSync(model, JSON.stringify({ input: [28, 28], layers, loss: 'sigmoidCrossEntropy' }));
    const [, url] = await serve(await smallRun('wide', '--model', model, '--lr', 0.05));
    const { page, faults } = await open(url);
    await page.locator('#neurons-card').scrollIntoViewIfNeeded();
    await shows(page, '#neurons-step', '1–128 of 300');
    await page.getByRole('button', { name: 'Next neurons' }).click();
    await page.getByRole('button', { name: 'Next neurons' }).click();
    await shows(page, '#neurons-step', '257–300 of 300');
    await page.getByLabel('Hidden layers').check();
    await shows(page, '#hidden-layers', 'Draw something first');
    await page.locator('#pad').click();
    await shows(page, '#hidden-layers', 'of 300 neurons active');
    await shows(page, '#hidden-layers', 'of 12 neurons active');
    await page.locator('#pad').press('Delete');
    await shows(page, '#answer', '–');
    expect(faults).toEqual([]);
  });

  describe('names the classes', () => {
    test.each([
      ['fashion-mnist', 1440],
      ['fashion-mnist', 360],
      ['emnist-letters', 1440],
      ['emnist-balanced', 1440],
      ['emnist-balanced', 360],
    ] as const)('of %s, %i pixels wide', async (name, width) => {
      const { classNames = [] } = publishedDatasets[name];
      const [, url] = await serve(withClasses(during('training'), name, classNames));
      const { page, faults } = await open(url, { viewport: { width, height: 900 } });
      await page.locator('#confusion-card').scrollIntoViewIfNeeded();
      await shows(page, '#confusion-note', 'after step');
      const table = page.locator('.confusion-table');
      expect(await table.locator('thead th').allTextContents()).toEqual(classNames);
      expect(await table.locator('tbody th').allTextContents()).toEqual(classNames);
      expect(await table.locator('tbody tr').nth(1).locator('td').first().getAttribute('title')).toBe(
        `7 × ${classNames[1]}, answered ${classNames[0]}`,
      );
      const [first] = await page.locator('#mistakes li').allTextContents();
      expect(first).toBe(`${classNames[1]} → ${classNames[0]}`);
      await page.locator('#pad').click();
      await page.locator('#answer').filter({ hasNotText: '–' }).waitFor();
      expect(classNames).toContain(await page.locator('#answer').textContent());
      await shows(page, '#draw-title', 'Draw something');
      // Columns that do not fit are scrolled to inside of the card.
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      // Looking through thousands of cells twice takes too long.
      if (width > 360 || classNames.length < 20) expect(await seriousViolations(page)).toEqual([]);
      expect(faults).toEqual([]);
    });
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const viewport of [
      { width: 1440, height: 900 },
      { width: 360, height: 740 },
    ]) {
      test(`axe finds nothing serious, ${colorScheme}, ${viewport.width} pixels wide; nothing sticks out`, async () => {
        const [, url] = await serve(during('training'));
        const { page, faults } = await open(`${url}#operator=${operatorToken}`, { colorScheme, viewport });
        await page.locator('#confusion-card').scrollIntoViewIfNeeded();
        await page.locator('#mistakes li').first().waitFor();
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(viewport.width);
        expect(await seriousViolations(page)).toEqual([]);
        expect(faults).toEqual([]);
      });
    }
  }
});

async function shows(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).waitFor();
}

/** The same run, as if its data set had these classes. Some samples of each class are taken for the class before it. */
function withClasses(shown: Shown, name: string, classNames: readonly string[]): Shown {
  const classes = classNames.length;
  const confusion = classNames.map((_, label) =>
    classNames.map((_, answer) => (answer === label ? 393 : answer === label - 1 ? 7 : 0)),
  );
  const [{ pixels }] = shown.evaluation!.misclassified;
  const misclassified = classNames.slice(1).map((_, index) => ({ index, label: index + 1, predicted: index, pixels }));
  const evaluation = { ...shown.evaluation!, samples: 400 * classes, correct: 393 * classes, confusion, misclassified };
  const dataset = { ...shown.state.dataset, name, classes, classNames };
  return { ...shown, evaluation, state: { ...shown.state, dataset } };
}

/** Trains a short run on the small data set, and returns what a dashboard would show of it. */
async function smallRun(name: string, ...words: (string | number)[]): Promise<Shown> {
  const data = smallDataset();
  const out = join(scratch(), name);
  const { code, stderr } = await lockstep('train', '--data', data, '--epochs', 3, '--out', out, ...words).ended;
  expect(code, stderr).toBe(0);
  const { test: samples } = await loadDataset({ dataset: 'auto', directory: data });
  return recordedRun(out, samples);
}
