/**
 * The first layer as pictures: one for each neuron, with a pixel for each weight. Positive weights are blue, negative ones
 * red, and larger ones brighter. All pictures have one scale, so a neuron that has learnt nothing stays dim.
 */

import type { Model } from '../../shared/model/model.js';
import { inputWidth, tensorSpans } from '../../shared/model/parameters.js';
import type { StepUnit } from '../../shared/step-unit.js';
import { colour, find, onThemeChange } from './elements.js';
import { count } from './format.js';
import { rgb } from './pixels.js';
import type { Weights } from './weights.js';

const PER_PAGE_MAX = 128;
const GAP = 5;
/** Sides of a picture on the screen. */
const SIDE_MIN = 34;
const SIDE_MAX = 84;

export class Neurons {
  private readonly canvas = find('neurons', HTMLCanvasElement);
  private readonly tiles = document.createElement('canvas');
  private first = 0;
  private shown: { weights: Weights; model: Model; unit: StepUnit } | null = null;

  constructor() {
    find('neurons-previous', HTMLButtonElement).addEventListener('click', () => this.turn(-1));
    find('neurons-next', HTMLButtonElement).addEventListener('click', () => this.turn(1));
    new ResizeObserver(() => this.draw()).observe(this.holder());
    onThemeChange(() => this.draw());
  }

  render(weights: Weights, model: Model, unit: StepUnit): void {
    this.shown = { weights, model, unit };
    this.draw();
  }

  private holder(): HTMLElement {
    return this.canvas.parentElement!;
  }

  private turn(pages: number): void {
    const neurons = this.shown === null ? 0 : picturesOf(this.shown.model).neurons;
    const last = Math.max(0, Math.ceil(neurons / PER_PAGE_MAX) - 1) * PER_PAGE_MAX;
    this.first = Math.min(last, Math.max(0, this.first + pages * PER_PAGE_MAX));
    this.draw();
  }

  private draw(): void {
    if (this.shown === null) return;
    const { weights, model, unit } = this.shown;
    const { neurons } = picturesOf(model);
    find('neurons-card', HTMLElement).hidden = neurons === 0;
    if (neurons === 0) return;
    if (this.first >= neurons) this.first = 0;
    const last = Math.min(neurons, this.first + PER_PAGE_MAX);
    find('neurons-step', HTMLElement).textContent =
      `${caption(this.first, last, neurons)}, ${unit} ${count(weights.step)}`;
    find('neurons-pages', HTMLElement).hidden = neurons <= PER_PAGE_MAX;
    find('neurons-previous', HTMLButtonElement).disabled = this.first === 0;
    find('neurons-next', HTMLButtonElement).disabled = last === neurons;
    this.canvas.setAttribute('aria-label', `Weights of ${last - this.first} neurons of the first layer, as pictures`);
    this.paint(weights, model, last - this.first);
  }

  private paint({ floats }: Weights, model: Model, pictures: number): void {
    const { rows, columns } = imageSize(model.input);
    const style = getComputedStyle(this.holder());
    const width =
      this.holder().clientWidth - Number.parseFloat(style.paddingLeft) - Number.parseFloat(style.paddingRight);
    if (width <= 0) return;
    const { side, across } = grid(width, pictures);
    const down = Math.ceil(pictures / across);
    const ratio = devicePixelRatio;
    const tall = (side * rows) / columns;
    this.canvas.style.height = `${down * (tall + GAP) - GAP}px`;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round((down * (tall + GAP) - GAP) * ratio);
    const context = this.canvas.getContext('2d')!;
    context.imageSmoothingEnabled = false;
    this.fillTiles(floats, model, rows, columns, pictures);
    for (let n = 0; n < pictures; n++) {
      const [x, y] = [(n % across) * (side + GAP), Math.floor(n / across) * (tall + GAP)];
      const to = [x, y, side, tall].map((length) => Math.round(length * ratio)) as [number, number, number, number];
      context.drawImage(this.tiles, 0, n * rows, columns, rows, ...to);
    }
  }

  /** The pictures one below the other, a canvas pixel per weight. */
  private fillTiles(floats: Float32Array, model: Model, rows: number, columns: number, pictures: number): void {
    const { neurons, offset } = picturesOf(model);
    this.tiles.width = columns;
    this.tiles.height = rows * pictures;
    const context = this.tiles.getContext('2d')!;
    const image = context.createImageData(columns, rows * pictures);
    const [positive, negative, none] = ['positive', 'negative', 'zero'].map((name) => rgb(colour(name)));
    const pixels = rows * columns;
    const brightest = magnitude(floats.subarray(offset, offset + pixels * neurons));
    for (let n = 0; n < pictures; n++) {
      const neuron = offset + this.first + n;
      for (let i = 0; i < pixels; i++) {
        const value = floats[neuron + i * neurons] / brightest;
        const towards = value > 0 ? positive : negative;
        const amount = Math.min(1, Math.abs(value));
        const at = 4 * (n * pixels + i);
        for (let c = 0; c < 3; c++) image.data[at + c] = none[c] + (towards[c] - none[c]) * amount;
        image.data[at + 3] = 255;
      }
    }
    context.putImageData(image, 0, 0);
  }
}

/** How many neurons the first layer has a weight of each pixel for, and where those lie: a row of the tensor per pixel. */
function picturesOf(model: Model): { neurons: number; offset: number } {
  const [first] = tensorSpans(model);
  const hasPictures = first?.shape.length === 2 && first.shape[0] === inputWidth(model);
  return hasPictures ? { neurons: first.shape[1], offset: first.offset } : { neurons: 0, offset: 0 };
}

/** A magnitude that few weights exceed: a few large weights must not make all others dark. */
function magnitude(weights: Float32Array): number {
  const every = Math.max(1, Math.floor(weights.length / 20_000));
  const some = weights
    .filter((_, i) => i % every === 0)
    .map(Math.abs)
    .sort();
  return Math.max(1e-12, some[Math.floor(0.998 * (some.length - 1))]);
}

function caption(first: number, last: number, neurons: number): string {
  return last - first === neurons ? `${count(neurons)} neurons` : `${first + 1}–${last} of ${count(neurons)}`;
}

/** A sample of one axis is drawn as a row. Of more than two axes, all after the first lie side by side. */
export function imageSize(shape: readonly number[]): { rows: number; columns: number } {
  if (shape.length === 1) return { rows: 1, columns: shape[0] };
  return { rows: shape[0], columns: shape.slice(1).reduce((product, extent) => product * extent, 1) };
}

/** The size of a picture, and how many fit beside each other, for an area of about 360 pixels' height. */
function grid(width: number, pictures: number): { side: number; across: number } {
  const wanted = Math.sqrt((width * 360) / pictures) - GAP;
  const side = Math.min(SIDE_MAX, Math.max(SIDE_MIN, wanted));
  const across = Math.max(1, Math.min(pictures, Math.floor((width + GAP) / (side + GAP))));
  const filled = (width + GAP) / across - GAP;
  return { side: Math.min(SIDE_MAX, filled), across };
}
