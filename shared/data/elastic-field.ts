/**
 * A smooth random displacement for every pixel of an image: elastic distortion (Simard, Steinkraus and Platt 2003). Every
 * pixel gets a random vector. A box blur is applied three times along the rows and three times along the columns, which
 * comes close to a Gaussian with a standard deviation of half the box.
 *
 * All numbers are whole, so every engine gets the same. COMPUTATION.md (Augmentation) defines them.
 */
import type { Random } from '../random.js';

/** Random numbers lie in -amplitude .. amplitude - 1, and blurred ones between the two. */
const amplitude = 2 ** 14;
/** An image is this number of radii wide. It gives images of 28 x 28 a box of 9 pixels. */
const radiiPerSide = 7;

export class ElasticField {
  /** The displacement of each pixel, row by row: x, then y, in units of 2^-17 pixels. */
  readonly displacements: Int32Array;
  private readonly spare: Int32Array;
  private readonly radius: number;
  /** The largest displacement, in 1/256 pixels. */
  private readonly reach: number;

  /** `elastic` is the largest displacement in pixels. If it is 0, all displacements stay 0. */
  constructor(
    private readonly height: number,
    private readonly width: number,
    elastic: number,
  ) {
    this.displacements = new Int32Array(2 * height * width);
    this.spare = new Int32Array(2 * height * width);
    this.radius = Math.max(1, Math.floor(Math.min(height, width) / radiiPerSide));
    this.reach = Math.floor(elastic * 256 + 0.5);
  }

  /** Replaces all displacements. */
  draw(random: Random): void {
    const { displacements: field, spare } = this;
    for (let i = 0; i < field.length; i += 2) {
      const drawn = random.uint32();
      field[i] = (drawn & 0x7fff) - amplitude;
      field[i + 1] = (drawn >>> 17) - amplitude;
    }
    this.blurRows(field, spare);
    this.blurRows(spare, field);
    this.blurRows(field, spare);
    this.blurColumns(spare, field);
    this.blurColumns(field, spare);
    this.blurColumns(spare, field);
    this.stretch();
  }

  private blurRows(from: Int32Array, to: Int32Array): void {
    const { height, width } = this;
    for (let row = 0; row < height; row++) this.blurLine(from, to, 2 * row * width, width, 2);
  }

  private blurColumns(from: Int32Array, to: Int32Array): void {
    const { height, width } = this;
    for (let column = 0; column < width; column++) this.blurLine(from, to, 2 * column, height, 2 * width);
  }

  /**
   * Replaces each vector of a line by the mean of the box around it. Outside of the image there are zeros. The line begins
   * at `start` and has `length` vectors, `step` numbers apart.
   */
  private blurLine(from: Int32Array, to: Int32Array, start: number, length: number, step: number): void {
    const { radius } = this;
    const reciprocal = Math.floor(65536 / (2 * radius + 1) + 0.5);
    const end = start + length * step;
    // The box has the sums x and y: the vector at `ahead` enters it next, and the one at `behind` leaves it next.
    let [x, y] = [0, 0];
    let ahead = start;
    for (let i = 0; i < radius && ahead < end; i++, ahead += step) {
      x = (x + from[ahead]) | 0;
      y = (y + from[ahead + 1]) | 0;
    }
    let behind = start - (radius + 1) * step;
    for (let at = start; at < end; at += step, ahead += step, behind += step) {
      if (ahead < end) {
        x = (x + from[ahead]) | 0;
        y = (y + from[ahead + 1]) | 0;
      }
      if (behind >= start) {
        x = (x - from[behind]) | 0;
        y = (y - from[behind + 1]) | 0;
      }
      to[at] = (Math.imul(x, reciprocal) + 32768) >> 16;
      to[at + 1] = (Math.imul(y, reciprocal) + 32768) >> 16;
    }
  }

  /**
   * The blur leaves numbers whose standard deviation is a third of the amplitude, divided by the side of the box. So this
   * multiplies by the side, cuts off what is above the amplitude, and turns the amplitude into the reach.
   */
  private stretch(): void {
    const { displacements: field, reach } = this;
    const side = 2 * this.radius + 1;
    for (let i = 0; i < field.length; i++) {
      const stretched = Math.min(Math.max(Math.imul(field[i], side), -amplitude), amplitude);
      field[i] = Math.imul(stretched, reach) >> 5;
    }
  }
}
