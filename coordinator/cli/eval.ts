/** `lockstep eval`: how good a trained model is, class by class, and which mistakes are its worst. */
import type { Platform } from '../../shared/compute/platform.js';
import type { Samples } from '../../shared/data/dataset.js';
import { LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';
import { Classifier } from '../../shared/model/classifier.js';
import { nativeKernels } from '../../worker/native/native-kernels.js';
import type { KernelsWish } from '../../worker/native/wish.js';
import { nodePlatform } from '../../worker/node-platform.js';
import { atomicWrite, nodeFiles } from '../archive/files.js';
import { describeFault } from '../data/fault.js';
import { checkReplaceable } from '../data/ordinary-file.js';
import { classReports, confusionOf, type WrongAnswer, worstMistakes } from '../model/assess.js';
import { evaluateModel } from '../model/evaluate-model.js';
import { type OpenedModel, openModel } from '../model/open-model.js';
import { testDataFor } from '../model/test-data.js';
import { mistakesSheet } from '../picture/mistakes-sheet.js';
import { frameOf } from '../picture/sample-of.js';
import { encodePng } from '../picture/write-png.js';
import { classNamesOf } from './class-names.js';
import { type EvalReport, evalJson, evalText } from './eval-report.js';

export interface EvalOptions {
  /** A run directory, or a file of weights. */
  readonly model: string;
  readonly data?: string | undefined;
  readonly threads: number;
  readonly kernels?: KernelsWish | undefined;
  /** A PNG file for the worst mistakes. */
  readonly mistakes?: string | undefined;
  readonly json: boolean;
}

/** Resolves with the exit code. */
export async function runEval(options: EvalOptions): Promise<number> {
  const opened = await openModel(options.model, tell);
  if (options.mistakes !== undefined) await checkDrawing(options.mistakes, opened);
  const [data, platform] = await Promise.all([testDataFor(opened, options.data), platformOf(options)]);
  const { test, classes } = data;
  const { loss, correct, predicted } = await evaluateModel(opened, test, platform, options.threads);
  const names = classNamesOf(opened, data.classNames);
  const confusion = confusionOf(test.labels, predicted, classes, names.length);
  const classifier = new Classifier(platform.backend, opened.model);
  classifier.setWeights(opened.step ?? 0, opened.weights);
  const mistakes = worstMistakes(classifier, test, predicted);
  const reports = classReports(confusion);
  const samples = test.count;
  const report: EvalReport = { opened, data, samples, correct, loss, names, confusion, classes: reports, mistakes };
  process.stdout.write(options.json ? evalJson(report) : evalText(report));
  if (options.mistakes !== undefined) await draw(options.mistakes, mistakes, opened, test, names);
  return 0;
}

function tell(message: string): void {
  process.stderr.write(`lockstep: ${message}\n`);
}

async function platformOf({ kernels }: EvalOptions): Promise<Platform> {
  const onBuilding = () => tell('compiling the kernels for this processor, once: a few seconds');
  return nodePlatform({ backend: (await nativeKernels({ kernels, onBuilding })) ?? undefined });
}

/** Says before a long evaluation that nothing can be drawn. */
async function checkDrawing(path: string, opened: OpenedModel): Promise<void> {
  drawable(opened);
  await checkReplaceable(path).catch((error) => {
    throw unwritable(path, error);
  });
}

function unwritable(path: string, error: unknown): LockstepError {
  return new LockstepError('output-unwritable', `${path} cannot be written: ${describeFault(error)}`);
}

/** The images that a model takes. Throws `usage` if they cannot be drawn. */
function drawable({ path, model }: OpenedModel) {
  const frame = frameOf(model.input);
  if (frame !== null) return frame;
  const shape = model.input.join(', ');
  throw new LockstepError('usage', `--mistakes draws images, but ${path} takes samples of shape [${shape}]`);
}

async function draw(
  path: string,
  mistakes: readonly WrongAnswer[],
  opened: OpenedModel,
  { images, count }: Samples,
  names: readonly string[],
): Promise<void> {
  if (mistakes.length === 0) return tell(`there are no mistakes, so ${path} is not written`);
  const pixels = images.length / count;
  const imageOf = (index: number) => images.subarray(index * pixels, (index + 1) * pixels);
  const shown = mistakes.slice(0, limits.mistakesDrawnMax);
  const sheet = mistakesSheet(shown, drawable(opened), names, imageOf);
  try {
    await atomicWrite(nodeFiles, path, [encodePng(sheet.width, sheet.height, sheet.pixels)]);
  } catch (error) {
    throw unwritable(path, error);
  }
  tell(`the ${shown.length} worst of ${mistakes.length} mistakes are drawn in ${path}`);
}
