/** One lesson: a coordinator, a class of tabs that open its link one after the other, and a run to an accuracy. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ConfigFile } from '../../../coordinator/archive/config.js';
import { DevTools } from '../../browser/devtools.js';
import { FleetOfHosts } from '../hosts/fleet-of-hosts.js';
import type { NetworkKind } from '../hosts/links.js';
import { findController, Quota } from '../hosts/quota.js';
import { lockstep, summaryOf } from '../lockstep.js';
import { Running } from '../processes.js';
import { Sleepers } from './sleepers.js';
import { Tab, type TabFigures } from './tab.js';
import type { Look } from './watch-rounds.js';

const watchProgram = fileURLToPath(new URL('watch-rounds.js', import.meta.url));
/** A tab that has no result after this time has failed. */
const firstResultMsMax = 60_000;
/** The widths of the pictures: of a phone, and of a laptop. */
const phonePixels = 390;
const laptopPixels = 1280;

export interface Class {
  readonly network: NetworkKind;
  readonly tabs: number;
  /** The part of a core that each tab has. */
  readonly share: number;
  /** Time between the openings of two tabs. */
  readonly openingMs: number;
  readonly asleep: number;
  readonly sleepMs: number;
  readonly secondsMax: number;
}

export interface Lesson {
  /** Of each tab, from its opening; null for a tab without a result. */
  readonly firstResultMs: readonly (number | null)[];
  readonly figures: readonly TabFigures[];
  readonly looks: readonly Look[];
  /** When the first tab was opened, and when all were open, by the clock of the looks. */
  readonly begunMs: number;
  readonly allOpenMs: number;
  readonly testAccuracy: number | null;
  readonly weightsSha256: string;
  readonly steps: number;
  readonly megabytesPerTab: number;
  readonly config: ConfigFile;
}

/** `words`: the options of the coordinator. Pictures of a tab and of the dashboard go beside the run directory `out`. */
export async function giveLesson(kind: Class, words: readonly (string | number)[], out: string): Promise<Lesson> {
  const hosts = new FleetOfHosts(kind.network, 1, cpus().length);
  const address = hosts.url.replace('ws:', 'http:');
  const listening = ['--host', '0.0.0.0', '--open', '--port', hosts.port, '--out', out, '--log-format', 'json'];
  const coordinator = new Running(hosts.atCoordinator({ words: lockstep('coordinator', ...listening, ...words) }));
  const ended = coordinator.end({ interruptAfterMs: 1000 * kind.secondsMax, timeoutMs: 2000 * kind.secondsMax });
  const watch = new Running(hosts.atCoordinator({ words: [process.execPath, watchProgram, address] }));
  const chromium = DevTools.launch((program) => hosts.atWorker(0, { words: program }).words);
  const quotas = quotasOf(kind);
  const sleepers = new Sleepers(kind.asleep, kind.sleepMs);
  try {
    await coordinator.prints(/"port":\d+/);
    const begunMs = Date.now();
    const { tabs, firstResults } = await openTabs(kind, chromium, `${address}/join`, quotas, sleepers);
    const allOpenMs = Date.now();
    await takePictures(chromium, tabs[0], address, out);
    const firstResultMs = await Promise.all(firstResults);
    const { stderr, code } = await ended;
    sleepers.stop();
    if (code === null) throw new Error(`the coordinator did not end: ${stderr.trim()}`);
    return {
      ...resultOf(out, tabs.length),
      firstResultMs,
      figures: await Promise.all(tabs.map((tab) => tab.figures())),
      looks: looksOf(watch.stdout),
      begunMs,
      allOpenMs,
    };
  } finally {
    sleepers.stop();
    for (const each of [coordinator, watch]) each.kill('SIGKILL');
    await chromium.close();
    for (const quota of quotas) quota.remove();
    hosts.close();
  }
}

function quotasOf({ tabs, share }: Class): Quota[] {
  const controller = findController();
  if (controller === null) throw new Error('there is no control group for the processor');
  return Array.from({ length: tabs }, (_, i) => new Quota(controller, `lockstep-${process.pid}-tab-${i + 1}`, share));
}

async function openTabs(
  { openingMs }: Class,
  chromium: DevTools,
  url: string,
  quotas: readonly Quota[],
  sleepers: Sleepers,
) {
  const tabs: Tab[] = [];
  const firstResults: Promise<number | null>[] = [];
  for (const quota of quotas) {
    const next = sleep(openingMs);
    const tab = await Tab.open(chromium, url, quota);
    tabs.push(tab);
    const first = tab.firstResultMs(firstResultMsMax);
    void first.then(() => sleepers.add(tab));
    firstResults.push(first);
    await next;
  }
  return { tabs, firstResults };
}

async function takePictures(chromium: DevTools, tab: Tab, address: string, out: string): Promise<void> {
  writeFileSync(`${out}-tab.png`, await tab.picture(phonePixels));
  const dashboard = await chromium.openAlone(address);
  await sleep(5_000);
  writeFileSync(`${out}-dashboard.png`, await dashboard.picture(laptopPixels));
  await dashboard.close();
}

function resultOf(out: string, tabs: number) {
  const { weightsSha256, testAccuracy, steps } = summaryOf(out);
  const config = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')) as ConfigFile;
  const last = readFileSync(join(out, 'metrics.jsonl'), 'utf8').trim().split('\n').at(-1) ?? '{}';
  const { bytesSent, bytesReceived } = JSON.parse(last);
  return { weightsSha256, testAccuracy, steps, config, megabytesPerTab: (bytesSent + bytesReceived) / tabs / 1e6 };
}

/** The last line may be incomplete. */
function looksOf(text: string): Look[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Look);
}
