/** `npm run sim`: simulates courses of a cluster, one for each seed, or the paces of quiet fleets. */
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { tryMutes } from './mutes.js';
import { comparePaces } from './paces.js';
import { simulate } from './simulate.js';
import { Violation } from './world.js';

const { seeds, from, seed, paces, mutes, verbose } = await yargs(hideBin(process.argv))
  .scriptName('npm run sim --')
  .option('seeds', { type: 'number', default: 300, describe: 'how many seeds' })
  .option('from', { type: 'number', default: 1, describe: 'the first of them' })
  .option('seed', { type: 'number', describe: 'only this one' })
  .option('paces', {
    type: 'boolean',
    default: false,
    describe: 'time the steps of fleets, of each fleet’s first members too',
  })
  .option('mutes', {
    type: 'boolean',
    default: false,
    describe: 'put one honest worker among others that return nothing',
  })
  .option('verbose', { type: 'boolean', default: false, describe: 'print what happens' })
  .example('npm run sim -- --seeds 1000', 'a thousand courses')
  .example('npm run sim -- --seed 42 --verbose', 'one of them, event by event')
  .example('npm run sim -- --paces --seeds 20', 'twenty fleets, whose steps are timed')
  .example('npm run sim -- --mutes --seeds 20', 'twenty fleets with one honest worker')
  .strict()
  .parse();

const print = verbose ? (line: string) => process.stdout.write(`${line}\n`) : null;
const first = seed ?? from;
const last = seed ?? from + seeds - 1;
const counts: Record<string, number> = {};
const count = (what: string, by: number) => {
  counts[what] = (counts[what] ?? 0) + by;
};
for (let at = first; at <= last; at++) {
  try {
    if (paces) {
      const { what, times } = await comparePaces(at);
      process.stdout.write(
        `${what}: ${times.map(({ members, ms }) => `${members}: ${ms.toFixed(1)} ms`).join(', ')}\n`,
      );
      continue;
    }
    if (mutes) {
      process.stdout.write(`${await tryMutes(at)}\n`);
      continue;
    }
    const course = await simulate(at, print);
    count('seeds', 1);
    count('events', course.events);
    count('virtual seconds', Math.round(course.virtualMs / 1000));
    for (const [kind, times] of Object.entries(course.faults)) count(`fault: ${kind}`, times);
    const { dropped, ...tally } = course.tally;
    for (const [what, times] of Object.entries(tally)) count(what, times);
    for (const [reason, times] of Object.entries(dropped)) count(`dropped: ${reason.slice(0, 60)}`, times);
    if (seed !== undefined)
      process.stdout.write(`seed ${at}: trace ${course.traceHash}, weights ${course.weightsSha256}\n`);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    process.stdout.write(`${error.message}\n`);
    process.exitCode = 1;
    break;
  }
}
for (const [what, times] of Object.entries(counts)) process.stdout.write(`${String(times).padStart(9)}  ${what}\n`);
