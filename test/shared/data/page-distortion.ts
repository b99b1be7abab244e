/**
 * Augmentation as COMPUTATION.md says it, in the plainest code: whole sums for every pixel, floor for every division. It
 * shares only the random numbers with the code that it is compared with.
 */
import type { AugmentDescription } from '../../../shared/data/augment.js';
import { Random } from '../../../shared/random.js';

interface Use {
  readonly seed: number;
  readonly epoch: number;
  readonly sample: number;
}

/** `a >> n` of the page. */
const down = (a: number, n: number) => Math.floor(a / 2 ** n);
const modulo = (a: number, b: number) => ((a % b) + b) % b;

export function pageDistortion(
  image: Uint8Array,
  shape: readonly number[],
  { shift = 0, rotate = 0, scale = 0, elastic = 0 }: AugmentDescription,
  { seed, epoch, sample }: Use,
): Uint8Array {
  const [height, width, channels = 1] = shape;
  const random = new Random(seed, 5, epoch, sample);
  const signed = () => down(random.uint32(), 16) - 32768;
  const moveDown = random.below(2 * shift + 1) - shift;
  const moveRight = random.below(2 * shift + 1) - shift;
  const angle = Math.floor((Math.floor(rotate * 256 + 0.5) * signed()) / 11520);
  const scale16 = Math.floor(scale * 65536 + 0.5);
  const zoomY = 65536 + down(scale16 * signed(), 15);
  const zoomX = 65536 + down(scale16 * signed(), 15);
  const { dx, dy } = fields(random, height, width, Math.floor(elastic * 256 + 0.5));
  const [sine, cosine] = pageSineAndCosine(angle);
  const [xu, xv] = [down(zoomX * cosine, 16), down(zoomX * sine, 16)];
  const [yu, yv] = [down(zoomY * -sine, 16), down(zoomY * cosine, 16)];
  const at = (row: number, column: number, channel: number) =>
    row >= 0 && row < height && column >= 0 && column < width ? image[(row * width + column) * channels + channel] : 0;
  return image.map((_, n) => {
    const channel = n % channels;
    const j = Math.floor(n / channels) % width;
    const i = Math.floor(n / channels / width);
    const [u, v] = [2 * j - (width - 1), 2 * i - (height - 1)];
    const placeX = (width - 1) * 65536 + xu * u + xv * v - 131072 * moveRight + dx(i, j);
    const placeY = (height - 1) * 65536 + yu * u + yv * v - 131072 * moveDown + dy(i, j);
    const [x, y] = [down(placeX, 9), down(placeY, 9)];
    const [column, row, fx, fy] = [down(x, 8), down(y, 8), modulo(x, 256), modulo(y, 256)];
    const upper = 256 * at(row, column, channel) + (at(row, column + 1, channel) - at(row, column, channel)) * fx;
    const [c, d] = [at(row + 1, column, channel), at(row + 1, column + 1, channel)];
    const lower = 256 * c + (d - c) * fx;
    return down(256 * upper + (lower - upper) * fy + 32768, 16);
  });
}

export function pageSineAndCosine(angle: number): readonly [sine: number, cosine: number] {
  const q = down(angle + 32768, 16);
  const r = angle - 65536 * q;
  const z = down(r * r, 16);
  const s = down(r * (51472 - down(z * (21167 - down(z * (2611 - down(z * 153, 16)), 16)), 16)), 15);
  const c = 65536 - down(z * (80852 - down(z * (16624 - down(z * 1367, 16)), 16)), 16);
  const turned: readonly (readonly [number, number])[] = [
    [s, c],
    [c, -s],
    [-s, -c],
    [-c, s],
  ];
  return turned[modulo(q, 4)];
}

type Field = (row: number, column: number) => number;

function fields(random: Random, height: number, width: number, elastic8: number): { dx: Field; dy: Field } {
  if (elastic8 === 0) return { dx: () => 0, dy: () => 0 };
  const drawn = Array.from({ length: height * width }, () => random.uint32());
  const x = drawn.map((d) => (d % 32768) - 16384);
  const y = drawn.map((d) => down(d, 17) - 16384);
  const side = 2 * Math.max(1, Math.floor(Math.min(height, width) / 7)) + 1;
  const displacement = (field: number[]): Field => {
    let smooth = field;
    for (const step of ['row', 'row', 'row', 'column', 'column', 'column']) {
      smooth = blurred(smooth, height, width, side, step === 'row');
    }
    return (row, column) => {
      const stretched = Math.min(Math.max(smooth[row * width + column] * side, -16384), 16384);
      return down(stretched * elastic8, 5);
    };
  };
  return { dx: displacement(x), dy: displacement(y) };
}

function blurred(field: number[], height: number, width: number, side: number, isAlongRows: boolean): number[] {
  const radius = (side - 1) / 2;
  const reciprocal = Math.floor(65536 / side + 0.5);
  return field.map((_, n) => {
    const [row, column] = [Math.floor(n / width), n % width];
    let sum = 0;
    for (let away = -radius; away <= radius; away++) {
      const [i, j] = isAlongRows ? [row, column + away] : [row + away, column];
      if (i >= 0 && i < height && j >= 0 && j < width) sum += field[i * width + j];
    }
    return down(sum * reciprocal + 32768, 16);
  });
}
