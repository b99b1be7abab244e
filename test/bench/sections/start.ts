/** Measures the time from the start of the command to the first update. The data set is already on the disk. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Context, readable, type Section } from '../context.js';
import { inRun, lockstep } from '../lockstep.js';
import { type Command, Running } from '../processes.js';
import { remarkOn } from '../pythons.js';
import { findRow } from '../rows.js';
import { median, summarise } from '../statistics.js';
import { ranged } from '../table.js';
import { trainTorch } from '../torch.js';
import { type TorchKind, type Way, waysOf } from '../torch-kinds.js';

const repetitions = 5;
const secondsWanted = 0.6;
const lookEveryMs = 2;
/** PyTorch starts fastest with one thread, and without a compiler. */
const oneThread: TorchKind = { name: '1 thread', options: [], threads: 1 };

export const start: Section = {
  name: 'start',
  title: 'From the command to the first update',
  async run(context, findings) {
    const firsts: number[] = [];
    const wholes: number[] = [];
    const ways = waysOf(context.pythons, [oneThread]);
    const torch = ways.map((): number[] => []);
    for (let i = 0; i < repetitions; i++) {
      const { first, whole } = await once(context, (command) => findings.command(readable(command, context)));
      firsts.push(first);
      wholes.push(whole);
      for (const [n, way] of ways.entries()) torch[n].push(await torchOnce(context, way));
    }
    const shown = (seconds: number) => `${seconds.toFixed(2)} s`;
    const cells = [
      ['lockstep train --max-steps 1: the first line of the metrics is there', ranged(summarise(firsts), shown)],
      ['the same, until the process has ended (with the evaluation)', ranged(summarise(wholes), shown)],
      ...ways.map(({ name }, n) => [
        `${name}: its first update of 784-100-10 at 128`,
        ranged(summarise(torch[n]), shown),
      ]),
    ];
    findings.table(
      `Seconds from the start of the process: median of ${repetitions} (range)`,
      ['until', 'seconds'],
      cells,
    );
    findings.note(remarkOn(context.pythons));
    findings.note('The line is written after the first update and an evaluation, so the update itself is earlier.');
    const measured = median(firsts);
    findings.target('start, first update', `under ${secondsWanted} s`, shown(measured), measured < secondsWanted);
  },
};

async function once(
  { scratch, mnist }: Context,
  tell: (command: Command) => void,
): Promise<{ first: number; whole: number }> {
  return inRun(scratch, async (out) => {
    const words = lockstep('train', '--max-steps', 1, '--data', mnist.directory, '--log-format', 'json', '--out', out);
    tell({ words });
    const begin = performance.now();
    const running = new Running({ words });
    const written = firstBytes(join(out, 'metrics.jsonl'), begin);
    const { code, wallMs, stderr } = await running.end();
    if (code !== 0) throw new Error(`lockstep train ended with ${code}: ${stderr}`);
    return { first: await written, whole: wallMs / 1000 };
  });
}

/** Waits until the file is not empty. Returns the seconds since `begin`. */
async function firstBytes(path: string, begin: number): Promise<number> {
  const patienceMs = 60_000;
  for (;;) {
    const passed = performance.now() - begin;
    if (existsSync(path) && statSync(path).size > 0) return passed / 1000;
    if (passed > patienceMs) throw new Error('no step was written down');
    await sleep(lookEveryMs);
  }
}

async function torchOnce({ root, scratch, mnist }: Context, way: Way): Promise<number> {
  const begin = Date.now() / 1000;
  const { firstUpdateAt } = await trainTorch({
    ...{ root, scratch, row: findRow('784-100-10, 128'), pixels: mnist, scheduling: 'other' },
    way,
    options: ['--segments', 1, '--seconds', 0.1],
  });
  return firstUpdateAt - begin;
}
