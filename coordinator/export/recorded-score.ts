/** Looks up how well weights did on the test set, in what their run has recorded. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { linesUpTo, metricsOf } from '../archive/metrics-log.js';
import { runFileNames } from '../archive/run-directory.js';
import { parseSummary } from '../view/summary-file.js';

export interface RecordedScore {
  /** Number of updates that made the weights. */
  readonly step: number;
  /** Null if these very weights were not evaluated on the test set. */
  readonly testAccuracy: number | null;
  readonly testLoss: number | null;
}

/**
 * What is recorded of the weights with this hash, or null if the run does not know them. `path` is a run directory or a file
 * in one. Nothing is known from a file that is missing or damaged.
 */
export async function recordedScore(path: string, weightsSha256: string): Promise<RecordedScore | null> {
  const run = runOf(path);
  const read = (name: string) => readFile(join(run, name), 'utf8').catch(() => '');
  const lines = metricsOf(linesUpTo(await read(runFileNames.metrics), Number.MAX_SAFE_INTEGER));
  const line = lines.find((each) => each.weightsSha256 === weightsSha256 && each.testAccuracy !== undefined);
  if (line !== undefined) return scoreOf(line.step, line);
  const summary = inSummary(await read(runFileNames.summary));
  if (summary?.weightsSha256 !== weightsSha256) return null;
  // With a validation set, the test set is evaluated once, at the end. Without one, the summary may be about earlier weights.
  const { weightsStep, steps, validationAccuracy } = summary;
  return scoreOf(weightsStep ?? steps, validationAccuracy === undefined ? {} : summary);
}

interface Figures {
  readonly testAccuracy?: number | null;
  readonly testLoss?: number | null;
}

function scoreOf(step: number, { testAccuracy, testLoss }: Figures): RecordedScore {
  return { step, testAccuracy: testAccuracy ?? null, testLoss: testLoss ?? null };
}

function runOf(path: string): string {
  const whole = resolve(path);
  if (!whole.endsWith('.safetensors')) return whole;
  const folder = dirname(whole);
  return basename(folder) === runFileNames.checkpoints ? dirname(folder) : folder;
}

/** Null if the text is not a summary. */
function inSummary(text: string): ReturnType<typeof parseSummary> | null {
  try {
    return parseSummary(text, runFileNames.summary);
  } catch {
    return null;
  }
}
