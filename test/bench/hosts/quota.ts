/**
 * Makes slow devices: a control group of Linux lets its processes have a part of one core. The group has to be entered
 * before `ip netns exec`, which hides /sys/fs/cgroup; a quota that is not in force is easily overlooked, so `measuredShare`
 * measures it.
 */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../processes.js';

const mounted = '/sys/fs/cgroup';
/** The kernel lets a group run for its share of each such period. This is also the default of containers. */
const periodUs = 100_000;
/** Tries to remove a group whose last process is about to end, and the time between two of them. */
const removals = 100;
const removalMs = 20;

/** Where groups with quotas are made, and the file with the quota: control groups have two versions. */
export interface Controller {
  readonly directory: string;
  /** The names and contents of the files that set a quota. */
  settings(share: number): readonly (readonly [file: string, content: string])[];
}

/** Null if this machine has none that can be used. */
export function findController(root = mounted): Controller | null {
  const [first, second] = [join(root, 'cpu'), join(root, 'cgroup.subtree_control')];
  if (existsSync(join(first, 'cgroup.procs'))) return writable({ directory: first, settings: firstVersion });
  const isUsable = existsSync(second) && readFileSync(second, 'utf8').split(/\s+/).includes('cpu');
  return isUsable ? writable({ directory: root, settings: secondVersion }) : null;
}

/** In containers, control groups can often be read only. */
function writable(controller: Controller): Controller | null {
  try {
    accessSync(controller.directory, constants.W_OK);
    return controller;
  } catch {
    return null;
  }
}

function firstVersion(share: number) {
  return [
    ['cpu.cfs_period_us', String(periodUs)],
    ['cpu.cfs_quota_us', String(Math.round(share * periodUs))],
  ] as const;
}

function secondVersion(share: number) {
  return [['cpu.max', `${Math.round(share * periodUs)} ${periodUs}`]] as const;
}

const open = new Set<Quota>();
process.on('exit', () => {
  for (const quota of open) quota.remove();
});

export class Quota {
  private readonly directory: string;

  /** `share`: the part of one core, such as 0.15. */
  constructor(controller: Controller, name: string, share: number) {
    this.directory = join(controller.directory, name);
    mkdirSync(this.directory);
    open.add(this);
    for (const [file, content] of controller.settings(share)) writeFileSync(join(this.directory, file), content);
  }

  /** The command that runs these words within the quota. The shell becomes the program, so signals reach it. */
  words(words: readonly string[]): string[] {
    const enter = 'echo 0 > "$1" && shift && exec "$@"';
    return ['sh', '-c', enter, 'sh', join(this.directory, 'cgroup.procs'), ...words];
  }

  /** Puts a running process under the quota, with all its threads. */
  enter(processId: number): void {
    writeFileSync(join(this.directory, 'cgroup.procs'), String(processId));
  }

  /** The processes must have been killed. Waits a little until they are gone. */
  remove(): void {
    if (!open.delete(this)) return;
    for (let i = 0; i < removals; i++) {
      try {
        return rmdirSync(this.directory);
      } catch {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, removalMs);
      }
    }
  }
}

const busy = `
const start = process.hrtime.bigint();
const passed = () => Number(process.hrtime.bigint() - start) / 1e3;
while (passed() < 2e6);
const { user, system } = process.cpuUsage();
console.log((user + system) / passed());
`;

/** The part of a core that a busy program gets. `wrap` makes its command, within a quota or without one. */
export async function measuredShare(wrap: (words: readonly string[]) => readonly string[]): Promise<number> {
  const { stdout } = await run({ words: wrap([process.execPath, '-e', busy]) });
  return Number(stdout);
}
