/**
 * Scales and moves pictures of one number per pixel. A pixel of the result is the mean over the part of the source that
 * falls on it; outside of the source, everything is 0. Pure.
 */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** A point x of the source comes to scale * x + dx, a point y to scale * y + dy. */
export interface Placement {
  readonly scale: number;
  readonly dx: number;
  readonly dy: number;
}

/** Draws `source` into an image of this size. */
export function resample(source: Plane, { scale, dx, dy }: Placement, columns: number, rows: number): Plane {
  const wide = resampleLines(source, columns, scale, dx);
  return transposed(resampleLines(transposed(wide), rows, scale, dy));
}

/** The same along the lines alone. */
function resampleLines({ width, height, values }: Plane, columns: number, scale: number, shift: number): Plane {
  const result = new Float32Array(columns * height);
  // The sum of a line's values up to each of its pixels: the sum over any part is the difference of two.
  const sums = new Float64Array(width + 1);
  const sumTo = (x: number) => {
    const within = Math.min(width, Math.max(0, x));
    const whole = Math.floor(within);
    return whole === width ? sums[width] : sums[whole] + (within - whole) * (sums[whole + 1] - sums[whole]);
  };
  for (let line = 0; line < height; line++) {
    for (let x = 0; x < width; x++) sums[x + 1] = sums[x] + values[line * width + x];
    for (let column = 0; column < columns; column++) {
      const part = sumTo((column + 1 - shift) / scale) - sumTo((column - shift) / scale);
      result[line * columns + column] = part * scale;
    }
  }
  return { width: columns, height, values: result };
}

function transposed({ width, height, values }: Plane): Plane {
  const result = new Float32Array(values.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) result[x * height + y] = values[y * width + x];
  }
  return { width: height, height: width, values: result };
}
