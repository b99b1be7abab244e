/** Trains one preset in a process of its own, as a user does, and reads what came of it. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRun } from '../../coordinator/library.js';
import type { FinishedRun } from '../../coordinator/view/finished-run.js';
import type { PresetName } from '../../shared/model/presets.js';
import { Running, shown } from '../bench/processes.js';
import { isRight, type Verdict, verdictsOf } from '../drawn/score.js';
import { besides, type DatasetName, type Drawn, type PresetRun, type Settings } from './report.js';

export interface Subject {
  readonly preset: PresetName;
  readonly dataset: DatasetName;
  readonly seed: number;
  /** Options besides those of every run with this preset and data set. */
  readonly options: readonly string[];
}

export interface Means {
  readonly root: string;
  /** The directory of each data set. */
  readonly data: Readonly<Record<DatasetName, string>>;
  readonly scratch: string;
  readonly limitSeconds: number;
}

/** Rejects with a sentence if the run does not end well, or not in time. */
export async function measure(subject: Subject, means: Means): Promise<Omit<PresetRun, 'environment'>> {
  const { preset, dataset, seed, options } = subject;
  const { root, data, scratch, limitSeconds } = means;
  const out = mkdtempSync(join(scratch, `${preset}-`));
  const program = [process.execPath, join(root, 'dist/coordinator/cli/main.js')];
  const given = [...besides(preset, dataset), ...options];
  const chosen = ['--preset', preset, '--data', data[dataset], '--seed', String(seed), ...given];
  const command = { words: [...program, 'train', ...chosen, '--out', out, '--log-format', 'json'] };
  const { code, stderr } = await new Running(command).end({ timeoutMs: 1000 * limitSeconds });
  if (code === null) throw new Error(`it did not end within ${limitSeconds} s (--limit): ${shown(command)}`);
  if (code !== 0) throw new Error(`${shown(command)} ended with ${code}: ${stderr.trim()}`);
  const run = await openRun(out);
  const drawn = dataset === 'mnist' ? drawnBy(run) : null;
  return { preset, dataset, seed, settings: settingsOf(run), ...resultOf(out), drawn };
}

function settingsOf({ config }: FinishedRun): Settings {
  const { epochs, batch, microBatch, rounds, wireBits, optimizer, schedule, augment, smoothing, clip } = config;
  const sizes = { epochs, batch, microBatch, rounds, wireBits };
  // JSON leaves out what is undefined.
  return JSON.parse(JSON.stringify({ ...sizes, optimizer, schedule, augment, smoothing, clip }));
}

type Result = Pick<PresetRun, 'accuracy' | 'seconds' | 'samplesPerSecond' | 'weightsSha256'>;

function resultOf(directory: string): Result {
  const summary = JSON.parse(readFileSync(join(directory, 'summary.json'), 'utf8'));
  const { testAccuracy: accuracy, seconds, samplesPerSecond, weightsSha256 } = summary;
  return { accuracy, seconds: Number(seconds.toFixed(2)), samplesPerSecond, weightsSha256 };
}

function drawnBy(run: FinishedRun): Drawn {
  const verdicts = verdictsOf(run);
  const right = verdicts.filter(isRight);
  const wrong = verdicts.filter((verdict) => !isRight(verdict));
  const unsure = (some: readonly Verdict[]) => some.filter(({ other }) => other !== null).length;
  return { right: right.length, wrong: wrong.length, unsureOfRight: unsure(right), unsureOfWrong: unsure(wrong) };
}
