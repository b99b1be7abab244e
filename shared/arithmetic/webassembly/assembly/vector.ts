/** Basic operations that all kernels use: constant vectors, and loads and stores of less than a vector. */

// @inline
export function zero(): v128 {
  return f32x4.splat(0);
}

// @inline
export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

/** Loads one float into every lane. With it, the code for four floats can also compute the last floats of an array. */
// @inline
export function loadOne(at: usize): v128 {
  return v128.load32_splat(at);
}

// @inline
export function storeOne(at: usize, x: v128): void {
  v128.store_lane<f32>(at, x, 0);
}

/** Stores a vector without its first `back` bytes, which are 0, 4, 8 or 12. */
// @inline
export function storeUpper(at: usize, x: v128, back: usize): void {
  if (back == 0) {
    v128.store(at, x);
    return;
  }
  if (back == 4) v128.store_lane<f32>(at, x, 1, 4);
  if (back <= 8) v128.store_lane<f64>(at, x, 1, 8);
  else v128.store_lane<f32>(at, x, 3, 12);
}

/** a in the lanes in which `condition` is all ones, and b in those in which it is all zeros. */
// @inline
export function choose(condition: v128, a: v128, b: v128): v128 {
  return v128.bitselect(a, b, condition);
}
