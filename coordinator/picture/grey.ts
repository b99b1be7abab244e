/** Pictures with one number per pixel: a colour picture becomes one here, and a large one is reduced to a small one. Pure. */
import { limits } from '../../shared/limits.js';
import type { Picture } from './picture.js';

export interface Grey {
  readonly width: number;
  readonly height: number;
  /** One number per pixel, row by row, from 0 (black) to 255 (white). */
  readonly values: Float32Array;
}

/**
 * The lightness of a picture. What is transparent is paper. If most of the border is transparent, the paper is white, or
 * black behind a light drawing. If not, only corners and the like are transparent, and the paper has the border's lightness.
 * Pictures with a longer side than `pictureSideMax` are reduced by a whole factor.
 */
export function greyOf(picture: Picture): Grey {
  // The weights of ITU-R BT.601: green looks lightest.
  const layers = reduced(picture, [0.299, 0.587, 0.114]);
  return onPaper(layers, paperBehind(layers));
}

/** Red, green and blue, on white paper. */
export function coloursOf(picture: Picture): Grey[] {
  const weights = [[1, 0, 0] as const, [0, 1, 0] as const, [0, 0, 1] as const];
  return weights.map((weight) => onPaper(reduced(picture, weight), 255));
}

function onPaper({ light, cover }: Layers, paper: number): Grey {
  return { ...light, values: light.values.map((value, i) => value + (1 - cover.values[i]) * paper) };
}

/** The numbers of the pixels along the four sides. */
export function borderOf({ width, height, values }: Grey): Float32Array {
  const isBorder = (_: number, i: number) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return x === 0 || y === 0 || x === width - 1 || y === height - 1;
  };
  return values.filter(isBorder);
}

export function median(values: Float32Array): number {
  return values.slice().sort()[values.length >> 1];
}

/** The lightness of what is drawn, and the share of each pixel that it covers, from 0 to 1. */
interface Layers {
  /** Lightness times cover. */
  readonly light: Grey;
  readonly cover: Grey;
}

/** Each number is the mean over a square of pixels. Lightness is the weighted sum of red, green and blue. */
function reduced({ width, height, rgba }: Picture, [red, green, blue]: readonly [number, number, number]): Layers {
  const factor = Math.ceil(Math.max(width, height) / limits.pictureSideMax);
  const [columns, rows] = [Math.ceil(width / factor), Math.ceil(height / factor)];
  const light = new Float32Array(columns * rows);
  const cover = new Float32Array(columns * rows);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 4 * (y * width + x);
      const to = Math.floor(y / factor) * columns + Math.floor(x / factor);
      const alpha = rgba[at + 3] / 255;
      light[to] += alpha * (red * rgba[at] + green * rgba[at + 1] + blue * rgba[at + 2]);
      cover[to] += alpha;
    }
  }
  const share = (sum: number, i: number) => {
    const [x, y] = [factor * (i % columns), factor * Math.floor(i / columns)];
    return sum / (Math.min(factor, width - x) * Math.min(factor, height - y));
  };
  const size = { width: columns, height: rows };
  return { light: { ...size, values: light.map(share) }, cover: { ...size, values: cover.map(share) } };
}

function paperBehind({ light, cover }: Layers): number {
  const covers = borderOf(cover);
  if (median(covers) > 0.5) return median(borderOf(light).filter((_, i) => covers[i] > 0.5));
  const covered = sum(cover.values);
  return covered > 0 && sum(light.values) / covered > 127.5 ? 0 : 255;
}

function sum(values: Float32Array): number {
  return values.reduce((total, value) => total + value, 0);
}
