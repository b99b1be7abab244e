/** The legend of the charts: each run with its line and its values under the pointer. Runs can be hidden here. */

import { percent } from '../../shared/figures.js';
import type { ComparedRun } from '../web/state.js';
import { create, find, setText } from './elements.js';
import { count, loss } from './format.js';
import { judgedAccuracy, judgedLoss } from './judged.js';
import { swatchOf } from './run-lines.js';

interface Item {
  readonly element: HTMLLIElement;
  readonly box: HTMLInputElement;
  readonly value: HTMLElement;
}

export class CompareLegend {
  private readonly items = new Map<number, Item>();
  private readonly list = find('legend', HTMLUListElement);
  private runs: readonly ComparedRun[] = [];
  private step: number | null = null;

  constructor(private readonly changed: () => void) {}

  /** The runs that the user has not hidden. */
  get shown(): readonly ComparedRun[] {
    return this.runs.filter(({ id }) => this.items.get(id)?.box.checked);
  }

  render(runs: readonly ComparedRun[]): void {
    this.runs = runs.filter(({ result }) => result !== null);
    for (const run of this.runs) if (!this.items.has(run.id)) this.add(run);
    this.renderValues();
  }

  /** Shows each run's newest evaluation up to this step, or its last one for null. */
  pointAt(step: number | null): void {
    this.step = step;
    setText(find('cursor-step', HTMLElement), step === null ? 'newest evaluations' : `by step ${count(step)}`);
    this.renderValues();
  }

  private add({ id, name }: ComparedRun): void {
    const box = create('input');
    box.type = 'checkbox';
    box.checked = true;
    box.addEventListener('change', () => this.changed());
    const value = create('span', { class: 'quiet' });
    const label = create('label', {}, [box, swatchOf(id), create('span', { text: name }), value]);
    const element = create('li', {}, [label]);
    this.items.set(id, { element, box, value });
    this.list.append(element);
  }

  private renderValues(): void {
    for (const { id, result } of this.runs) {
      const point = result?.curve.findLast(({ step }) => this.step === null || step <= this.step);
      const text =
        point === undefined ? '–' : `${percent(judgedAccuracy(point) ?? null)}, ${loss(judgedLoss(point) ?? null)}`;
      setText(this.items.get(id)!.value, text);
    }
  }
}
