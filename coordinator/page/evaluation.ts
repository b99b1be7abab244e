/** The mistakes of the newest evaluation: which class was taken for which, and the images. */

import { percent } from '../../shared/figures.js';
import type { StepUnit } from '../../shared/step-unit.js';
import type { DatasetState, EvaluationState, Misclassified, RunState } from '../web/state.js';
import { ClassNames } from './class-names.js';
import { create, find, onThemeChange, setText } from './elements.js';
import { count } from './format.js';
import { imageSize } from './neurons.js';
import { paintPixels } from './pixels.js';

/** Images on the page. */
const MISTAKES_MAX = 60;
/** A matrix of more classes gets smaller cells, and the whole width of the page. */
const CLASSES_FEW = 12;

export class EvaluationPanel {
  private shown: { evaluation: EvaluationState; shape: readonly number[]; names: ClassNames } | null = null;

  constructor() {
    onThemeChange(() => this.shown && this.renderMistakes());
  }

  render(evaluation: EvaluationState, { shape, classNames }: DatasetState, unit: StepUnit): void {
    const names = new ClassNames(classNames);
    this.shown = { evaluation, shape, names };
    const { set, step, samples, correct, confusion } = evaluation;
    find('confusion-none', HTMLElement).hidden = true;
    find('mistakes-none', HTMLElement).hidden = true;
    setText(find('confusion-note', HTMLElement), `${set} set, after ${unit} ${count(step)}`);
    const wrong = samples - correct;
    const shown = Math.min(MISTAKES_MAX, evaluation.misclassified.length);
    const rest = shown < wrong ? `, the first ${shown} of them here` : '';
    const share = percent(wrong / samples);
    setText(find('mistakes-note', HTMLElement), `${count(wrong)} of ${count(samples)} (${share})${rest}`);
    find('confusion', HTMLElement).replaceChildren(confusionTable(confusion, names));
    for (const id of ['confusion-card', 'mistakes-card']) {
      find(id, HTMLElement).classList.toggle('many', confusion.length > CLASSES_FEW);
    }
    this.renderMistakes();
  }

  /** Says why there is no evaluation on the page: there can be none, it is on its way, or it will come. */
  renderLack({ evaluationFault: fault, newest }: RunState): void {
    const coming = newest.evaluation === null ? 'Comes with the first evaluation.' : 'Loading the newest evaluation.';
    for (const id of ['confusion-none', 'mistakes-none']) {
      const note = find(id, HTMLElement);
      if (fault !== null) note.hidden = this.shown !== null;
      setText(note, fault === null ? coming : `Not shown: ${fault}.`);
    }
  }

  private renderMistakes(): void {
    const { evaluation, shape, names } = this.shown!;
    const { set, misclassified } = evaluation;
    const items = misclassified.slice(0, MISTAKES_MAX).map((mistake) => mistakeItem(set, mistake, shape, names));
    const list = find('mistakes', HTMLUListElement);
    list.replaceChildren(...items);
    list.classList.toggle('words', names.areWords);
  }
}

/** Rows are labels, columns are answers. Wrong answers are shaded by how often they were given. */
function confusionTable(confusion: readonly (readonly number[])[], names: ClassNames): HTMLTableElement {
  const worst = Math.max(1, ...confusion.flatMap((row, label) => row.filter((_, answer) => answer !== label)));
  const heads = confusion.map((_, answer) => head(names.of(answer), 'col'));
  const corner = create('td', { class: 'corner', text: 'label' });
  const table = create('table', { class: 'confusion-table' }, [
    create('caption', { class: 'hidden-text', text: 'Rows: the label. Columns: what the network answered.' }),
    create('thead', {}, [create('tr', {}, [corner, ...heads])]),
    create(
      'tbody',
      {},
      confusion.map((row, label) => confusionRow(row, label, worst, names)),
    ),
  ]);
  table.classList.toggle('many', confusion.length > CLASSES_FEW);
  table.classList.toggle('words', names.areWords);
  table.style.setProperty('--classes', String(confusion.length));
  return table;
}

function head(name: string, scope: 'row' | 'col'): HTMLTableCellElement {
  const cell = create('th', {}, [create('span', { text: name })]);
  cell.scope = scope;
  cell.title = name;
  return cell;
}

function confusionRow(row: readonly number[], label: number, worst: number, names: ClassNames): HTMLTableRowElement {
  const cells = row.map((samples, answer) => {
    const cell = create('td', { text: samples === 0 ? '' : String(samples) });
    cell.title = `${count(samples)} × ${names.of(label)}, answered ${names.of(answer)}`;
    if (answer === label) cell.className = 'right';
    else if (samples > 0) cell.style.setProperty('--amount', (0.15 + (0.75 * samples) / worst).toFixed(3));
    return cell;
  });
  return create('tr', {}, [head(names.of(label), 'row'), ...cells]);
}

function mistakeItem(
  set: EvaluationState['set'],
  { index, label, predicted, pixels }: Misclassified,
  shape: readonly number[],
  names: ClassNames,
): HTMLLIElement {
  const image = set === 'test' ? `Test image ${index}` : `Validation image ${index}`;
  const { rows, columns } = imageSize(shape);
  const canvas = create('canvas', { class: 'pixels' });
  paintPixels(
    canvas,
    Uint8Array.from(atob(pixels), (character) => character.charCodeAt(0)),
    rows,
    columns,
  );
  const [truth, wrong] = [names.of(label), names.of(predicted)];
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', `${image}: a ${truth}, taken for a ${wrong}`);
  const text = create('span', {}, [
    create('span', { class: 'truth', text: truth }),
    ' → ',
    create('span', { class: 'wrong', text: wrong }),
  ]);
  text.setAttribute('aria-hidden', 'true');
  const item = create('li', {}, [canvas, text]);
  item.title = `${image}: label ${truth}, answer ${wrong}`;
  return item;
}
