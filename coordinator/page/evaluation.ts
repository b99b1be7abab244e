/** The mistakes of the newest evaluation: which class was taken for which, and the images. */
import type { EvaluationState, Misclassified, RunState } from '../web/state.js';
import { create, find, onThemeChange, setText } from './elements.js';
import { count, percent } from './format.js';
import { imageSize } from './neurons.js';
import { paintPixels } from './pixels.js';

/** Images on the page. */
const MISTAKES_MAX = 60;

export class EvaluationPanel {
  private shown: { evaluation: EvaluationState; shape: readonly number[] } | null = null;

  constructor() {
    onThemeChange(() => this.shown && this.renderMistakes());
  }

  render(evaluation: EvaluationState, shape: readonly number[]): void {
    this.shown = { evaluation, shape };
    const { set, step, samples, correct, confusion } = evaluation;
    find('confusion-none', HTMLElement).hidden = true;
    find('mistakes-none', HTMLElement).hidden = true;
    setText(find('confusion-note', HTMLElement), `${set} set, after step ${count(step)}`);
    const wrong = samples - correct;
    const shown = Math.min(MISTAKES_MAX, evaluation.misclassified.length);
    const rest = shown < wrong ? `, the first ${shown} of them here` : '';
    const share = percent(wrong / samples);
    setText(find('mistakes-note', HTMLElement), `${count(wrong)} of ${count(samples)} (${share})${rest}`);
    find('confusion', HTMLElement).replaceChildren(confusionTable(confusion));
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
    const { evaluation, shape } = this.shown!;
    const { set, misclassified } = evaluation;
    const items = misclassified.slice(0, MISTAKES_MAX).map((mistake) => mistakeItem(set, mistake, shape));
    find('mistakes', HTMLUListElement).replaceChildren(...items);
  }
}

/** Rows are labels, columns are answers. Wrong answers are shaded by how often they were given. */
function confusionTable(confusion: readonly (readonly number[])[]): HTMLTableElement {
  const classes = confusion.map((_, n) => n);
  const worst = Math.max(1, ...confusion.flatMap((row, label) => row.filter((_, answer) => answer !== label)));
  const heads = classes.map((answer) => {
    const head = create('th', { text: String(answer) });
    head.scope = 'col';
    return head;
  });
  const corner = create('td', { class: 'corner', text: 'label' });
  const table = create('table', { class: 'confusion-table' }, [
    create('caption', { class: 'hidden-text', text: 'Rows: the label. Columns: what the network answered.' }),
    create('thead', {}, [create('tr', {}, [corner, ...heads])]),
    create(
      'tbody',
      {},
      confusion.map((row, label) => confusionRow(row, label, worst)),
    ),
  ]);
  table.classList.toggle('many', classes.length > 12);
  return table;
}

function confusionRow(row: readonly number[], label: number, worst: number): HTMLTableRowElement {
  const head = create('th', { text: String(label) });
  head.scope = 'row';
  const cells = row.map((samples, answer) => {
    const cell = create('td', { text: samples === 0 ? '' : String(samples) });
    cell.title = `${count(samples)} × ${label}, answered ${answer}`;
    if (answer === label) cell.className = 'right';
    else if (samples > 0) cell.style.setProperty('--amount', (0.15 + (0.75 * samples) / worst).toFixed(3));
    return cell;
  });
  return create('tr', {}, [head, ...cells]);
}

function mistakeItem(
  set: EvaluationState['set'],
  { index, label, predicted, pixels }: Misclassified,
  shape: readonly number[],
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
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', `${image}: a ${label}, taken for a ${predicted}`);
  const text = create('span', {}, [
    create('span', { class: 'truth', text: String(label) }),
    ' → ',
    create('span', { class: 'wrong', text: String(predicted) }),
  ]);
  text.setAttribute('aria-hidden', 'true');
  const item = create('li', {}, [canvas, text]);
  item.title = `${image}: label ${label}, answer ${predicted}`;
  return item;
}
