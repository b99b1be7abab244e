/** Small pieces that every kernel uses: constants as vectors, and loads and stores of less than a vector. */

// @inline
export function zero(): v128 {
  return f32x4.splat(0);
}

// @inline
export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

/** One float in every lane: how the last floats of an array go through the code for four. */
// @inline
export function loadOne(at: usize): v128 {
  return v128.load32_splat(at);
}

// @inline
export function storeOne(at: usize, x: v128): void {
  v128.store_lane<f32>(at, x, 0);
}

/** Stores the vector's upper floats, without the first `back` bytes of it: 0, 4, 8 or 12. */
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

/** Where `condition` (all ones or all zeros per lane) holds a, elsewhere b. */
// @inline
export function choose(condition: v128, a: v128, b: v128): v128 {
  return v128.bitselect(a, b, condition);
}
