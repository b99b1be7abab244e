/** `lockstep textbook`: the experiment of the textbooks, and a page about it. */
import { percent } from '../../shared/figures.js';
import { plural } from '../../shared/plural.js';
import type { KernelsWish } from '../../worker/native/wish.js';
import type { DatasetChoice } from '../data/published.js';
import { localSite } from '../run/local-site.js';
import { nodeMeans } from '../run/node-means.js';
import { lessonRuns } from '../textbook/lesson-runs.js';
import { makeTextbook, type TextbookEvent } from '../textbook/textbook.js';
import { tellAll, toBar, toCollector, toLog } from './listeners.js';
import { createLog, type Log, type LogConfig } from './log.js';
import { preparePlatform } from './process.js';
import { onInterrupt } from './signals.js';

export interface TextbookOptions extends LogConfig {
  readonly data?: string | undefined;
  readonly dataset?: DatasetChoice | undefined;
  readonly out: string;
  /** Compute threads. */
  readonly workers: number;
  readonly kernels?: KernelsWish | undefined;
}

/** Resolves with the exit code. */
export async function runTextbook({ data, dataset, out, workers, ...options }: TextbookOptions): Promise<number> {
  const log = await createLog(options);
  const { platform } = await preparePlatform({ ...options, profile: false }, log.logger, workers - 1);
  const wish = new AbortController();
  onInterrupt(() => wish.abort());
  const means = { ...nodeMeans, platform, site: localSite(workers), wish: wish.signal, emit: tellFrom(log) };
  try {
    const { page, lesson } = await makeTextbook({ out, data, dataset }, means);
    log.logger.info({ page, runs: lesson.runs.length }, `done: open ${page} in a browser`);
    return 0;
  } finally {
    log.bar?.stop();
  }
}

/** A line for each run. Of what a run reports, only its progress and trouble with disk and data are shown. */
function tellFrom(log: Log): (event: TextbookEvent) => void {
  const shown = new Set(['alarm-raised', 'alarm-cleared', 'checkpoint-trouble', 'resumed']);
  const [bar, lines] = [tellAll([toBar(log), toCollector]), toLog(log)];
  const runs = Object.keys(lessonRuns).length;
  let done = 0;
  return (told) => {
    switch (told.type) {
      case 'loaded': {
        const { name, sha256 } = told.dataset;
        return log.logger.info({ dataset: name, sha256 }, `${plural(runs, 'short run')} on ${name}`);
      }
      case 'run-measured': {
        const { run, steps, weightsSha256, evaluations, hasDiverged } = told.measured;
        const testAccuracy = evaluations.at(-1)?.accuracy ?? null;
        const accuracy = testAccuracy === null ? 'not evaluated' : `test ${percent(testAccuracy)}`;
        const fields = { run: run.name, steps, testAccuracy, weightsSha256, diverged: hasDiverged };
        const end = hasDiverged ? ', then it diverged' : '';
        done += 1;
        return log.logger.info(fields, `${done}/${runs} ${run.name}: ${accuracy} after ${plural(steps, 'step')}${end}`);
      }
      case 'reported': {
        bar(told.event);
        const isData = told.event.type === 'warned' && told.event.warning.code === 'dataset-replaced';
        if (isData || shown.has(told.event.type)) lines(told.event);
        return;
      }
      default:
        return told satisfies never;
    }
  };
}
