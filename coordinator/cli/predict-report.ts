/** What `lockstep predict` prints: for people in at most 80 columns, for programs as a line of JSON. Pure. */
import { percent } from '../../shared/figures.js';
import { runnerUp } from '../../shared/model/certainty.js';
import { chainOf } from '../../shared/model/chain.js';
import { kindOf } from '../../shared/model/layers/layers.js';
import type { Model } from '../../shared/model/model.js';

/** The answer to one sample. */
export interface Predicted {
  readonly file: string;
  /** Number of the sample in its file, or null if the file is one sample. */
  readonly index: number | null;
  /** What the network got, one byte per pixel. */
  readonly sample: Uint8Array;
  readonly answer: number;
  /** One name for each output. */
  readonly names: readonly string[];
  /** The outputs of the last layer as shares of certainty. */
  readonly certainties: Float32Array;
  /** The activated outputs of each layer. */
  readonly layers: readonly Float32Array[];
}

/** What to show besides the answer. */
export interface Shown {
  readonly layers: boolean;
  readonly show: boolean;
}

const COLUMNS = 80;
/** Classes that have a line of their own. Of more classes, the most certain ones have one. */
const LINES_MAX = 12;
const BAR = 40;
/** A layer with more outputs than this is summed up in a line. */
const ACTIVATIONS_MAX = 256;

export function jsonOf(predicted: Predicted, { layers, show }: Shown): string {
  const { file, index, answer, names, certainties } = predicted;
  const other = runnerUp(certainties);
  const line = {
    file,
    ...(index !== null && { index }),
    class: answer,
    name: names[answer],
    certainty: certainties[answer],
    certainties: [...certainties],
    doubt: other === null ? null : { class: other, name: names[other], certainty: certainties[other] },
    ...(layers && { layers: predicted.layers.map((values) => [...values]) }),
    ...(show && { image: [...predicted.sample] }),
  };
  return `${JSON.stringify(line)}\n`;
}

/** A sample of a file of many has one line, a picture has a line for each class. */
export function textOf(predicted: Predicted, model: Model, { layers, show }: Shown): string {
  const { file, index, answer, names, certainties } = predicted;
  const place = index === null ? file : `${file}[${index}]`;
  const other = runnerUp(certainties);
  const lines = [`${place}: ${names[answer]}  (${percent(certainties[answer])})`];
  if (other !== null) lines[0] += `, not sure: perhaps ${names[other]}`;
  if (show) lines.push(...imageLines(predicted.sample, model.input));
  if (layers) lines.push(...layerLines(predicted.layers, model));
  if (index === null) lines.push(...classLines(predicted), '');
  return `${lines.join('\n')}\n`;
}

function classLines({ certainties, names }: Predicted): string[] {
  const classes = Array.from(certainties, (certainty, n) => ({ name: names[n], certainty }));
  const shown = classes.length <= LINES_MAX ? classes : mostCertain(classes);
  const width = Math.max(...shown.map(({ name }) => name.length));
  const lines = shown.map(({ name, certainty }) => {
    const bar = '#'.repeat(Math.round(BAR * Math.min(1, Math.max(0, certainty))));
    return `  ${name.padStart(width)}  ${percent(certainty).padStart(9)}  ${bar}`.trimEnd();
  });
  const left = classes.length - shown.length;
  return left === 0 ? lines : [...lines, `  and ${left} more classes`];
}

function mostCertain<T extends { readonly certainty: number }>(classes: readonly T[]): T[] {
  return [...classes].sort((a, b) => b.certainty - a.certainty).slice(0, LINES_MAX);
}

/** Two characters for a pixel, because characters are about twice as high as they are wide. */
function imageLines(sample: Uint8Array, shape: readonly number[]): string[] {
  const [rows, columns, channels = 1] = shape;
  if (columns === undefined || 2 * columns > COLUMNS) return ['  (too wide to show here)'];
  const shades = ' .:-=+*#%@';
  const shadeOf = (pixel: number) => {
    const values = sample.subarray(pixel * channels, (pixel + 1) * channels);
    const mean = values.reduce((sum, value) => sum + value, 0) / channels;
    return shades[Math.round((mean / 255) * (shades.length - 1))].repeat(2);
  };
  return Array.from({ length: rows }, (_, y) =>
    Array.from({ length: columns }, (_, x) => shadeOf(y * columns + x)).join(''),
  );
}

function layerLines(layers: readonly Float32Array[], model: Model): string[] {
  const chain = chainOf(model);
  return layers.flatMap((values, n) => {
    const most = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    const active = values.reduce((sum, value) => sum + (Math.abs(value) > 0.05 * most ? 1 : 0), 0);
    const shape = chain[n].layer.output.join(' x ');
    const what = `layer ${n}: ${kindOf(model.layers[n])}, ${shape} outputs, ${chain[n].layer.activation}`;
    const title = `  ${what}: ${active} active, largest ${most.toPrecision(3)}`;
    if (values.length <= ACTIVATIONS_MAX) return [title, ...valueLines(values)];
    return [title, '    (too many to show here: --json has all)'];
  });
}

function valueLines(values: Float32Array): string[] {
  const width = 10;
  const perLine = Math.floor((COLUMNS - 4) / width);
  const texts = Array.from(values, (value) => value.toPrecision(3).padStart(width));
  const lines: string[] = [];
  for (let i = 0; i < texts.length; i += perLine) lines.push(`    ${texts.slice(i, i + perLine).join('')}`);
  return lines;
}
