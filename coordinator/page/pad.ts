/** The pad: follows mouse, finger or pen, and shows the strokes while they are drawn. */

import type { Point } from '../../shared/data/centring.js';
import { colour, find, onThemeChange } from './elements.js';
import type { PenStroke } from './ink.js';

/** The pad's side in the strokes' units, which do not depend on its size on the screen. */
export const padExtent = 280;
const PEN_WIDTH = 18;
/** More than anyone draws. */
const POINTS_MAX = 20_000;

export class Pad {
  private readonly canvas = find('pad', HTMLCanvasElement);
  private strokes: Point[][] = [];
  private points = 0;
  /** The pointer that draws. Others are ignored, such as the palm of the hand. */
  private pointer: number | null = null;

  constructor(private readonly onInk: (strokes: readonly PenStroke[]) => void) {
    const { canvas } = this;
    canvas.addEventListener('pointerdown', (event) => this.begin(event));
    canvas.addEventListener('pointermove', (event) => this.move(event));
    for (const type of ['pointerup', 'pointercancel'] as const)
      canvas.addEventListener(type, (event) => this.end(event));
    canvas.addEventListener('keydown', ({ key }) => {
      if (key === 'Delete' || key === 'Backspace' || key === 'Escape') this.clear();
    });
    find('clear', HTMLButtonElement).addEventListener('click', () => this.clear());
    new ResizeObserver(() => this.draw()).observe(canvas);
    onThemeChange(() => this.draw());
  }

  clear(): void {
    this.strokes = [];
    this.points = 0;
    this.changed();
  }

  private begin(event: PointerEvent): void {
    if (event.button !== 0 || this.pointer !== null) return;
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.strokes.push([]);
    this.add(event);
  }

  private move(event: PointerEvent): void {
    if (event.pointerId !== this.pointer) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length > 0 ? all : [event]) this.add(one);
  }

  private end(event: PointerEvent): void {
    if (event.pointerId === this.pointer) this.pointer = null;
  }

  private add(event: PointerEvent): void {
    if (this.points >= POINTS_MAX) return;
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const point = {
      x: ((event.clientX - left) / width) * padExtent,
      y: ((event.clientY - top) / height) * padExtent,
    };
    this.strokes[this.strokes.length - 1].push(point);
    this.points += 1;
    this.changed();
  }

  private changed(): void {
    find('pad-hint', HTMLElement).hidden = this.points > 0;
    this.draw();
    this.onInk(this.strokes);
  }

  private draw(): void {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (width === 0) return;
    const ratio = devicePixelRatio;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const context = this.canvas.getContext('2d')!;
    context.scale(this.canvas.width / padExtent, this.canvas.height / padExtent);
    context.lineWidth = PEN_WIDTH;
    context.lineCap = 'round';
    context.lineJoin = 'round';
    context.strokeStyle = colour('ink');
    for (const [first, ...others] of this.strokes) {
      context.beginPath();
      context.moveTo(first.x, first.y);
      // A line of no length at all is not drawn.
      if (others.length === 0) context.lineTo(first.x + 0.01, first.y);
      for (const { x, y } of others) context.lineTo(x, y);
      context.stroke();
    }
  }
}
