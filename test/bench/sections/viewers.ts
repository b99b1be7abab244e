/** Measures the cost of a hundred open dashboards: the speed of one run with and without them, in turns. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RunState } from '../../../coordinator/web/state.js';
import { type Context, readable, type Section } from '../context.js';
import { endless, inRun, train, trainingCommand } from '../lockstep.js';
import { Running } from '../processes.js';
import { findRow } from '../rows.js';
import { median, summarise } from '../statistics.js';
import { ranged, thousands } from '../table.js';

const crowd = fileURLToPath(new URL('../viewer-crowd.js', import.meta.url));
const viewers = 100;
/** The target, as a fraction of the speed without viewers. */
const wanted = 0.97;
const workers = { processes: [1] } as const;
/** Time until all viewers have come or gone. */
const settleMs = 700;
/** The turns are short and many, because the speed of a machine with other programs changes within seconds. */
const windowMs = 1_500;
const turnsPerRound = 3;

export const viewersSection: Section = {
  name: 'viewers',
  title: `${viewers} open dashboards`,
  async run(context, findings) {
    const row = findRow('784-100-10, 128');
    const { mnist: pixels, scratch } = context;
    const training = { row, pixels, scheduling: 'other', scratch, options: endless } as const;
    const turns: Turn[] = [];
    await inRun(scratch, async (out) => {
      findings.command(readable(trainingCommand(training, workers, out), context));
      const timeoutMs = 2 * turnsPerRound * context.rounds * (windowMs + settleMs) + 60_000;
      await train(training, workers, out, { timeoutMs }, ([coordinator]) => {
        const url = `http${/ws(:\/\/[\d.:]+)/.exec(coordinator.stdout)?.[1]}`;
        void measure(url, context, turns).finally(() => coordinator.kill('SIGINT'));
      });
    });
    const ratios = turns.map(({ before, watched, after }) => (2 * watched) / (before + after));
    const quiet = turns.map(({ before }) => before);
    const watched = turns.map((turn) => turn.watched);
    findings.command(`node dist/test/bench/viewer-crowd.js http://127.0.0.1:PORT ${viewers}`);
    findings.note(
      'The viewers are a separate process on the same cores, so their own work slows the run down as well.',
    );
    findings.table(
      `Samples/s of ${row.name} on one worker, in turns: median (range)`,
      ['viewers', 'samples/s', 'of the speed without'],
      [
        ['0', ranged(summarise(quiet), thousands), ''],
        [String(viewers), ranged(summarise(watched), thousands), ranged(summarise(ratios), percent)],
      ],
    );
    findings.target(
      `${viewers} open dashboards`,
      `at least ${percent(wanted)} of the speed without`,
      percent(median(ratios)),
      median(ratios) >= wanted,
    );
  },
};

/** Samples per second with viewers (`watched`), just before they came, and just after they had gone. */
interface Turn {
  readonly before: number;
  readonly watched: number;
  readonly after: number;
}

async function measure(url: string, { rounds, log }: Context, turns: Turn[]): Promise<void> {
  await untilTraining(url);
  await sleep(settleMs);
  let before = await samplesPerSecond(url);
  for (let turn = 0; turn < turnsPerRound * rounds; turn++) {
    const people = new Running({ words: [process.execPath, crowd, url, String(viewers)] });
    await people.prints(/watching/);
    await sleep(settleMs);
    const watched = await samplesPerSecond(url);
    people.kill('SIGKILL');
    await people.ended;
    await sleep(settleMs);
    const after = await samplesPerSecond(url);
    turns.push({ before, watched, after });
    log(`${viewers} viewers, turn ${turn + 1}: ${[before, watched, after].map(thousands).join(', ')} samples/s`);
    before = after;
  }
}

async function untilTraining(url: string): Promise<void> {
  while ((await state(url)).phase !== 'training') await sleep(100);
}

async function samplesPerSecond(url: string): Promise<number> {
  const before = await state(url);
  await sleep(windowMs);
  const after = await state(url);
  return (1000 * (after.step - before.step) * before.batch) / (after.now - before.now);
}

async function state(url: string): Promise<RunState> {
  return (await fetch(`${url}/api/state`)).json() as Promise<RunState>;
}

function percent(x: number): string {
  return `${(100 * x).toFixed(1)} %`;
}
