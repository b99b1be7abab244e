/** Looks up how well weights did on the test set, in what their run has recorded. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { linesUpTo, metricsOf } from '../archive/metrics-log.js';
import { runFileNames } from '../archive/run-directory.js';
import { parseSummary } from '../view/summary-file.js';

export interface RecordedScore {
  /** Number of updates that made the weights. */
  readonly step: number;
  readonly testAccuracy: number;
  readonly testLoss: number;
}

/**
 * The score of the weights with this hash, or null if the run has not evaluated them. `path` is a run directory or a file in
 * one. A file that is missing or damaged has no scores.
 */
export async function recordedScore(path: string, weightsSha256: string): Promise<RecordedScore | null> {
  const run = runOf(path);
  const read = (name: string) => readFile(join(run, name), 'utf8').catch(() => '');
  const lines = metricsOf(linesUpTo(await read(runFileNames.metrics), Number.MAX_SAFE_INTEGER));
  for (const each of [...inSummary(await read(runFileNames.summary)), ...lines]) {
    const { step, testAccuracy, testLoss } = each;
    if (each.weightsSha256 !== weightsSha256 || typeof testAccuracy !== 'number') continue;
    if (typeof testLoss === 'number') return { step, testAccuracy, testLoss };
  }
  return null;
}

function runOf(path: string): string {
  const whole = resolve(path);
  if (!whole.endsWith('.safetensors')) return whole;
  const folder = dirname(whole);
  return basename(folder) === runFileNames.checkpoints ? dirname(folder) : folder;
}

/** An empty list if the text is not a summary. */
function inSummary(text: string) {
  try {
    const summary = parseSummary(text, runFileNames.summary);
    return [{ ...summary, step: summary.weightsStep ?? summary.steps }];
  } catch {
    return [];
  }
}
