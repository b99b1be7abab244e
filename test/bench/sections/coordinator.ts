/** How a step spends its time, measured with `--profile`: the coordinator's own work, and blocks of its event loop. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Context, readable, type Section, Unavailable } from '../context.js';
import type { Findings } from '../findings.js';
import { endless, inRun, knowsOption, train, trainingCommand, type Workers } from '../lockstep.js';
import { ownWork, type Profile, parseProfile } from '../profile.js';
import { findRow, type Row } from '../rows.js';
import { median } from '../statistics.js';

const wantedMs = 5;
const members = [1, 1] as const;
const rowNames = ['784-100-10, 128', '784-512-512-10 relu, 128', '784-512-512-10 relu, 1024'];
/** The targets are for this network, which has 670 k parameters. */
const judged = '784-512-512-10';

export const coordinator: Section = {
  name: 'coordinator',
  title: "Where a step's time goes, and the coordinator's own work",
  async run(context, findings) {
    if (!(await knowsOption('coordinator', '--profile'))) {
      throw new Unavailable('this command line has no --profile');
    }
    findings.note(
      'A block of the event loop also contains time in which the process waited for a core or for the disk. Other ' +
        'programs and other virtual machines cause such waits, so the target counts only the time on a core.',
    );
    findings.note(
      'Own work is the sum of all phases except compute, watch and rest. Rest is the event loop and waiting.',
    );
    for (const row of rowNames.map(findRow)) {
      await profile(context, findings, row, 'train, 2 threads', { threads: 2 });
      const title = `coordinator, ${members.length} workers of 1 thread`;
      const profiles = await profile(context, findings, row, title, { processes: members });
      if (row.name.startsWith(judged)) judge(findings, row, profiles);
    }
  },
};

async function profile(
  context: Context,
  findings: Findings,
  row: Row,
  title: string,
  workers: Workers,
): Promise<Profile[]> {
  const profiles: Profile[] = [];
  for (let round = 0; round < context.rounds; round++) {
    context.log(`${row.name}, ${title}: round ${round + 1}/${context.rounds}`);
    profiles.push(await once(context, findings, row, workers));
  }
  const of = (name: string, values: number[]) => [
    name,
    ...[median(values), Math.min(...values), Math.max(...values)].map(us),
  ];
  const phases = [...profiles[0].phases.keys()];
  const cells = phases.map((phase) =>
    of(
      phase,
      profiles.map(({ phases }) => phases.get(phase) ?? 0),
    ),
  );
  const longest = [
    of(
      'longest block of the event loop',
      profiles.map((each) => 1000 * each.longestMs),
    ),
    of(
      'longest time of a block on a core',
      profiles.map((each) => 1000 * each.longestOnCoreMs),
    ),
    of(
      'garbage collection in that block',
      profiles.map((each) => 1000 * each.longestGcMs),
    ),
  ];
  const heading = `Microseconds of a step, by phase: ${row.name}: ${title}`;
  findings.table(heading, ['phase', 'median', 'min', 'max'], [...cells, ...longest]);
  return profiles;
}

async function once(context: Context, findings: Findings, row: Row, workers: Workers): Promise<Profile> {
  const { mnist: pixels, scratch } = context;
  const training = { row, pixels, scheduling: 'other', scratch, options: [...endless, '--profile'] } as const;
  return inRun(scratch, async (out) => {
    findings.command(readable(trainingCommand(training, workers, out), context));
    await train(training, workers, out, { interruptAfterMs: 1000 * context.seconds });
    return parseProfile(readFileSync(join(out, 'profile.json'), 'utf8'));
  });
}

function judge(findings: Findings, row: Row, profiles: readonly Profile[]): void {
  const own = median(profiles.map((each) => ownWork(each) / members.length / 1000));
  const longest = median(profiles.map(({ longestOnCoreMs }) => longestOnCoreMs));
  for (const [what, value] of [
    ['own work per step and member', own],
    ['longest block of the event loop, on a core', longest],
  ] as const) {
    const measured = `${value.toFixed(2)} ms`;
    findings.target(`coordinator, ${row.name}: ${what}`, `under ${wantedMs} ms`, measured, value < wantedMs);
  }
}

function us(microseconds: number): string {
  return microseconds.toFixed(microseconds < 10 ? 1 : 0);
}
