/** The steps after a product: bias and activation in the forward pass, the derivative in the backward pass. */
import { sigmoid, tanh } from './elementary';
import { loadOne, splat, storeOne, zero } from './vector';

const SIGMOID = 1;
const TANH = 2;
const RELU = 3;

/** x in the lanes in which `condition` is above 0, and +0 in the others. */
// @inline
function whereAbove(x: v128, condition: v128): v128 {
  return v128.and(x, f32x4.gt(condition, zero()));
}

/** `sum` times the derivative of the activation, at the point where the activation has the value y. */
// @inline
export function carryBack(activation: i32, sum: v128, y: v128): v128 {
  if (activation == RELU) return whereAbove(sum, y);
  if (activation == SIGMOID) return f32x4.mul(sum, f32x4.mul(y, f32x4.sub(splat(1), y)));
  if (activation == TANH) return f32x4.mul(sum, f32x4.sub(splat(1), f32x4.mul(y, y)));
  return sum;
}

/** y = activation(y + b). */
export function finishForward(y: usize, b: usize, rows: i32, outputs: i32, activation: i32): void {
  addBias(y, b, rows, outputs);
  const floats = rows * outputs;
  if (activation == RELU) relu(y, floats);
  else if (activation == SIGMOID) sigmoid(y, y, floats);
  else if (activation == TANH) tanh(y, y, floats);
}

function addBias(y: usize, b: usize, rows: i32, outputs: i32): void {
  for (let r = 0; r < rows; r++) {
    const end = y + ((<usize>outputs) << 2);
    let bias = b;
    for (; y + 16 <= end; y += 16, bias += 16) v128.store(y, f32x4.add(v128.load(y), v128.load(bias)));
    for (; y < end; y += 4, bias += 4) store<f32>(y, load<f32>(y) + load<f32>(bias));
  }
}

function relu(y: usize, floats: i32): void {
  const end = y + ((<usize>floats) << 2);
  for (; y + 16 <= end; y += 16) v128.store(y, whereAbove(v128.load(y), v128.load(y)));
  for (; y < end; y += 4) storeOne(y, whereAbove(loadOne(y), loadOne(y)));
}

/** deltaIn = deltaIn * activation'(x), element by element. */
export function finishBackward(deltaIn: usize, x: usize, floats: i32, activation: i32): void {
  if (!activation) return;
  const end = x + ((<usize>floats) << 2);
  for (; x + 16 <= end; x += 16, deltaIn += 16) {
    v128.store(deltaIn, carryBack(activation, v128.load(deltaIn), v128.load(x)));
  }
  for (; x < end; x += 4, deltaIn += 4) storeOne(deltaIn, carryBack(activation, loadOne(deltaIn), loadOne(x)));
}
