/**
 * The textbook experiment from beginning to end: makes its runs one after the other, each in a directory of its own, and
 * then the page and the pictures from the files of the runs. Runs that are there already are not made again, so the same
 * request goes on where an earlier one has stopped.
 */
import { join } from 'node:path';
import { LockstepError } from '../../shared/errors.js';
import { initialWeights } from '../../shared/model/initialise.js';
import { atomicWrite, ensureDirectory, listIfThere } from '../archive/files.js';
import { describeFault } from '../data/fault.js';
import type { LoadedDataset } from '../data/load.js';
import type { DatasetChoice } from '../data/published.js';
import { chartSvg, paintOfFile } from '../picture/line-chart.js';
import { encodePng } from '../picture/write-png.js';
import { conduct, type RunMeans } from '../run/conduct.js';
import type { RunEvent } from '../run/run-event.js';
import { type Lesson, type LessonPicture, lessonOf, type MeasuredRuns } from './lesson.js';
import {
  entropyModelFile,
  type LessonRun,
  type LessonRunKey,
  lessonModel,
  lessonRequest,
  lessonRuns,
  lessonSeed,
} from './lesson-runs.js';
import { type MeasuredRun, measureRun } from './measured-run.js';
import { lessonPage } from './page.js';

export interface TextbookRequest {
  /** The directory for runs, page and pictures. */
  readonly out: string;
  readonly data?: string | undefined;
  readonly dataset?: DatasetChoice | undefined;
}

export type TextbookEvent =
  | { readonly type: 'loaded'; readonly dataset: LoadedDataset }
  | { readonly type: 'run-measured'; readonly measured: MeasuredRun }
  /** What a run under way reports, or the loading before the first one. */
  | { readonly type: 'reported'; readonly event: RunEvent };

export interface TextbookMeans extends Omit<RunMeans, 'emit'> {
  readonly emit: (event: TextbookEvent) => void;
}

export interface Textbook {
  readonly lesson: Lesson;
  readonly page: string;
}

const pageFile = 'index.html';
const pictures = 'pictures';

/**
 * Rejects with `interrupted` if the user wishes it, with `output-taken` if the directory holds something else, and with
 * the errors of a run, except for a divergence: that is a result here.
 */
export async function makeTextbook({ out, ...asked }: TextbookRequest, means: TextbookMeans): Promise<Textbook> {
  await refuseIfForeign(out, means);
  const dataset = await load(asked, means);
  means.emit({ type: 'loaded', dataset });
  const { train, test, classes, name } = dataset;
  const model = (run: LessonRun) => lessonModel(run.cost, train.shape, classes);
  const measured: [string, MeasuredRun][] = [];
  for (const [key, run] of Object.entries<LessonRun>(lessonRuns)) {
    const directory = join(out, run.name);
    await makeLessonRun(run, directory, dataset, means);
    const result = await measureRun(run, directory, test, means.platform.backend);
    measured.push([key, result]);
    means.emit({ type: 'run-measured', measured: result });
  }
  const runs = Object.fromEntries(measured) as Record<LessonRunKey, MeasuredRun> satisfies MeasuredRuns;
  const before = initialWeights(runs.usual.model, lessonSeed);
  const lesson = lessonOf(runs, before, { name, classes, train: train.count, test: test.count });
  const entropyModel = `${JSON.stringify(model(lessonRuns.entropy), null, 2)}\n`;
  await writeAll(out, { [entropyModelFile]: Buffer.from(entropyModel), ...filesOf(lesson, out) }, means);
  return { lesson, page: join(out, pageFile) };
}

/** Loads the data set once for all runs. */
function load({ data, dataset = 'auto' }: Omit<TextbookRequest, 'out'>, means: TextbookMeans): Promise<LoadedDataset> {
  const report = (event: RunEvent) => means.emit({ type: 'reported', event });
  return means.loadDataset({
    dataset,
    signal: means.wish,
    ...(data !== undefined && { directory: data }),
    onWarning: (message) => report({ type: 'warned', warning: { code: 'dataset-replaced', message } }),
    onProgress: ({ file, bytes, bytesTotal = null }) => report({ type: 'downloading', file, bytes, bytesTotal }),
  });
}

/** Makes a run, goes on with it, or leaves it alone if it is finished. A divergence is a result, and no error. */
export async function makeLessonRun(
  run: LessonRun,
  out: string,
  dataset: LoadedDataset,
  means: TextbookMeans,
): Promise<void> {
  const request = lessonRequest(run, lessonModel(run.cost, dataset.train.shape, dataset.classes));
  const emit = (event: RunEvent) => means.emit({ type: 'reported', event });
  const data = dataset.directory ?? undefined;
  try {
    const { stopReason } = await conduct(
      { ...request, data, out },
      { ...means, loadDataset: async () => dataset, emit },
    );
    if (stopReason !== 'interrupted') return;
  } catch (error) {
    if (error instanceof LockstepError && ['diverged', 'run-finished'].includes(error.code)) return;
    throw error;
  }
  throw new LockstepError('interrupted', `interrupted in the run ${run.name}: the same command goes on there`);
}

/** A page that is there without the runs is not ours. */
async function refuseIfForeign(out: string, { files }: TextbookMeans): Promise<void> {
  const present = await listIfThere(files, out).catch((error: unknown) => {
    throw unwritable(out, error);
  });
  const isOurs = Object.values(lessonRuns).some(({ name }) => present.includes(name));
  const foreign = [pageFile, pictures, entropyModelFile].find((name) => present.includes(name));
  if (isOurs || foreign === undefined) return;
  const sentence = `${out} already has ${foreign}, which is not of a textbook experiment`;
  throw new LockstepError('output-taken', `${sentence}. Choose another directory with --out.`);
}

function filesOf(lesson: Lesson, out: string): Record<string, Uint8Array> {
  const all = lesson.sections.flatMap((section) => section.pictures);
  return {
    ...Object.fromEntries(all.map((picture) => [join(pictures, fileNameOf(picture)), pictureFile(picture)])),
    [pageFile]: Buffer.from(lessonPage(lesson, out)),
  };
}

export function fileNameOf({ name, content }: LessonPicture): string {
  return `${name}.${'pixels' in content ? 'png' : 'svg'}`;
}

function pictureFile({ content }: LessonPicture): Uint8Array {
  if ('pixels' in content) return encodePng(content.width, content.height, content.pixels);
  return Buffer.from(chartSvg(content, paintOfFile));
}

async function writeAll(out: string, contents: Record<string, Uint8Array>, { files }: TextbookMeans): Promise<void> {
  try {
    await ensureDirectory(files, join(out, pictures));
    for (const [name, bytes] of Object.entries(contents)) await atomicWrite(files, join(out, name), [bytes]);
  } catch (error) {
    throw unwritable(out, error);
  }
}

function unwritable(out: string, error: unknown): LockstepError {
  const sentence = `The output directory ${out} cannot be written: ${describeFault(error)}.`;
  return new LockstepError('output-unwritable', `${sentence} Choose another directory with --out.`);
}
