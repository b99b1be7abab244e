/** The stages of the known-answer test that go over tensors element by element: sums, updates, checks. */
import { changeBlockFloats, type Pointer } from '../kernels.js';
import type { Bench } from './bench.js';
import { upTo } from './layers.js';

export const lengths = [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 65, 130];

export function sums(bench: Bench): void {
  for (const scale of [0, -126]) {
    for (const length of lengths) {
      bench.forget();
      const [a, b, sum] = [bench.numbers(length, 1, scale), bench.numbers(length, 1, scale), bench.room(4 * length)];
      bench.kernels.add(a, b, sum, length);
      bench.result(sum, length);
    }
  }
  bench.forget();
  const length = 45;
  const [s0, s1, s2, s3, s4] = upTo(5).map(() => bench.numbers(length));
  for (const [a, b] of [
    [s0, s1],
    [s2, s3],
    [s0, s2],
    [s0, s4],
  ])
    bench.kernels.add(a, b, a, length);
  bench.result(s0, length);
}

export function updates(bench: Bench): void {
  for (const scale of [0, -126]) {
    for (const momentum of [0, 0.9]) {
      for (const samples of [17, 128])
        for (const length of [45, 130]) updateOf(bench, scale, momentum, samples, length);
    }
  }
}

function updateOf(bench: Bench, scale: number, momentum: number, samples: number, length: number): void {
  bench.forget();
  const w = bench.numbers(length, 0, scale);
  const v = bench.numbers(length, 0, scale);
  const sum = bench.numbers(length, 4, scale);
  bench.floatsAt(sum, length).fill(0, 16, 48);
  bench.kernels.sgd(w, v, sum, length, samples, 0.1, momentum, 1, 0, 0);
  bench.result(w, length);
  bench.result(v, length);
}

export function checks(bench: Bench): void {
  finite(bench);
  bench.forget();
  const length = 600;
  const before = bench.numbers(length);
  const after = bench.copyOf(before, length);
  for (const i of [63, 64, 300, 599]) bench.wordsAt(after, length)[i] ^= 1;
  changed(bench, after, before, length);
  bench.floatsAt(after, length).fill(0);
  bench.floatsAt(after, length)[70] = -0;
  bench.floatsAt(after, length)[400] = 2 ** -149;
  changed(bench, after, 0, length);
}

function finite(bench: Bench): void {
  const length = 45;
  const x = bench.numbers(length, 4);
  const values = bench.floatsAt(x, length);
  const answer = bench.room(1);
  const check = () => {
    bench.bytesAt(answer, 1)[0] = bench.kernels.allFinite(x, length);
    bench.resultBytes(answer, 1);
  };
  check();
  for (const i of [0, 17, 44]) {
    const kept = values[i];
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      values[i] = value;
      check();
    }
    values[i] = kept;
  }
}

function changed(bench: Bench, x: Pointer, base: Pointer, length: number): void {
  const bytes = Math.ceil(length / changeBlockFloats / 8);
  const mask = bench.room(bytes);
  bench.kernels.changes(x, base, length, mask);
  bench.resultBytes(mask, bytes);
}
