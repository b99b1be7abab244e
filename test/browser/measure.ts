/**
 * Measures a tab that trains, in Chromium over loopback: `node dist/test/browser/measure.js`. It prints four figures:
 * the time from opening the link to the first accepted gradient, the speed of a hidden tab compared with a visible one,
 * the longest task of the page's own thread during training, and the bytes of the first load.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { median } from '../bench/statistics.js';
import { DevTools, type DevToolsPage } from './devtools.js';

const openings = 10;
const spellMs = 3_000;
const spells = 4;
/** Browsers do not report shorter tasks. */
const longTaskMs = 50;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const say = (text: string) => void process.stdout.write(`${text}\n`);

async function stateOf(port: number): Promise<{ step: number; workersTotal: number }> {
  const response = await fetch(`http://127.0.0.1:${port}/api/state`);
  return response.json() as Promise<{ step: number; workersTotal: number }>;
}

async function untilStep(port: number, step: number): Promise<void> {
  while ((await stateOf(port)).step < step) await pause(2);
}

/** Time from opening the link to the first step that uses a gradient of this tab. */
async function openingMs(chromium: DevTools, port: number): Promise<number> {
  const { step } = await stateOf(port);
  const begunMs = performance.now();
  const page = await chromium.open(`http://127.0.0.1:${port}/join`);
  await untilStep(port, step + 1);
  const tookMs = performance.now() - begunMs;
  await page.close();
  while ((await stateOf(port)).workersTotal > 0) await pause(10);
  return tookMs;
}

async function stepsPerSecond(port: number): Promise<number> {
  const [before, begunMs] = [(await stateOf(port)).step, performance.now()];
  await pause(spellMs);
  return (1000 * ((await stateOf(port)).step - before)) / (performance.now() - begunMs);
}

/** Measures in turn while the tab is visible and hidden, so that a disturbance of the machine affects both. */
async function hiddenAgainstVisible(page: DevToolsPage, other: DevToolsPage, port: number): Promise<void> {
  const speeds = { visible: [] as number[], hidden: [] as number[] };
  for (let i = 0; i < spells; i++) {
    for (const state of ['visible', 'hidden'] as const) {
      await (state === 'visible' ? page : other).bringToFront();
      await pause(500);
      if ((await page.evaluate('document.visibilityState')) !== state) return say(`the tab cannot be made ${state}`);
      speeds[state].push(await stepsPerSecond(port));
    }
  }
  const [visible, hidden] = [median(speeds.visible), median(speeds.hidden)];
  const ratio = (hidden / visible).toFixed(2);
  say(`hidden / visible: ${ratio} (${hidden.toFixed(0)} and ${visible.toFixed(0)} steps/s, medians of ${spells})`);
}

const observeLongTasks = `globalThis.longTasks = [];
new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration)))
  .observe({ type: 'longtask', buffered: true });`;

function firstLoad(): void {
  const web = fileURLToPath(new URL('../../web', import.meta.url));
  const needed = /^(join\.html|join-.*\.(js|css)|kernels\.wasm)\.gz$/;
  const files = readdirSync(web).filter((name) => needed.test(name));
  const bytes = files.map((name) => statSync(join(web, name)).size);
  say(`first load: ${bytes.reduce((a, b) => a + b, 0)} bytes compressed by gzip, ${files.length} files`);
}

/** Starts a coordinator that trains on generated digits until it is killed. */
async function startCoordinator(out: string): Promise<{ coordinator: ChildProcess; port: number }> {
  const program = fileURLToPath(new URL('../../coordinator/cli/main.js', import.meta.url));
  const serving = ['coordinator', '--threads', '0', '--port', '0'];
  const words = [...serving, '--dataset', 'digits', '--epochs', '1000000', '--out', out];
  const stdio: StdioOptions = ['ignore', 'pipe', 'inherit'];
  const coordinator = spawn(process.execPath, [program, ...words, '--log-format', 'json'], { stdio });
  for await (const line of createInterface({ input: coordinator.stdout! })) {
    const port = line.match(/"port":(\d+),"msg":"waiting/)?.[1];
    if (port === undefined) continue;
    coordinator.stdout!.resume();
    return { coordinator, port: Number(port) };
  }
  throw new Error('the coordinator did not start');
}

async function measure(chromium: DevTools, port: number): Promise<void> {
  const took: number[] = [];
  for (let i = 0; i < openings; i++) took.push(await openingMs(chromium, port));
  const spread = `${Math.min(...took).toFixed(0)} to ${Math.max(...took).toFixed(0)}`;
  say(`link to first accepted gradient: ${median(took).toFixed(0)} ms, median of ${openings} (${spread})`);
  const page = await chromium.open(`http://127.0.0.1:${port}/join`);
  await page.evaluate(observeLongTasks);
  const other = await chromium.open('about:blank', false);
  await hiddenAgainstVisible(page, other, port);
  const tasks = await page.evaluate<number[]>('longTasks');
  const longest = tasks.length === 0 ? `none of ${longTaskMs} ms or more` : `${Math.max(...tasks)} ms`;
  say(`longest task of the page's own thread: ${longest}`);
}

say(`Chromium, ${readFileSync('/proc/cpuinfo', 'utf8').match(/model name\s*: (.*)/)?.[1] ?? 'unknown processor'}`);
firstLoad();
const directory = mkdtempSync(join(tmpdir(), 'lockstep-measure-'));
const { coordinator, port } = await startCoordinator(join(directory, 'run'));
const chromium = DevTools.launch();
try {
  await measure(chromium, port);
} finally {
  await chromium.close();
  coordinator.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
}
