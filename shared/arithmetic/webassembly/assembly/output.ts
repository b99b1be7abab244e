/**
 * The end of the network: losses, their gradients at the scores, and the predicted class. Four samples are computed
 * together, one in each lane, so each sample's sum over the classes has the same order as for a single sample. If fewer
 * than four samples are left, the last one fills the other lanes too. It is then stored several times, with the same
 * values.
 */
import { carryBack } from './activation';
import { exp4, log4, sigmoid4 } from './elementary';
import { splat, zero } from './vector';

const QUADRATIC = 0;
const SIGMOID_CROSS_ENTROPY = 1;

/** Loads the floats at `at`, `at + b`, `at + c` and `at + d`. */
// @inline
function loadColumn(at: usize, b: usize, c: usize, d: usize): v128 {
  const ab = v128.load_lane<f32>(at + b, v128.load_zero<f32>(at), 1);
  return v128.load_lane<f32>(at + d, v128.load_lane<f32>(at + c, ab, 2), 3);
}

// @inline
function storeColumn(at: usize, b: usize, c: usize, d: usize, column: v128): void {
  v128.store_lane<f32>(at, column, 0);
  v128.store_lane<f32>(at + b, column, 1);
  v128.store_lane<f32>(at + c, column, 2);
  v128.store_lane<f32>(at + d, column, 3);
}

/** Transposes four rows into columns of 16 bytes each. */
// @inline
function loadColumns(rows: usize, b: usize, c: usize, d: usize, classes: i32, columns: usize): void {
  for (let n = 0; n < classes; n++, rows += 4, columns += 16) v128.store(columns, loadColumn(rows, b, c, d));
}

// @inline
function storeColumns(rows: usize, b: usize, c: usize, d: usize, classes: i32, columns: usize): void {
  for (let n = 0; n < classes; n++, rows += 4, columns += 16) storeColumn(rows, b, c, d, v128.load(columns));
}

/** The index of the largest value of each of four rows. Of equal values, the first counts. */
// @inline
function largest4(y: usize, b: usize, c: usize, d: usize, classes: i32): v128 {
  let best = i32x4.splat(0);
  let max = loadColumn(y, b, c, d);
  for (let n = 1; n < classes; n++) {
    y += 4;
    const column = loadColumn(y, b, c, d);
    best = v128.bitselect(i32x4.splat(n), best, f32x4.gt(column, max));
    max = f32x4.pmax(max, column);
  }
  return best;
}

export function argmax(y: usize, predictions: usize, rows: i32, classes: i32): void {
  const rowBytes = (<usize>classes) << 2;
  for (let r = 0; r < rows; r += 4, y += 4 * rowBytes, predictions += 4) {
    const last = <usize>min(3, rows - r - 1);
    const b = min<usize>(1, last);
    const c = min<usize>(2, last);
    const best = largest4(y, b * rowBytes, c * rowBytes, last * rowBytes, classes);
    store<u8>(predictions, i32x4.extract_lane(best, 0));
    store<u8>(predictions + b, i32x4.extract_lane(best, 1));
    store<u8>(predictions + c, i32x4.extract_lane(best, 2));
    store<u8>(predictions + last, i32x4.extract_lane(best, 3));
  }
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
  const rowBytes = (<usize>classes) << 2;
  const columns = scratch + 16;
  let total: f32 = 0;
  let correct = 0;
  for (let r = 0; r < rows; r += 4, y += 4 * rowBytes, delta += 4 * rowBytes, labels += 4) {
    const last = <usize>min(3, rows - r - 1);
    const b = min<usize>(1, last);
    const c = min<usize>(2, last);
    const label = i32x4(load<u8>(labels), load<u8>(labels + b), load<u8>(labels + c), load<u8>(labels + last));
    const toB = b * rowBytes;
    const toC = c * rowBytes;
    const toD = last * rowBytes;
    const best = largest4(y, toB, toC, toD, classes);
    correct += popcnt(i32x4.bitmask(i32x4.eq(best, label)) & ((2 << (<i32>last)) - 1));
    loadColumns(y, toB, toC, toD, classes, columns);
    let sum: v128;
    if (loss == QUADRATIC) sum = quadratic4(activation, columns, classes, label);
    else if (loss == SIGMOID_CROSS_ENTROPY) sum = sigmoidCrossEntropy4(columns, classes, label);
    else sum = softmaxCrossEntropy4(columns, classes, label);
    storeColumns(delta, toB, toC, toD, classes, columns);
    v128.store(scratch, sum);
    for (let at: usize = 0; at <= last; at++) total += load<f32>(scratch + (at << 2));
  }
  store<f32>(sums, write ? load<f32>(sums) + total : total);
  store<f32>(sums, write ? load<f32>(sums, 4) + <f32>correct : <f32>correct, 4);
}

/**
 * The losses of four samples. `columns` has their outputs, four floats per class. The gradient replaces the outputs.
 */
// @inline
function quadratic4(activation: i32, columns: usize, classes: i32, label: v128): v128 {
  let sum = zero();
  for (let n = 0; n < classes; n++, columns += 16) {
    const y = v128.load(columns);
    const error = f32x4.sub(y, target(label, n));
    sum = f32x4.add(sum, f32x4.mul(error, error));
    v128.store(columns, carryBack(activation, error, y));
  }
  return f32x4.mul(splat(0.5), sum);
}

// @inline
function sigmoidCrossEntropy4(columns: usize, classes: i32, label: v128): v128 {
  let sum = zero();
  for (let n = 0; n < classes; n++, columns += 16) {
    const y = v128.load(columns);
    const t = target(label, n);
    const linear = f32x4.sub(v128.and(y, f32x4.gt(y, zero())), f32x4.mul(y, t));
    const logistic = log4(f32x4.add(splat(1), exp4(f32x4.neg(f32x4.abs(y)))));
    sum = f32x4.add(sum, f32x4.add(linear, logistic));
    v128.store(columns, f32x4.sub(sigmoid4(y), t));
  }
  return sum;
}

// @inline
function softmaxCrossEntropy4(columns: usize, classes: i32, label: v128): v128 {
  const end = columns + ((<usize>classes) << 4);
  let max = v128.load(columns);
  for (let at = columns; at < end; at += 16) max = f32x4.pmax(max, v128.load(at));
  let sum = zero();
  let margin = zero();
  for (let n = 0; n < classes; n++) {
    const at = columns + ((<usize>n) << 4);
    const shifted = f32x4.sub(v128.load(at), max);
    margin = v128.bitselect(shifted, margin, i32x4.eq(label, i32x4.splat(n)));
    const exponential = exp4(shifted);
    sum = f32x4.add(sum, exponential);
    v128.store(at, exponential);
  }
  for (let n = 0; n < classes; n++, columns += 16) {
    v128.store(columns, f32x4.sub(f32x4.div(v128.load(columns), sum), target(label, n)));
  }
  return f32x4.sub(log4(sum), margin);
}

/** 1 in the lanes whose label is `n`, and +0 in the others. */
// @inline
function target(label: v128, n: i32): v128 {
  return v128.and(i32x4.eq(label, i32x4.splat(n)), splat(1));
}
