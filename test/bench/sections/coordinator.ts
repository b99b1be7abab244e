/** The coordinator's own work for a step, and how long it lets its event loop wait, from what `--profile` leaves. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Context, readable, type Section, Unavailable } from '../context.js';
import type { Findings } from '../findings.js';
import { endless, inRun, knowsOption, train, trainingCommand } from '../lockstep.js';
import { ownWork, type Profile, parseProfile } from '../profile.js';
import { findRow, parameters, type Row } from '../rows.js';
import { median } from '../statistics.js';

const wantedMs = 5;
const members = [1, 1] as const;

export const coordinator: Section = {
  name: 'coordinator',
  title: "The coordinator's own work",
  async run(context, findings) {
    if (!(await knowsOption('coordinator', '--profile'))) {
      throw new Unavailable('this command line has no --profile');
    }
    for (const name of ['784-512-512-10 relu, 128', '784-512-512-10 relu, 1024']) {
      const row = findRow(name);
      const profiles: Profile[] = [];
      for (let round = 0; round < context.rounds; round++) {
        context.log(`${name}: round ${round + 1}/${context.rounds}`);
        const profile = await once(context, findings, row);
        if (profile !== null) profiles.push(profile);
      }
      if (profiles.length === 0) findings.note(`${name}: --profile left no profile.json in the run directory.`);
      else judge(findings, row, profiles);
    }
  },
};

async function once(context: Context, findings: Findings, row: Row): Promise<Profile | null> {
  const { mnist: pixels, scratch } = context;
  const training = { row, pixels, scheduling: 'other', scratch, options: [...endless, '--profile'] } as const;
  return inRun(scratch, async (out) => {
    findings.command(readable(trainingCommand(training, { processes: members }, out), context));
    await train(training, { processes: members }, out, { interruptAfterMs: 1000 * context.seconds });
    const path = join(out, 'profile.json');
    return existsSync(path) ? parseProfile(JSON.parse(readFileSync(path, 'utf8'))) : null;
  });
}

function judge(findings: Findings, row: Row, profiles: readonly Profile[]): void {
  const phases = [...profiles[0].phases.keys()];
  const cells = phases.map((phase) => {
    const us = profiles.map((profile) => profile.phases.get(phase) ?? Number.NaN);
    return [phase, median(us).toFixed(0), Math.min(...us).toFixed(0), Math.max(...us).toFixed(0)];
  });
  const title = `Microseconds of a step by phase: ${row.name}, ${parameters(row)} parameters, ${members.length} workers`;
  findings.table(title, ['phase', 'median', 'min', 'max'], cells);
  const own = median(profiles.map((profile) => ownWork(profile) / members.length / 1000));
  const what = `coordinator, ${row.name}`;
  findings.target(
    `${what}: own work per step and member`,
    `under ${wantedMs} ms`,
    `${own.toFixed(2)} ms`,
    own < wantedMs,
  );
  const longest = profiles.flatMap(({ eventLoopLongestMs }) => eventLoopLongestMs ?? []);
  if (longest.length === 0) return findings.note('profile.json names no eventLoopLongestMs.');
  const block = median(longest);
  findings.target(
    `${what}: longest block of the event loop`,
    `under ${wantedMs} ms`,
    `${block.toFixed(2)} ms`,
    block < wantedMs,
  );
}
