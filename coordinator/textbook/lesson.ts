/**
 * The lesson: comparisons of the runs, with the measured figures in every sentence. The reasons that it gives follow from
 * the formulas, so no measurement can contradict them. page.ts makes a page of it. Pure.
 */
import { grouped, percent } from '../../shared/figures.js';
import { inputWidth } from '../../shared/model/parameters.js';
import type { LineChart } from '../picture/line-chart.js';
import { pictured, type WeightsSheet, weightsSheet } from '../picture/weights-sheet.js';
import { accuracyBy, byEpoch, bySamples, bySteps, lossBy } from './lesson-charts.js';
import { type LessonRunKey, lessonBatch } from './lesson-runs.js';
import { inSentence, listed, magnitude, points } from './lesson-words.js';
import type { LessonPoint, MeasuredRun } from './measured-run.js';

/** A picture, and the words below it. */
export interface LessonPicture {
  /** The name of its file, without an ending. */
  readonly name: string;
  readonly caption: string;
  readonly content: LineChart | WeightsSheet;
}

export interface LessonSection {
  readonly title: string;
  readonly paragraphs: readonly string[];
  readonly pictures: readonly LessonPicture[];
}

export interface Lesson {
  readonly title: string;
  readonly introduction: string;
  readonly sections: readonly LessonSection[];
  readonly runs: readonly MeasuredRun[];
}

export type MeasuredRuns = Readonly<Record<LessonRunKey, MeasuredRun>>;

/** What the lesson says of the data set. */
export interface LessonData {
  readonly name: string;
  readonly train: number;
  readonly test: number;
  readonly classes: number;
}

/** `before` is the first weights of `runs.usual`. */
export function lessonOf(runs: MeasuredRuns, before: Float32Array, data: LessonData): Lesson {
  const { model } = runs.usual;
  const widths = [inputWidth(model), 16, 16, data.classes].join('-');
  const introduction =
    `A network of ${widths} sigmoid units, as in the introductions of Michael Nielsen and 3Blue1Brown, learns ${data.name}: ` +
    `${grouped(data.train)} images to learn from, and ${grouped(data.test)} others to test it, of ${data.classes} classes. ` +
    'All runs begin with the same weights, and update them by plain gradient descent. ' +
    'Accuracy is the part of the test images that the network gets right.';
  const sections = [ofCosts(runs), ofBatches(runs), ofRates(runs, data), ofWeights(runs, before)];
  return { title: 'The textbook experiment', introduction, sections, runs: Object.values(runs) };
}

function ofCosts({ usual, slow, entropy }: MeasuredRuns): LessonSection {
  const compared = [slow, entropy, usual];
  const first = compared.map((measured) => ({ measured, evaluation: measured.evaluations.at(0) }));
  return {
    title: 'Quadratic cost against cross-entropy',
    paragraphs: [
      'For an output a and its target t, the quadratic cost changes with the weighted input of the unit at the speed ' +
        '(a − t) × a(1 − a). The factor a(1 − a) is the slope of the sigmoid. It is nearly 0 where a is nearly 0 or 1, even ' +
        'if that is the wrong answer, so such a mistake is corrected slowly. With cross-entropy, the factor cancels out: ' +
        'the speed is a − t, the mistake itself.',
      `${after('the first epoch', first)} ${gap(entropy, slow)} ${after(epochsOf(usual), lastOf(compared))}`,
      'The same rate does not mean steps of the same size: the factor a(1 − a) is at most 0.25, so the quadratic cost has ' +
        `smaller gradients. To be fair to it, the third line has a rate ${usual.run.rate / slow.run.rate} times as large. ` +
        'The losses have their own pictures, because the two costs are measured on different scales.',
    ],
    pictures: [
      picture('costs-accuracy', 'Accuracy after every epoch.', accuracyBy(byEpoch, compared)),
      picture('costs-loss-quadratic', 'Quadratic cost of the test images.', lossBy(byEpoch, [slow, usual])),
      picture('costs-loss-cross-entropy', 'Cross-entropy of the test images.', lossBy(byEpoch, [entropy])),
    ],
  };
}

function ofBatches({ usual, full, beginning }: MeasuredRuns): LessonSection {
  const [few, all] = [usual.evaluations.at(-1), full.evaluations.at(-1)];
  const sameSamples = few && full.evaluations.find(({ samples }) => samples >= few.samples);
  const early = beginning.evaluations.at(-1);
  const sameSteps = early && full.evaluations.find(({ step }) => step >= early.step);
  // The steps of `beginning` are the first ones of `usual`, so together they are one line.
  const small = { ...usual, evaluations: [...beginning.evaluations, ...usual.evaluations].sort(inOrder) };
  const compared = [small, full];
  return {
    title: 'Full batch against mini-batches',
    paragraphs: [
      'Gradient descent as the formula has it takes the mean gradient over all training images, and then makes one step. ' +
        `A mini-batch of ${lessonBatch} images gives a rougher gradient, but for the work of one full step it makes ` +
        'many steps. Both runs here have the quadratic cost and the same rate.',
      `Compare the same work. Mini-batches: ${work(few)}. Full batch: ${work(sameSamples)}. At the end of its run, the ` +
        `full batch has got to ${work(all)}.`,
      `Compare the same number of steps. Mini-batches: ${work(early)}. Full batch: ${work(sameSteps)}.`,
    ],
    pictures: [
      picture('batches-accuracy-by-samples', 'Accuracy against the work done.', accuracyBy(bySamples, compared)),
      picture('batches-accuracy-by-steps', 'Accuracy against the steps made.', accuracyBy(bySteps, compared)),
      picture('batches-loss-by-samples', 'Loss against the work done.', lossBy(bySamples, compared)),
    ],
  };
}

function ofRates({ usual, slow, wild }: MeasuredRuns, { classes }: LessonData): LessonSection {
  const compared = [slow, usual, wild];
  return {
    title: 'Three learning rates, one of them too large',
    paragraphs: [
      'The gradient says in which direction the cost falls, and how steeply, but only for this point. The learning rate ' +
        'says how far to go. With a small rate, learning takes many steps. With a large one, a step can go far past the ' +
        'point that it was aimed at.',
      `${after(epochsOf(usual), lastOf(compared))} Guessing is right for 1 of ${classes} images, if the classes are equally frequent. ` +
        compared.map(endOf).join(' '),
      `The gradient of the quadratic cost at an output is (a − t) × a(1 − a). ${gradients(compared)} A small gradient has ` +
        'one of two reasons: the answers are right, or they are wrong and the sigmoids are on their flat ends. The ' +
        'accuracy says which. On the flat ends, the network hardly learns any more.',
    ],
    pictures: [
      picture('rates-accuracy', 'Accuracy after every epoch.', accuracyBy(byEpoch, compared)),
      picture('rates-loss', 'Quadratic cost of the test images.', lossBy(byEpoch, compared)),
    ],
  };
}

function ofWeights({ usual: { model, weights, run, hasDiverged } }: MeasuredRuns, before: Float32Array): LessonSection {
  const title = 'What the hidden units look at';
  const units = pictured(model);
  if (units === 0 || hasDiverged) {
    const why = hasDiverged ? 'the run has diverged' : 'the samples of this data set are no grey images';
    return { title, paragraphs: [`There are no pictures of the weights: ${why}.`], pictures: [] };
  }
  const sheets = { before: weightsSheet(model, before), after: weightsSheet(model, weights) };
  const scale = ({ full }: WeightsSheet) =>
    `White is 0; the full colours stand for −${full.toPrecision(2)} or less, and ${full.toPrecision(2)} or more.`;
  return {
    title,
    paragraphs: [
      `Each unit of the first hidden layer has a weight for every pixel. A picture shows the weights of one of the ${units} ` +
        'units, each where its pixel is: blue where ink speaks for the unit (a positive weight), red where ink speaks ' +
        `against it (a negative weight). The weights after training are those of the run with ${inSentence(run)}.`,
      `Full colour stands for a weight of ${sheets.before.full.toPrecision(2)} before training, and of ` +
        `${sheets.after.full.toPrecision(2)} after it; 1 of 500 weights is larger. Pixels that have ink in no image keep ` +
        'the weights that they had. Are there strokes, edges or loops, as one might hope?',
    ],
    pictures: [
      picture('weights-before', `Before training: random numbers. ${scale(sheets.before)}`, sheets.before),
      picture('weights-after', `After ${epochsOf({ run })}. ${scale(sheets.after)}`, sheets.after),
    ],
  };
}

function picture(name: string, caption: string, content: LineChart | WeightsSheet): LessonPicture {
  return { name, caption, content };
}

function inOrder(a: LessonPoint, b: LessonPoint): number {
  return a.step - b.step;
}

interface Compared {
  readonly measured: MeasuredRun;
  readonly evaluation: LessonPoint | undefined;
}

function lastOf(compared: readonly MeasuredRun[]): Compared[] {
  return compared.map((measured) => ({ measured, evaluation: measured.evaluations.at(-1) }));
}

function epochsOf({ run: { epochs } }: Pick<MeasuredRun, 'run'>): string {
  return `${epochs} epochs`;
}

/** "After …, the accuracy is 91.60 % with …, and 48.60 % with …." */
function after(when: string, compared: readonly Compared[]): string {
  const each = compared.map(({ measured, evaluation }) => {
    const accuracy = evaluation === undefined ? 'not known' : percent(evaluation.accuracy);
    return `${accuracy} with ${inSentence(measured.run)}`;
  });
  return `After ${when}, the accuracy is ${listed(each)}.`;
}

/** How far cross-entropy is from the quadratic cost at the same rate, after the first epoch. */
function gap(entropy: MeasuredRun, quadratic: MeasuredRun): string {
  const [a, b] = [entropy, quadratic].map(({ evaluations }) => evaluations.at(0)?.accuracy);
  if (a === undefined || b === undefined) return '';
  const difference = points(a, b);
  const same = `At the same rate of ${quadratic.run.rate}`;
  if (difference === null) return `${same}, the two costs do not differ there.`;
  return `${same}, cross-entropy gets ${difference} than the quadratic cost.`;
}

function work(evaluation: LessonPoint | undefined): string {
  if (evaluation === undefined) return 'not evaluated';
  const { samples, step, accuracy } = evaluation;
  return `${percent(accuracy)} after ${grouped(samples)} images in ${grouped(step)} ${step === 1 ? 'step' : 'steps'}`;
}

function endOf({ hasDiverged, steps, run }: MeasuredRun): string {
  if (!hasDiverged) return '';
  return `With ${inSentence(run)}, the numbers grew beyond all bounds in step ${grouped(steps + 1)}: the run ended there.`;
}

function gradients(compared: readonly MeasuredRun[]): string {
  const known = compared.filter(({ outputGradient }) => outputGradient !== null);
  const each = known.map(({ run, outputGradient }) => `${magnitude(outputGradient!)} at a rate of ${run.rate}`);
  return each.length === 0 ? '' : `Its mean magnitude over test images, at the end: ${listed(each)}.`;
}
