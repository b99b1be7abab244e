/** What `lockstep eval` prints: for people in at most 80 columns, for programs as JSON. Pure. */
import { percent } from '../../shared/figures.js';
import { limits } from '../../shared/limits.js';
import { plural } from '../../shared/plural.js';
import type { ClassReport, Confusion, WrongAnswer } from '../model/assess.js';
import type { OpenedModel } from '../model/open-model.js';
import type { TestData } from '../model/test-data.js';

export interface EvalReport {
  readonly opened: Pick<OpenedModel, 'path' | 'step' | 'weightsSha256'>;
  readonly data: Omit<TestData, 'test'>;
  /** Number of test samples, and how many were right. */
  readonly samples: number;
  readonly correct: number;
  readonly loss: number;
  /** One name for each output. */
  readonly names: readonly string[];
  readonly confusion: Confusion;
  readonly classes: readonly ClassReport[];
  /** The worst one first. */
  readonly mistakes: readonly WrongAnswer[];
}

const COLUMNS = 80;
/** Mistakes, and pairs of classes, that the text lists. */
const LISTED = 10;
const NAME_MAX = 14;

export function evalJson({
  opened,
  data,
  samples,
  correct,
  loss,
  names,
  confusion,
  classes,
  mistakes,
}: EvalReport): string {
  const { name, sha256, isOwn } = data;
  const report = {
    model: { path: opened.path, step: opened.step, weightsSha256: opened.weightsSha256 },
    dataset: { name, sha256, trainedOn: isOwn },
    samples,
    correct,
    accuracy: correct / samples,
    loss,
    classes: classes.map(({ confusedWith, ...shares }, n) => ({ name: names[n], ...shares })),
    confusion,
    mistakes: mistakes.slice(0, limits.mistakesListedMax),
  };
  return `${JSON.stringify(report)}\n`;
}

export function evalText(report: EvalReport): string {
  const blocks = [headLines(report), confusionLines(report), classLines(report), mistakeLines(report)];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

function headLines({ opened, data, samples, correct, loss }: EvalReport): string[] {
  const step = opened.step === null ? '' : `, step ${opened.step}`;
  const other = data.isOwn === false ? ', not the data set that it was trained on' : '';
  return [
    `model     ${opened.path}${step}`,
    `weights   ${opened.weightsSha256}`,
    `test set  ${data.name}, ${plural(samples, 'sample')}${other}`,
    `accuracy  ${percent(correct / samples)}, ${plural(samples - correct, 'mistake')}`,
    `loss      ${loss.toPrecision(6)}`,
  ];
}

/** The matrix if it fits into the columns. If not, the pairs of classes that are taken for each other most often. */
function confusionLines({ confusion, names }: EvalReport): string[] {
  const most = Math.max(...confusion.flat());
  const cell = 1 + Math.max(String(most).length, String(names.length - 1).length);
  const heads = names.map((name, n) => headOf(name, n));
  const head = Math.max(...heads.slice(0, confusion.length).map(({ length }) => length));
  if (head + cell * names.length > COLUMNS) return pairLines(confusion, names);
  const columns = names.map((_, n) => String(n).padStart(cell)).join('');
  const rows = confusion.map((row, label) => {
    const cells = row.map((times) => (times === 0 ? '.' : String(times)).padStart(cell));
    return heads[label].padEnd(head) + cells.join('');
  });
  return ['What they are (rows), and what they were taken for (columns):', '', ' '.repeat(head) + columns, ...rows];
}

function pairLines(confusion: Confusion, names: readonly string[]): string[] {
  const pairs = confusion.flatMap((row, label) => row.map((times, predicted) => ({ label, predicted, times })));
  const wrong = pairs.filter(({ label, predicted, times }) => label !== predicted && times > 0);
  const worst = wrong.sort((a, b) => b.times - a.times).slice(0, LISTED);
  if (worst.length === 0) return [];
  const width = Math.max(...worst.map(({ label }) => shortened(names[label]).length));
  const lines = worst.map(({ label, predicted, times }) => {
    return `  ${shortened(names[label]).padEnd(width)}  taken for ${shortened(names[predicted])}: ${times}`;
  });
  return ['What was confused most often (--json has the whole matrix):', '', ...lines];
}

function classLines({ classes, names }: EvalReport): string[] {
  const heads = classes.map((_, n) => headOf(names[n], n));
  const head = Math.max('class'.length, ...heads.map(({ length }) => length));
  const title = `${'class'.padEnd(head)} samples precision   recall       F1  most often taken for`;
  const lines = classes.map(({ samples, precision, recall, f1, confusedWith }, n) => {
    const shares = [precision, recall, f1].map((share) => (share === null ? '-' : percent(share)).padStart(9)).join('');
    const other = confusedWith === null ? '' : `${shortened(names[confusedWith.predicted])} (${confusedWith.times})`;
    return `${heads[n].padEnd(head)}${String(samples).padStart(8)} ${shares}  ${other}`.trimEnd();
  });
  return [title, ...lines];
}

function mistakeLines({ mistakes, names }: EvalReport): string[] {
  if (mistakes.length === 0) return ['No mistakes.'];
  const shown = mistakes.slice(0, LISTED);
  const all = '(--json has all, --mistakes FILE.png draws them)';
  const title = mistakes.length === 1 ? 'The mistake' : `The worst of ${mistakes.length} mistakes`;
  const width = Math.max(...shown.map(({ label }) => shortened(names[label]).length));
  const lines = shown.map(({ index, label, predicted, certainty }) => {
    const is = shortened(names[label]).padEnd(width);
    return `${String(index).padStart(8)}  ${is}  taken for ${shortened(names[predicted])} (${percent(certainty)} sure)`;
  });
  return [`${title} ${all}:`, '', ...lines];
}

/** A class in a table. Columns have only its number, so a class with a name of its own also has its number. */
function headOf(name: string, n: number): string {
  return name === String(n) ? name : `${n} ${shortened(name)}`;
}

function shortened(name: string): string {
  return name.length <= NAME_MAX ? name : `${name.slice(0, NAME_MAX - 1)}…`;
}
