/** The end of the network: losses and their gradients at the scores, and the predicted class. */

import { carryBack } from './activation';
import { exp, exp4, log, log4, sigmoid4 } from './elementary';
import { loadOne, splat, storeOne } from './vector';

const QUADRATIC = 0;
const SIGMOID_CROSS_ENTROPY = 1;

/** The index of the row's largest value, the first of equals. */
// @inline
function largest(row: usize, classes: i32): i32 {
  let best = 0;
  let max = load<f32>(row);
  for (let c = 1; c < classes; c++) {
    const value = load<f32>(row + ((<usize>c) << 2));
    if (value > max) {
      max = value;
      best = c;
    }
  }
  return best;
}

export function argmax(y: usize, predictions: usize, rows: i32, classes: i32): void {
  for (let r = 0; r < rows; r++, y += (<usize>classes) << 2) store<u8>(predictions + r, largest(y, classes));
}

export function outputLoss(
  loss: i32,
  activation: i32,
  y: usize,
  labels: usize,
  delta: usize,
  sums: usize,
  rows: i32,
  classes: i32,
  write: i32,
  scratch: usize,
): void {
  let total: f32;
  if (loss == QUADRATIC) total = quadratic(activation, y, labels, delta, rows, classes);
  else if (loss == SIGMOID_CROSS_ENTROPY) total = sigmoidCrossEntropy(y, labels, delta, rows, classes);
  else total = softmaxCrossEntropy(y, labels, delta, rows, classes, scratch);
  let correct: f32 = countCorrect(y, labels, rows, classes);
  if (write) {
    total = load<f32>(sums) + total;
    correct = load<f32>(sums, 4) + correct;
  }
  store<f32>(sums, total);
  store<f32>(sums, correct, 4);
}

function countCorrect(y: usize, labels: usize, rows: i32, classes: i32): f32 {
  let correct = 0;
  for (let r = 0; r < rows; r++, y += (<usize>classes) << 2) {
    correct += <i32>(largest(y, classes) == <i32>load<u8>(labels + r));
  }
  return <f32>correct;
}

function quadratic(activation: i32, y: usize, labels: usize, delta: usize, rows: i32, classes: i32): f32 {
  let total: f32 = 0;
  for (let r = 0; r < rows; r++) {
    const label = <i32>load<u8>(labels + r);
    let sum: f32 = 0;
    for (let c = 0; c < classes; c++, y += 4, delta += 4) {
      const error = load<f32>(y) - (c == label ? <f32>1 : <f32>0);
      sum += error * error;
      storeOne(delta, carryBack(activation, splat(error), loadOne(y)));
    }
    total += <f32>0.5 * sum;
  }
  return total;
}

/** First `delta` holds the logarithms of all rows, then the sigmoids: each is computed four at a time. */
function sigmoidCrossEntropy(y: usize, labels: usize, delta: usize, rows: i32, classes: i32): f32 {
  logistic(y, delta, rows * classes);
  const total = sigmoidTotal(y, labels, delta, rows, classes);
  sigmoids(y, delta, rows * classes);
  subtractLabels(labels, delta, rows, classes);
  return total;
}

/** log(1 + exp(-|x|)), element by element. */
function logistic(x: usize, y: usize, floats: i32): void {
  const end = x + ((<usize>floats) << 2);
  for (; x + 16 <= end; x += 16, y += 16) v128.store(y, logistic4(v128.load(x)));
  for (; x < end; x += 4, y += 4) storeOne(y, logistic4(loadOne(x)));
}

// @inline
function logistic4(x: v128): v128 {
  return log4(f32x4.add(splat(1), exp4(f32x4.neg(f32x4.abs(x)))));
}

function sigmoids(x: usize, y: usize, floats: i32): void {
  const end = x + ((<usize>floats) << 2);
  for (; x + 16 <= end; x += 16, y += 16) v128.store(y, sigmoid4(v128.load(x)));
  for (; x < end; x += 4, y += 4) storeOne(y, sigmoid4(loadOne(x)));
}

function sigmoidTotal(y: usize, labels: usize, logarithms: usize, rows: i32, classes: i32): f32 {
  let total: f32 = 0;
  for (let r = 0; r < rows; r++) {
    const label = <i32>load<u8>(labels + r);
    let sum: f32 = 0;
    for (let c = 0; c < classes; c++, y += 4, logarithms += 4) {
      const score = load<f32>(y);
      const linear = (score > 0 ? score : <f32>0) - score * (c == label ? <f32>1 : <f32>0);
      sum += linear + load<f32>(logarithms);
    }
    total += sum;
  }
  return total;
}

/** delta - t for one-hot t: taking 0 from a value changes nothing. A label beyond the classes takes nothing. */
function subtractLabels(labels: usize, delta: usize, rows: i32, classes: i32): void {
  for (let r = 0; r < rows; r++, delta += (<usize>classes) << 2) {
    const label = <usize>load<u8>(labels + r);
    if (label >= <usize>classes) continue;
    const at = delta + (label << 2);
    store<f32>(at, load<f32>(at) - 1);
  }
}

/** `scratch` holds two floats per row: the sum of the exponentials (later its logarithm), and y_t - max. */
function softmaxCrossEntropy(y: usize, labels: usize, delta: usize, rows: i32, classes: i32, scratch: usize): f32 {
  const margins = scratch + ((<usize>rows) << 2);
  subtractLargest(y, labels, delta, rows, classes, margins);
  exp(delta, delta, rows * classes);
  normalise(delta, rows, classes, scratch);
  subtractLabels(labels, delta, rows, classes);
  log(scratch, scratch, rows);
  let total: f32 = 0;
  for (let at: usize = 0; at < (<usize>rows) << 2; at += 4) total += load<f32>(scratch + at) - load<f32>(margins + at);
  return total;
}

function subtractLargest(y: usize, labels: usize, delta: usize, rows: i32, classes: i32, margins: usize): void {
  for (let r = 0; r < rows; r++, margins += 4) {
    const max = load<f32>(y + ((<usize>largest(y, classes)) << 2));
    store<f32>(margins, load<f32>(y + ((<usize>load<u8>(labels + r)) << 2)) - max);
    for (let c = 0; c < classes; c++, y += 4, delta += 4) store<f32>(delta, load<f32>(y) - max);
  }
}

/** Divides each row by its sum and leaves the sums in `sums`. */
function normalise(delta: usize, rows: i32, classes: i32, sums: usize): void {
  for (let r = 0; r < rows; r++, sums += 4) {
    let sum: f32 = 0;
    for (let c = 0; c < classes; c++) sum += load<f32>(delta + ((<usize>c) << 2));
    store<f32>(sums, sum);
    for (let c = 0; c < classes; c++, delta += 4) store<f32>(delta, load<f32>(delta) / sum);
  }
}
