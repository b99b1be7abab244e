/** Grey images on canvases, in the colours of the page: 0 is paper, 255 is ink. */
import { colour } from './elements.js';

export function paintPixels(canvas: HTMLCanvasElement, image: ArrayLike<number>, rows: number, columns: number): void {
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext('2d')!;
  const data = context.createImageData(columns, rows);
  const [paper, ink] = [rgb(colour('paper')), rgb(colour('ink'))];
  for (let i = 0; i < rows * columns; i++) {
    const amount = image[i] / 255;
    for (let c = 0; c < 3; c++) data.data[4 * i + c] = paper[c] + (ink[c] - paper[c]) * amount;
    data.data[4 * i + 3] = 255;
  }
  context.putImageData(data, 0, 0);
}

/** The bytes of `#rrggbb`. */
export function rgb(hex: string): readonly [number, number, number] {
  const byte = (at: number) => Number.parseInt(hex.slice(at, at + 2), 16);
  return [byte(1), byte(3), byte(5)];
}
