/**
 * A run of the real program to which all that a seed has in store is done: processes killed, stopped, continued and
 * started, the coordinator killed and resumed. What it must come to is what a quiet run comes to.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../../shared/random.js';
import { writeDigits } from '../digits-directory.js';
import { compareRuns } from './compare.js';
import { type LogLine, Program } from './program.js';
import { freePort, Scene } from './scene.js';
import { type Fault, type FaultKind, schedule } from './schedule.js';

export interface ChaosOptions {
  readonly seed: number;
  /** Whether another thing is to go wrong, after so many. What follows takes its own time. */
  readonly goesOn: (faultsMade: number) => boolean;
  /** Scratch. */
  readonly directory: string;
  readonly onFault?: (fault: Fault) => void;
}

export interface ChaosResult {
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** What the coordinators said of it. */
  readonly said: ReadonlyMap<string, number>;
  readonly steps: number;
  readonly weightsSha256: string;
}

/** Many short epochs, so that kills meet checkpoints being written. */
const settings = ['--batch', 256, '--micro-batch', 16, '--epochs', 1_000_000];
const sizes = { train: 10_000, test: 500 };
/** And so evaluations in the log: at most so many steps after the newest one the next one follows. */
const stepsPerEpoch = 40;

/** Labels of the random streams: a port that is taken must not change what goes wrong. */
const streams = { port: 1, schedule: 2 };

/** Steps that a run must make when nothing goes wrong any more, before and after it is interrupted. */
const stepsAfter = 100;

/** What is counted of the coordinators' logs. */
const sayings: Readonly<Record<string, RegExp>> = {
  'joined the run': / joined \(/,
  'left, or its connection closed': / left \(/,
  'dropped as silent': /no sign of life/,
  'dropped for want of progress': /not finished in time/,
  'paused for want of workers': /^no workers left/,
  'went on from a checkpoint': /^resumed at step/,
};

/** Throws an Error that says what is lost. */
export async function chaos({ seed, goesOn, directory, onFault }: ChaosOptions): Promise<ChaosResult> {
  const faults = new Map<FaultKind, number>();
  const said = new Map<string, number>();
  const out = join(directory, 'chaos');
  const data = writeDigits(join(directory, 'data'), sizes);
  const port = await freePort(new Random(seed, streams.port));
  let newestStep = 0;
  const onLine = (line: LogLine) => {
    tally(said, line);
    newestStep = Math.max(newestStep, line.step ?? 0);
  };
  const scene = new Scene({ port, out, data, settings, onLine });
  try {
    await scene.begin();
    let made = 0;
    for (const fault of schedule(new Random(seed, streams.schedule))) {
      await Promise.race([pause(fault.afterMs), scene.spoilt]);
      if (!goesOn(made++)) break;
      scene.perform(fault);
      faults.set(fault.kind, (faults.get(fault.kind) ?? 0) + 1);
      onFault?.(fault);
    }
    await settle(scene);
    await scene.interrupt();
    const steps = newestStep + stepsPerEpoch + stepsAfter;
    await scene.finish(steps);
    return { faults, said, steps, weightsSha256: await compareRuns(out, await trainQuietly(directory, data, steps)) };
  } finally {
    await scene.close();
  }
}

/** Progress, once the faults have stopped. */
async function settle(scene: Scene): Promise<void> {
  scene.heal();
  const isEvaluation = ({ step }: LogLine) => step !== undefined;
  const { step = 0 } = await scene.logs(isEvaluation);
  await scene.logs((line) => (line.step ?? 0) >= step + stepsAfter);
}

/** One worker, no faults; returns the run directory. */
async function trainQuietly(directory: string, data: string, steps: number): Promise<string> {
  const out = join(directory, 'quiet');
  const words = ['train', '--workers', 1, '--data', data, '--out', out, ...settings, '--max-steps', steps];
  const quiet = new Program('the quiet run', words);
  const ended = await quiet.ended;
  if (ended.code !== 0) throw new Error(quiet.describe(ended));
  return out;
}

function tally(said: Map<string, number>, { msg }: LogLine): void {
  for (const [name, pattern] of Object.entries(sayings)) {
    if (pattern.test(msg)) said.set(name, (said.get(name) ?? 0) + 1);
  }
}
