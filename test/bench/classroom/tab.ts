/** A device of the class: a tab of Chromium with a renderer process, a profile and a cache of its own. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DevTools, DevToolsPage } from '../../browser/devtools.js';
import type { Quota } from '../hosts/quota.js';

const lookMs = 250;
/** Processes may have used the same time by chance. */
const processTriesMax = 20;

const isLoaded = `document.querySelector('[data-figure=shards]') !== null && document.readyState === 'complete'`;

/** When the page first showed a shard, or null. It is noted by an observer: a timer would be late in a hidden tab. */
const firstShard = `(() => {
  const figure = document.querySelector('[data-figure=shards]');
  const note = () => {
    if (Number(figure.textContent) > 0) globalThis.firstShardMs ??= Date.now();
  };
  globalThis.firstShardObserver ??= new MutationObserver(note);
  globalThis.firstShardObserver.observe(figure, { childList: true });
  note();
  return globalThis.firstShardMs ?? null;
})()`;

const figures = `Object.fromEntries(
  [...document.querySelectorAll('[data-figure]')].map(({ dataset, textContent }) => [dataset.figure, textContent]),
)`;

/** What a tab shows of itself, by the names of the join page. */
export type TabFigures = Readonly<Record<string, string>>;

export class Tab {
  private isStopped = false;

  private constructor(
    private readonly page: DevToolsPage,
    private readonly openedMs: number,
    private readonly processId: number,
  ) {}

  /**
   * The renderer process is under the quota before it sees the page, so all that the page costs a device is. The browser's
   * other processes are not: a device has its own, but here all tabs share them. A picture of the same site makes the process.
   */
  static async open(chromium: DevTools, url: string, quota: Quota): Promise<Tab> {
    const page = await chromium.openAlone(new URL('/icon.svg', url).href);
    const processId = await processOf(chromium, page);
    quota.enter(processId);
    const openedMs = Date.now();
    await page.navigate(url);
    while (!(await page.evaluate<boolean>(isLoaded))) await sleep(lookMs);
    if ((await processOf(chromium, page)) !== processId) throw new Error('a tab has another process than at first');
    return new Tab(page, openedMs, processId);
  }

  /** Milliseconds from opening the tab until it has sent its first result. Null if there is none within `withinMs`. */
  async firstResultMs(withinMs: number): Promise<number | null> {
    while (Date.now() < this.openedMs + withinMs) {
      const first = await this.page.evaluate<number | null>(firstShard);
      if (first !== null) return first - this.openedMs;
      await sleep(lookMs);
    }
    return null;
  }

  figures(): Promise<TabFigures> {
    return this.page.evaluate(figures);
  }

  picture(widthPixels: number): Promise<Buffer> {
    return this.page.picture(widthPixels);
  }

  /** Nothing of the page runs until `thaw`, like a phone that sleeps. Its connections stay open. */
  freeze(): void {
    this.isStopped = true;
    process.kill(this.processId, 'SIGSTOP');
  }

  thaw(): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    process.kill(this.processId, 'SIGCONT');
  }
}

/** Chromium does not say which renderer process a page has, but how much processor time it has used. */
async function processOf(chromium: DevTools, page: DevToolsPage): Promise<number> {
  for (let i = 0; i < processTriesMax; i++) {
    const before = await renderers(chromium);
    const used = await page.processSeconds();
    const after = await renderers(chromium);
    const fitting = [...before].filter(([id, least]) => least <= used && used <= (after.get(id) ?? 0));
    if (fitting.length === 1) return fitting[0][0];
    await sleep(lookMs);
  }
  throw new Error('the renderer process of a tab was not found');
}

/** The processor time of each renderer process, by its number. */
async function renderers(chromium: DevTools): Promise<Map<number, number>> {
  const { processInfo } = await chromium.send('SystemInfo.getProcessInfo');
  const all = processInfo as { type: string; id: number; cpuTime: number }[];
  return new Map(all.filter(({ type }) => type === 'renderer').map(({ id, cpuTime }) => [id, cpuTime]));
}
