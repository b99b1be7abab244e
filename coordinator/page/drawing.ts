/** "Draw a digit": the pad, the image that the network gets, and its answer, by the newest weights. */

import { runnerUp } from '../../shared/model/certainty.js';
import type { Classified } from '../../shared/model/classifier.js';
import type { Model } from '../../shared/model/model.js';
import { inputWidth, outputWidth } from '../../shared/model/parameters.js';
import type { FromClassifier, ToClassifier } from './answering.js';
import { ClassNames } from './class-names.js';
import { create, find, setText } from './elements.js';
import { type PenStroke, penImage } from './ink.js';
import { imageSize } from './neurons.js';
import { Pad, padExtent } from './pad.js';
import { paintPixels } from './pixels.js';
import type { Weights } from './weights.js';

/** Connects to a classifier. Its answers go to `receive`. Returns the function that sends to it. */
export type Connect = (receive: (answer: FromClassifier) => void) => (message: ToClassifier) => void;

const inThread: Connect = (receive) => {
  const worker = new Worker('classifier-worker.js', { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<FromClassifier>) => receive(data);
  return (message) => worker.postMessage(message);
};

/** Longer names of classes are cut off beside their bars. */
const NAME_WIDTH_MAX = 12;

export class Drawing {
  private readonly post: (message: ToClassifier) => void;
  private model: Model | null = null;
  /** What the page says below the pad. */
  private readonly note: string;
  private names = new ClassNames(undefined);
  /** The model and the names that the bars are for. */
  private barsFor = '';
  private strokes: readonly PenStroke[] = [];
  private newest: Classified | null = null;
  private frame = 0;

  /** `noteOf` says of which step the weights are. */
  constructor(
    private readonly noteOf: (step: number) => string,
    connect = inThread,
  ) {
    this.note = find('draw-note', HTMLElement).textContent ?? '';
    this.post = connect((answer) => this.show(answer));
    new Pad((strokes) => this.drawn(strokes));
    const hidden = find('show-hidden', HTMLInputElement);
    hidden.addEventListener('change', () => {
      find('hidden-layers', HTMLElement).hidden = !hidden.checked;
      this.showHidden();
    });
  }

  setWeights({ step, floats }: Weights, model: Model, classNames?: readonly string[]): void {
    this.setModel(model, classNames);
    this.post({ type: 'weights', model, step, floats });
  }

  /** Makes a bar for each output. */
  setModel(model: Model, classNames?: readonly string[]): void {
    const wanted = JSON.stringify([model, classNames]);
    if (wanted === this.barsFor) return;
    this.barsFor = wanted;
    this.model = model;
    this.names = new ClassNames(classNames);
    this.setNames(outputWidth(model));
    const { rows, columns } = imageSize(model.input);
    paintPixels(find('seen', HTMLCanvasElement), new Uint8Array(inputWidth(model)), rows, columns);
    find('draw-card', HTMLElement).hidden = rows < 2;
  }

  private setNames(outputs: number): void {
    const { names } = this;
    const bars = find('outputs', HTMLOListElement);
    bars.replaceChildren(...Array.from({ length: outputs }, (_, n) => bar(names.of(n))));
    // Not in ch: the best bar has its name in bold, and would be shorter than the others.
    bars.style.setProperty('--name-width', `${0.65 * Math.min(NAME_WIDTH_MAX, Math.max(2, names.longest))}em`);
    find('answer', HTMLElement).classList.toggle('word', names.areWords);
    setText(find('draw-title', HTMLElement), names.areDigits ? 'Draw a digit' : 'Draw something');
  }

  private drawn(strokes: readonly PenStroke[]): void {
    this.strokes = strokes;
    // Once per frame: a pen reports more often than the screen is drawn.
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.look());
  }

  private look(): void {
    if (this.model === null) return;
    const { rows, columns } = imageSize(this.model.input);
    const image = penImage(this.strokes, padExtent, rows, columns);
    paintPixels(find('seen', HTMLCanvasElement), image ?? new Uint8Array(rows * columns), rows, columns);
    if (image === null) this.show(null);
    else this.post({ type: 'image', image });
  }

  /** A drawing that was cleared while it was being classified shows nothing. */
  private show(classified: Classified | null): void {
    const isEmpty = this.strokes.length === 0;
    this.newest = isEmpty ? null : classified;
    const outputs = this.newest?.layers.at(-1);
    const bars = [...find('outputs', HTMLOListElement).children] as HTMLElement[];
    bars.forEach((element, n) => {
      const value = outputs?.[n] ?? 0;
      const [, meter, text] = element.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
      setMeter(meter, Math.min(1, Math.max(0, value)));
      setText(text, outputs === undefined ? '' : value.toFixed(2));
      element.classList.toggle('best', n === this.newest?.answer);
    });
    setText(find('answer', HTMLElement), this.newest === null ? '–' : this.names.of(this.newest.answer));
    const other = outputs === undefined ? null : runnerUp(outputs);
    setText(find('doubt', HTMLElement), other === null ? '' : `not sure: perhaps ${this.names.of(other)}`);
    const step = this.newest === null ? '' : this.noteOf(this.newest.step);
    setText(find('draw-note', HTMLElement), this.note + step);
    this.showHidden();
  }

  private showHidden(): void {
    const holder = find('hidden-layers', HTMLElement);
    if (holder.hidden || this.model === null) return;
    const hidden = this.newest?.layers.slice(0, -1) ?? [];
    holder.replaceChildren(...hidden.map((values, n) => activations(values, n)));
    if (hidden.length > 0) return;
    const text = this.model.layers.length === 1 ? 'This network has no hidden layers.' : 'Draw something first.';
    holder.append(create('p', { class: 'empty', text }));
  }
}

function bar(name: string): HTMLLIElement {
  // A plain element: browsers draw <meter> in their own ways, and Chromium's bar is lower than its track.
  const meter = create('span', { class: 'meter' }, [create('span')]);
  meter.setAttribute('role', 'meter');
  meter.setAttribute('aria-valuemin', '0');
  meter.setAttribute('aria-valuemax', '1');
  meter.setAttribute('aria-label', `Certainty that it is ${name}`);
  setMeter(meter, 0);
  const label = create('span', { class: 'bar-name', text: name });
  label.title = name;
  return create('li', {}, [label, meter, create('span', { class: 'bar-value' })]);
}

/** `value` is from 0 to 1. */
function setMeter(meter: HTMLElement, value: number): void {
  meter.setAttribute('aria-valuenow', value.toFixed(2));
  meter.style.setProperty('--value', `${100 * value}%`);
}

/** A layer's activations as squares: brighter is more active. */
function activations(values: Float32Array, layer: number): HTMLElement {
  const most = values.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-12);
  const canvas = create('canvas', { class: 'pixels activations' });
  const columns = Math.min(32, values.length);
  const rows = Math.ceil(values.length / columns);
  const shades = new Uint8Array(rows * columns);
  values.forEach((value, n) => {
    shades[n] = Math.round((255 * Math.abs(value)) / most);
  });
  paintPixels(canvas, shades, rows, columns);
  canvas.style.aspectRatio = `${columns} / ${rows}`;
  const active = values.reduce((sum, value) => sum + (Math.abs(value) > 0.05 * most ? 1 : 0), 0);
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', `Hidden layer ${layer + 1}: ${active} of ${values.length} neurons are active`);
  const title = `Layer ${layer + 1}: ${active} of ${values.length} neurons active, largest ${most.toPrecision(3)}`;
  return create('figure', {}, [create('figcaption', { text: title }), canvas]);
}
