/** The table of runs: one row for each, with its result and the fields of config.json in which the runs differ. */

import { percent } from '../../shared/figures.js';
import { stepUnit } from '../../shared/step-unit.js';
import type { ComparedField, ComparedResult, ComparedRun, ComparisonState } from '../web/state.js';
import { create, find, setText } from './elements.js';
import { count, duration, loss } from './format.js';
import { phaseText } from './overview.js';
import { swatchOf } from './run-lines.js';

/** A column, and its text for a run. */
interface Column {
  readonly title: string;
  /** How its cells are laid out. */
  readonly look: 'number' | 'line' | 'text';
  readonly text: (result: ComparedResult, run: ComparedRun) => string;
}

const HASH_DIGITS = 12;

export class CompareTable {
  private readonly body = find('comparison-rows', HTMLTableSectionElement);
  private layout = '';

  /** `fragment` has the token, for links that open in another tab. */
  render(comparison: ComparisonState, fragment: string): void {
    const { runs, fields } = comparison;
    const columns = [...resultColumns(runs), ...fields.map(fieldColumn)];
    const layout = JSON.stringify([runs.map(({ name, fault }) => [name, fault]), columns.map(({ title }) => title)]);
    if (layout !== this.layout) this.build(comparison, columns, fragment);
    this.layout = layout;
    runs.forEach((run, n) => {
      if (run.result !== null) fill(this.body.rows[n], run, run.result, columns);
    });
    setText(find('comparison-note', HTMLElement), noteOf(fields));
  }

  /** Rows are made again only when runs or columns change, so that a link keeps the focus while numbers change. */
  private build({ runs }: ComparisonState, columns: readonly Column[], fragment: string): void {
    const heads = ['Run', ...columns.map(({ title }) => title)].map((title, n) => {
      const head = create('th', { text: title, class: n === 0 ? '' : columns[n - 1].look });
      head.scope = 'col';
      return head;
    });
    find('comparison-heads', HTMLTableRowElement).replaceChildren(...heads);
    this.body.replaceChildren(...runs.map((run) => rowOf(run, columns, fragment)));
  }
}

function resultColumns(runs: readonly ComparedRun[]): Column[] {
  const number = (title: string, text: Column['text']): Column => ({ title, look: 'number', text });
  return [
    // A view compares only runs that it reads from files.
    { title: 'State', look: 'line', text: ({ phase }) => phaseText({ phase, files: filesOfAny }) },
    number('Test accuracy', ({ testAccuracy }) => percent(testAccuracy)),
    number('Best', ({ bestTestAccuracy }) => percent(bestTestAccuracy)),
    number('Test loss', ({ testLoss }) => loss(testLoss)),
    ...(runs.some(({ result }) => result?.validationAccuracy != null)
      ? [
          number('Validation accuracy', ({ validationAccuracy }) => percent(validationAccuracy)),
          number('Best', ({ bestValidationAccuracy }) => percent(bestValidationAccuracy)),
          number('Validation loss', ({ validationLoss }) => loss(validationLoss)),
        ]
      : []),
    number('Steps', (result) => stepsText(result)),
    number('Time', ({ seconds }) => (seconds === null ? '–' : duration(seconds))),
    { title: 'Weights hash', look: 'line', text: (result, run) => hashText(result, run, runs) },
  ];
}

const filesOfAny = { path: '', writer: null, runs: 2 };

/** One column is for runs of both kinds, so those of rounds say it. */
function stepsText(result: ComparedResult): string {
  const { step, stepsPlanned } = result;
  return `${count(step)} of ${count(stepsPlanned)}${stepUnit(result) === 'round' ? ' rounds' : ''}`;
}

/** The first digits of the hash, its step, and the other runs that have the same weights. */
function hashText(result: ComparedResult, { id }: ComparedRun, runs: readonly ComparedRun[]) {
  const { weightsSha256, weightsStep } = result;
  if (weightsSha256 === null) return '–';
  const same = runs.filter((run) => run.id !== id && run.result?.weightsSha256 === weightsSha256);
  const names = same.length === 0 ? '' : `, the same as ${same.map(({ name }) => name).join(', ')}`;
  return `${weightsSha256.slice(0, HASH_DIGITS)}… after ${stepUnit(result)} ${count(weightsStep ?? 0)}${names}`;
}

function fieldColumn({ field, values }: ComparedField): Column {
  return { title: field, look: 'text', text: (_, { id }) => values[id] ?? '–' };
}

function rowOf({ id, name, fault }: ComparedRun, columns: readonly Column[], fragment: string): HTMLTableRowElement {
  const head = create('th');
  head.scope = 'row';
  if (fault !== null) {
    head.textContent = name;
    const cell = create('td', { class: 'fault', text: fault });
    cell.colSpan = columns.length;
    return create('tr', {}, [head, cell]);
  }
  const link = create('a', { text: name });
  link.href = `runs/${id}/${fragment}`;
  head.append(swatchOf(id), link);
  const cells = columns.map(({ look }) => create('td', { class: look }));
  return create('tr', {}, [head, ...cells]);
}

function fill(row: HTMLTableRowElement, run: ComparedRun, result: ComparedResult, columns: readonly Column[]): void {
  columns.forEach(({ text }, n) => {
    setText(row.cells[n + 1], text(result, run));
  });
}

function noteOf(fields: readonly ComparedField[]): string {
  if (fields.length === 0) return 'config.json is the same in all of them';
  return `config.json differs in ${fields.map(({ field }) => field).join(', ')}`;
}
