/**
 * A training run from beginning to end: load, check, open the site, train, and write the result. Everything that
 * touches the world is handed in: files, clock, processes, data, and the site, which knows who computes. Whatever
 * happens is reported as an event (run-event.ts).
 *
 * There is one way out. The plan, the user, a divergence or a failure can end a run. In every case, the site, the
 * machine and the directory are closed before `conduct` settles.
 */

import { basename } from 'node:path';
import type { Machine } from '../../shared/compute/machine.js';
import type { Platform } from '../../shared/compute/platform.js';
import { limits } from '../../shared/limits.js';
import type { Summary } from '../archive/config.js';
import type { Files } from '../archive/files.js';
import type { Processes } from '../archive/lock.js';
import type { RunDirectory } from '../archive/run-directory.js';
import type { LoadedDataset, LoadOptions } from '../data/load.js';
import { BestWeights } from './best-weights.js';
import { Chronicle } from './chronicle.js';
import type { Clock } from './clock.js';
import { divergence } from './divergence.js';
import { Ending } from './ending.js';
import { firstWeights, withGivenInit } from './first-weights.js';
import { planFleet, requestForFleet } from './fleet-choice.js';
import { liveRun } from './live-run.js';
import { openNew, openSaved, recallBest, resume, standingAt } from './opening.js';
import { Recorder } from './recorder.js';
import type { RunListener } from './run-event.js';
import { checkpointEveryDefault, type RunRequest } from './run-request.js';
import { completeSettings, type RunSettings } from './settings.js';
import { buildMachine, type RunSetup, restore, setUpRun } from './setup.js';
import type { Farewell, Site, SitePlan } from './site.js';
import { type StopReason, Trainer } from './trainer.js';
import { TrainerDriver } from './trainer-driver.js';

/** The means of a run: everything outside of it that it uses. */
export interface RunMeans {
  readonly platform: Platform;
  readonly files: Files;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly loadDataset: (options: LoadOptions) => Promise<LoadedDataset>;
  readonly site: SitePlan;
  /** Aborted when the user wants the run to end in good order. That may happen at any time. */
  readonly wish: AbortSignal;
  readonly emit: RunListener;
}

/**
 * Resolves with the summary, also for a run that was interrupted. Rejects with `diverged` after the summary is written.
 * Rejects with another error when the run cannot begin or cannot go on.
 */
export async function conduct(request: RunRequest, means: RunMeans): Promise<Summary> {
  const ending = new Ending(means.wish);
  const loaded = await load(request, means);
  try {
    return await lead(loaded, means, ending);
  } catch (error) {
    await loaded.directory.close().catch(() => {});
    throw error;
  } finally {
    loaded.machine.stop();
  }
}

/** The parts of a run. The data set is not one of them, because the machine has copied its samples. */
interface Loaded {
  readonly setup: RunSetup;
  readonly directory: RunDirectory;
  readonly trainer: Trainer;
  readonly machine: Machine;
  readonly best: BestWeights;
  /** Whether the directory held the run already. */
  readonly isResumed: boolean;
}

async function load(request: RunRequest, means: RunMeans): Promise<Loaded> {
  const { platform, emit } = means;
  const saved = await openSaved(request, means);
  let directory = saved;
  try {
    const settings = completeSettings(saved === null ? requestForFleet(request) : request, saved?.config ?? null);
    const dataset = await loadData(settings, means);
    const checkpointEveryMs = 1000 * (request.checkpointEvery ?? checkpointEveryDefault);
    const usual = setUpRun(settings, dataset, checkpointEveryMs);
    const plan = planFleet(request, usual, saved === null);
    if (plan !== null) emit({ type: 'planned', plan });
    const fitting = plan && setUpRun({ ...settings, ...plan.size }, dataset, checkpointEveryMs);
    const { setup, weights: given } = await withGivenInit(fitting ?? usual, settings);
    const checkpoint = saved === null ? null : await resume(saved, setup, emit);
    directory ??= await openNew(request, setup, means);
    const best = new BestWeights();
    const standing = await recallBest(directory, setup.plan, standingAt(checkpoint), best, emit);
    const trainer = new Trainer(setup.plan, standing);
    const origin = checkpoint ?? (await firstWeights(setup.config, given));
    const onStranded = (stranded: boolean) => emit({ type: stranded ? 'stranded' : 'manned' });
    const machine = buildMachine(setup, dataset, means.site, platform, onStranded);
    if (origin !== null) restore(machine, origin);
    return { setup, directory, trainer, machine, best, isResumed: saved !== null };
  } catch (error) {
    await directory?.close().catch(() => {});
    throw error;
  }
}

function loadData({ data, dataset }: RunSettings, { loadDataset, wish, emit }: RunMeans): Promise<LoadedDataset> {
  return loadDataset({
    dataset,
    signal: wish,
    ...(data !== undefined && { directory: data }),
    onWarning: (message) => emit({ type: 'warned', warning: { code: 'dataset-replaced', message } }),
    onProgress: ({ file, bytes, bytesTotal = null }) => emit({ type: 'downloading', file, bytes, bytesTotal }),
  });
}

/** Opens the site, trains, and leaves the result behind. */
async function lead(loaded: Loaded, means: RunMeans, ending: Ending): Promise<Summary> {
  const { setup, directory, trainer, machine, isResumed } = loaded;
  const { platform } = means;
  const { path } = directory;
  const emit = recording(directory, means.emit);
  const resumedAtStep = isResumed ? trainer.position.step : null;
  const recorder = new Recorder(setup.config, machine.orders.train, resumedAtStep, platform.nowMs);
  const firstStep = trainer.position.step;
  const site = means.site.open({ name: basename(path), directory: path, setup, machine, firstStep, ending, emit });
  const chronicle = new Chronicle({ ...loaded, recorder, site, emit });
  // Whoever follows the file sees the steps of a slow run, too.
  const stopFlushing = means.clock.every(limits.metricsFlushMs, () => void directory.flush());
  try {
    const reason = await train({ ...loaded, recorder, site, chronicle, ending, emit }, platform);
    const { workers, threads } = site;
    emit({ type: 'trained', reason, steps: trainer.position.step - (resumedAtStep ?? 0), workers, threads });
    const written = chronicle.finish(reason);
    // Workers may leave only when the result is on the disk. If it cannot be written, the run is started again and
    // needs them. After an interrupt they come back in any case, so they need not wait for a slow disk.
    if (reason !== 'interrupted') await written;
    const [summary] = await Promise.all([written, site.close(farewells[reason])]);
    emit({ type: 'ended', reason, summary, directory: path });
    if (reason === 'diverged') throw divergence(trainer.position.step, setup);
    return summary;
  } finally {
    stopFlushing();
    // After a failure, workers look for the run until the user starts it again.
    await site.close('interrupted');
  }
}

/** The metrics file is the first listener: the lines of all steps that others hear of are in it. */
function recording(directory: RunDirectory, emit: RunListener): RunListener {
  return (event) => {
    if (event.type === 'stepped') directory.record(event.line);
    emit(event);
  };
}

interface Staged extends Loaded {
  readonly recorder: Recorder;
  readonly site: Site;
  readonly chronicle: Chronicle;
  readonly ending: Ending;
  readonly emit: RunListener;
}

async function train(staged: Staged, platform: Platform): Promise<StopReason> {
  const { setup, directory, trainer, machine, isResumed, recorder, site, chronicle, ending, emit } = staged;
  const training = new TrainerDriver(machine, trainer, platform.nowMs, chronicle);
  const run = liveRun({ setup, directory, trainer, machine, training, recorder, ending });
  emit({ type: 'loaded', run, history: isResumed ? await directory.history() : [] });
  await site.ready();
  // Done now, because every member would wait for it in the middle of the first step.
  machine.orders.train.prepare(trainer.position.epoch);
  emit({ type: 'begun' });
  recorder.begin();
  return training.run(ending);
}

const farewells: Record<StopReason, Farewell> = {
  epochs: 'finished',
  'max-steps': 'finished',
  'target-accuracy': 'finished',
  converged: 'finished',
  interrupted: 'interrupted',
  diverged: 'diverged',
};
