/**
 * The kernels' binary: the exports are the operations of `../kernels.ts`, with WebAssembly SIMD and the same bits as
 * `../scalar.ts`. Nothing here is stored outside the operands and the scratch, so that the threads of a machine can
 * each have an instance over one shared memory.
 */
import { finishBackward, finishForward } from './activation';
import { ACCUMULATE, STORE } from './modes';
import { product } from './product';
import { loadOne, storeOne, zero } from './vector';

export { exp, log } from './elementary';
export { add, allFinite, gather, sgd, transpose } from './elementwise';
export { argmax, outputLoss } from './output';

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
  product(x, (<usize>inputs) << 2, true, rows, inputs, w, outputs, y, STORE, scratch);
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
  product(x, (<usize>inputs) << 2, false, inputs, rows, delta, outputs, gw, write, scratch);
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
  product(delta, (<usize>outputs) << 2, true, rows, outputs, wT, inputs, deltaIn, STORE, scratch);
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
