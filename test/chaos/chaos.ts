/**
 * Runs the real program and causes faults whose order and times follow from a seed: processes are killed, stopped,
 * continued and started, and the coordinator is killed and resumed. The result must equal that of an undisturbed run.
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
  /** Whether to cause another fault after `faultsMade` faults. Finishing and checking the run then takes more time. */
  readonly goesOn: (faultsMade: number) => boolean;
  /** A directory for temporary files. */
  readonly directory: string;
  readonly onFault?: (fault: Fault) => void;
}

export interface ChaosResult {
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** How often the coordinators' logs contain each saying. */
  readonly said: ReadonlyMap<string, number>;
  readonly steps: number;
  readonly weightsSha256: string;
}

/**
 * The epochs are short, so that a kill often happens while a checkpoint is written. With odd seeds, the run has rounds and
 * coarse numbers, whose checkpoints have more vectors. A round has as many samples as a step.
 */
function settingsFor(seed: number): (string | number)[] {
  const rounds = ['--local-steps', 4, '--replicas', 4, '--wire-bits', 4];
  const size = seed % 2 === 1 ? rounds : ['--batch', 256];
  return [...size, '--micro-batch', 16, '--epochs', 1_000_000];
}

const sizes = { train: 10_000, test: 500 };
/** Every epoch ends with an evaluation, so the log has an evaluation at least every 40 steps. */
const stepsPerEpoch = 40;

/** Labels of the random streams. The port has its own stream, so that a port in use does not change the faults. */
const streams = { port: 1, schedule: 2 };

/** After the last fault, the run must make this many steps, then be interrupted, then make as many again. */
const stepsAfter = 100;

/** The messages of the coordinators' logs that are counted. */
const sayings: Readonly<Record<string, RegExp>> = {
  'joined the run': / joined \(/,
  'left, or its connection closed': / left \(/,
  'dropped as silent': /no sign of life/,
  'dropped for want of progress': /not finished in time/,
  'paused for want of workers': /^no workers left/,
  'went on from a checkpoint': /^resumed at step/,
};

/** Runs the test. Throws an Error that says what was lost. */
export async function chaos({ seed, goesOn, directory, onFault }: ChaosOptions): Promise<ChaosResult> {
  const faults = new Map<FaultKind, number>();
  const said = new Map<string, number>();
  const out = join(directory, 'chaos');
  const data = writeDigits(join(directory, 'data'), sizes);
  const settings = settingsFor(seed);
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
    const quiet = await trainQuietly(directory, data, [...settings, '--max-steps', steps]);
    return { faults, said, steps, weightsSha256: await compareRuns(out, quiet) };
  } finally {
    await scene.close();
  }
}

/** Ends all faults, and waits until the run makes progress again. */
async function settle(scene: Scene): Promise<void> {
  scene.heal();
  const isEvaluation = ({ step }: LogLine) => step !== undefined;
  const { step = 0 } = await scene.logs(isEvaluation);
  await scene.logs((line) => (line.step ?? 0) >= step + stepsAfter);
}

/** Trains with one worker and without faults. Returns the run directory. */
async function trainQuietly(directory: string, data: string, settings: readonly (string | number)[]): Promise<string> {
  const out = join(directory, 'quiet');
  const words = ['train', '--workers', 1, '--data', data, '--out', out, ...settings];
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
