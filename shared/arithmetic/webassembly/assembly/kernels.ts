/**
 * The entry point of the kernels' binary. It exports the operations of `../../kernels.ts`. They use WebAssembly's SIMD
 * instructions and compute the same bits as `../../scalar/kernels.ts`. The code writes only to its operands and to the
 * scratch, so that each thread of a machine can have its own instance on one shared memory.
 */
import { finishBackward, finishForward } from './activation';
import { ACCUMULATE, COLUMNS, PIXELS, ROWS, SAMPLES, STORE } from './modes';
import { NARROW_VECTORS, narrowForward, narrowGradient } from './narrow';
import { product } from './product';
import { boundsBytes, boundsOf, floatsOf, isListed } from './samples';
import { loadOne, storeOne, zero } from './vector';

export { exp, log } from './elementary';
export { add, allFinite, changes, sgd, transpose } from './elementwise';
export { argmax, outputLoss } from './output';
export { gather, keep, restore } from './samples';

/** For up to this many inputs, the second cache holds all sums: one row of up to `NARROW_VECTORS` vectors per input. */
const NARROW_INPUTS = 4096;

export function inputForward(
  packed: usize,
  w: usize,
  b: usize,
  y: usize,
  rows: i32,
  inputs: i32,
  outputs: i32,
  activation: i32,
  scratch: usize,
): void {
  if (!isListed(packed)) {
    return denseForward(floatsOf(packed), w, b, y, rows, inputs, outputs, activation, scratch);
  }
  if (outputs <= 4 * NARROW_VECTORS) narrowForward(packed, rows, inputs, w, outputs, y);
  else product(packed, boundsBytes(inputs), SAMPLES, rows, inputs, w, outputs, y, STORE, scratch);
  finishForward(y, b, rows, outputs, activation);
}

export function inputParameterGradient(
  packed: usize,
  delta: usize,
  gw: usize,
  gb: usize,
  rows: i32,
  inputs: i32,
  outputs: i32,
  write: i32,
  scratch: usize,
): void {
  if (!isListed(packed)) {
    return denseParameterGradient(floatsOf(packed), delta, gw, gb, rows, inputs, outputs, write, scratch);
  }
  if (outputs <= 4 * NARROW_VECTORS && inputs <= NARROW_INPUTS) {
    narrowGradient(packed, rows, inputs, delta, outputs, gw, write, scratch);
  } else product(packed, boundsBytes(inputs), PIXELS, inputs, rows, delta, outputs, gw, write, scratch);
  sumRows(delta, rows, outputs, gb, write);
}

export function denseForward(
  x: usize,
  w: usize,
  b: usize,
  y: usize,
  rows: i32,
  inputs: i32,
  outputs: i32,
  activation: i32,
  scratch: usize,
): void {
  product(x, (<usize>inputs) << 2, ROWS, rows, inputs, w, outputs, y, STORE, scratch);
  finishForward(y, b, rows, outputs, activation);
}

export function denseParameterGradient(
  x: usize,
  delta: usize,
  gw: usize,
  gb: usize,
  rows: i32,
  inputs: i32,
  outputs: i32,
  write: i32,
  scratch: usize,
): void {
  product(x, (<usize>inputs) << 2, COLUMNS, inputs, rows, delta, outputs, gw, write, scratch);
  sumRows(delta, rows, outputs, gb, write);
}

export function denseInputGradient(
  delta: usize,
  wT: usize,
  x: usize,
  deltaIn: usize,
  rows: i32,
  inputs: i32,
  outputs: i32,
  activation: i32,
  scratch: usize,
): void {
  product(delta, (<usize>outputs) << 2, ROWS, rows, outputs, wT, inputs, deltaIn, STORE, scratch);
  finishBackward(deltaIn, x, rows * inputs, activation);
}

/** gb[o] = sum over r of delta[r, o]. */
function sumRows(delta: usize, rows: i32, outputs: i32, gb: usize, write: i32): void {
  const rowBytes = (<usize>outputs) << 2;
  const end = delta + rowBytes;
  for (; delta + 16 <= end; delta += 16, gb += 16) {
    let sum = zero();
    for (let r = 0; r < rows; r++) sum = f32x4.add(sum, v128.load(delta + <usize>r * rowBytes));
    v128.store(gb, write == ACCUMULATE ? f32x4.add(v128.load(gb), sum) : sum);
  }
  for (; delta < end; delta += 4, gb += 4) {
    let sum = zero();
    for (let r = 0; r < rows; r++) sum = f32x4.add(sum, loadOne(delta + <usize>r * rowBytes));
    storeOne(gb, write == ACCUMULATE ? f32x4.add(loadOne(gb), sum) : sum);
  }
}
