/** Who listens to a run at the command line: the log, the progress bar, the garbage collector, and the profile. */

import { grouped } from '../../shared/figures.js';
import type { StepUnit } from '../../shared/step-unit.js';
import type { MetricsLine } from '../archive/config.js';
import type { Profiler } from '../profile/profiler.js';
import type { LiveRun } from '../run/live-run.js';
import type { RunListener } from '../run/run-event.js';
import { describe, type JoinPlace } from './describe.js';
import { collectGarbage } from './engine.js';
import type { Log } from './log.js';
import type { ProgressBar } from './readable-log.js';

/** Tells each of the listeners, in order. */
export function tellAll(listeners: readonly RunListener[]): RunListener {
  return (event) => {
    for (const listen of listeners) listen(event);
  };
}

/** `place` is asked for every line, because the port is known only after the site is open. */
export function toLog({ logger }: Log, place: () => JoinPlace | null = () => null): RunListener {
  let unit: StepUnit = 'step';
  return (event) => {
    if (event.type === 'loaded' && event.run.setup.config.rounds !== undefined) unit = 'round';
    const line = describe(event, place(), unit);
    if (line !== null) logger[line.level](line.fields, line.text);
  };
}

export function toBar({ bar }: Log): RunListener {
  if (bar === null) return () => {};
  let run: LiveRun | null = null;
  return (event) => {
    if (event.type === 'downloading') showDownload(bar, event.file, event.bytes, event.bytesTotal);
    else if (event.type === 'stepped' && run !== null) showStep(bar, run, event.line);
    else if (event.type === 'loaded') run = event.run;
    if (event.type === 'loaded' || event.type === 'trained') bar.stop();
  };
}

/** Collects the garbage from loading before the first step, so that no step has to wait for it. */
export const toCollector: RunListener = ({ type }) => {
  if (type === 'begun') collectGarbage();
};

/** Measures from the first step to the last, then writes profile.json and profile.md. */
export function toProfiler(profiler: Profiler | null): RunListener {
  if (profiler === null) return () => {};
  let directory = '';
  return (event) => {
    if (event.type === 'loaded') directory = event.run.directory;
    else if (event.type === 'begun') profiler.begin();
    else if (event.type === 'trained') profiler.finish(directory, event.steps, event);
  };
}

function showDownload(bar: ProgressBar, file: string, bytes: number, bytesTotal: number | null): void {
  bar.update(`downloading ${file}`, bytesTotal ?? bytes, bytes, `${(bytes / 1e6).toFixed(1)} MB`);
}

function showStep(bar: ProgressBar, { setup }: LiveRun, { step, epoch, loss, samplesPerSecond }: MetricsLine): void {
  const { epochs, stepsPerEpoch } = setup.plan;
  const detail = `loss ${loss.toFixed(4)} | ${grouped(samplesPerSecond)} samples/s`;
  bar.update(`epoch ${epoch}/${epochs}`, stepsPerEpoch, step - (epoch - 1) * stepsPerEpoch, detail);
}
