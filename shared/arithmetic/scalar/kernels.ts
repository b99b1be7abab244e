/**
 * The specification of the arithmetic (E2): every kernel as plain loops over float32 numbers, in the order that counts.
 *
 * What this is not: fast. It skips nothing, blocks nothing and reuses nothing. Other backends do all that, and must give
 * the same bits. A product or sum of two float32 that is computed in double precision and then rounded by `Math.fround` is the
 * correctly rounded float32 result (Figueroa 1995), so these lines mean what they say on every engine.
 */

import { activate } from '../activate.js';
import { carryBack } from '../carry-back.js';
import {
  type ActivationCode,
  type CodeBits,
  changeBlockFloats,
  codedBlockBytes,
  type Kernels,
  Loss,
  type LossCode,
  type Pointer,
} from '../kernels.js';
import { blockScaleOf, decodedAt, encodeBlock, nearestCode, numberOf } from './codes.js';
import { convolutionKernels } from './convolution.js';
import { exp, log, sigmoid } from './elementary.js';
import { poolingKernels } from './pooling.js';
import { put } from './put.js';

const f = Math.fround;

/** The kernels over a memory, which may grow: views are made anew for every call. */
export function scalarKernels(memory: { readonly buffer: ArrayBufferLike }): Kernels {
  const at = (pointer: Pointer, length: number) => new Float32Array(memory.buffer, pointer, length);
  const bytesAt = (pointer: Pointer, length: number) => new Uint8Array(memory.buffer, pointer, length);

  const denseForward: Kernels['denseForward'] = (x, w, b, y, rows, inputs, outputs, activation) => {
    const [xs, ws, bs] = [at(x, rows * inputs), at(w, inputs * outputs), at(b, outputs)];
    const ys = at(y, rows * outputs);
    for (let r = 0; r < rows; r++) {
      for (let o = 0; o < outputs; o++) {
        let sum = 0;
        for (let i = 0; i < inputs; i++) sum = f(sum + f(xs[r * inputs + i] * ws[i * outputs + o]));
        ys[r * outputs + o] = activate(activation, f(sum + bs[o]));
      }
    }
  };

  const denseParameterGradient: Kernels['denseParameterGradient'] = (
    x,
    delta,
    gw,
    gb,
    rows,
    inputs,
    outputs,
    write,
  ) => {
    const [xs, ds] = [at(x, rows * inputs), at(delta, rows * outputs)];
    const [gws, gbs] = [at(gw, inputs * outputs), at(gb, outputs)];
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) {
        let sum = 0;
        for (let r = 0; r < rows; r++) sum = f(sum + f(xs[r * inputs + i] * ds[r * outputs + o]));
        put(gws, i * outputs + o, sum, write);
      }
      let sum = 0;
      for (let r = 0; r < rows; r++) sum = f(sum + ds[r * outputs + o]);
      put(gbs, o, sum, write);
    }
  };

  return {
    /** A record is the image as it is. */
    keep(image, pixels, record) {
      bytesAt(record, pixels).set(bytesAt(image, pixels));
      return Math.ceil(pixels / 4) * 4;
    },

    restore(record, pixels, image) {
      bytesAt(image, pixels).set(bytesAt(record, pixels));
    },

    /** x as it is: the first layer needs nothing of its own. */
    gather(records, labels, pixels, ids, rows, packed, labelsOut) {
      new Uint32Array(memory.buffer, ids, rows).forEach((id, r) => {
        const image = bytesAt(new Uint32Array(memory.buffer, records + 4 * id, 1)[0], pixels);
        at(packed + 4 * r * pixels, pixels).set(Array.from(image, (byte) => f(byte / 255)));
        bytesAt(labelsOut, rows)[r] = bytesAt(labels + id, 1)[0];
      });
    },

    unpack(packed, pixels, rows, x) {
      at(x, rows * pixels).set(at(packed, rows * pixels));
    },

    inputForward: denseForward,
    inputParameterGradient: denseParameterGradient,
    denseForward,
    denseParameterGradient,

    denseInputGradient(delta, wT, x, deltaIn, rows, inputs, outputs, activation) {
      const [ds, ws, xs] = [at(delta, rows * outputs), at(wT, outputs * inputs), at(x, rows * inputs)];
      const out = at(deltaIn, rows * inputs);
      for (let r = 0; r < rows; r++) {
        for (let i = 0; i < inputs; i++) {
          let sum = 0;
          for (let o = 0; o < outputs; o++) sum = f(sum + f(ds[r * outputs + o] * ws[o * inputs + i]));
          out[r * inputs + i] = carryBack(activation, sum, xs[r * inputs + i]);
        }
      }
    },

    transpose(w, inputs, outputs, wT) {
      const [ws, out] = [at(w, inputs * outputs), at(wT, inputs * outputs)];
      for (let o = 0; o < outputs; o++) {
        for (let i = 0; i < inputs; i++) out[o * inputs + i] = ws[i * outputs + o];
      }
    },

    ...convolutionKernels(at),
    ...poolingKernels(at, bytesAt),

    outputLoss(loss, activation, y, labels, delta, sums, rows, classes, write) {
      let total = 0;
      let correct = 0;
      for (let r = 0; r < rows; r++) {
        const row = at(y + 4 * r * classes, classes);
        const deltas = at(delta + 4 * r * classes, classes);
        const label = bytesAt(labels, rows)[r];
        if (largest(row) === label) correct++;
        total = f(total + sampleLoss(loss, activation, row, label, deltas));
      }
      const out = at(sums, 2);
      put(out, 0, total, write);
      put(out, 1, correct, write);
    },

    argmax(y, predictions, rows, classes) {
      const out = bytesAt(predictions, rows);
      for (let r = 0; r < rows; r++) out[r] = largest(at(y + 4 * r * classes, classes));
    },

    add(a, b, out, count) {
      const [as, bs, sums] = [at(a, count), at(b, count), at(out, count)];
      for (let i = 0; i < count; i++) sums[i] = f(as[i] + bs[i]);
    },

    sgd(w, v, sum, count, samples, learningRate, fraction, by, shrink, nesterov) {
      const [ws, vs, sums] = [at(w, count), at(v, count), at(sum, count)];
      const [n, rate, momentum, factor, decay] = [samples, learningRate, fraction, by, shrink].map(f);
      for (let i = 0; i < count; i++) {
        let g = f(f(sums[i] / n) * factor);
        if (decay !== 0) g = f(g + f(decay * ws[i]));
        if (momentum !== 0) {
          vs[i] = f(f(momentum * vs[i]) + g);
          g = nesterov === 1 ? f(g + f(momentum * vs[i])) : vs[i];
        }
        ws[i] = f(ws[i] - f(rate * g));
      }
    },

    adam(w, m, v, sum, count, ...numbers) {
      const [ws, ms, vs, sums] = [at(w, count), at(m, count), at(v, count), at(sum, count)];
      const [n, factor, beta1, beta2, epsilon, size, scale, kept] = numbers.map(f);
      for (let i = 0; i < count; i++) {
        const g = f(f(sums[i] / n) * factor);
        ms[i] = f(f(beta1 * ms[i]) + f(f(1 - beta1) * g));
        vs[i] = f(f(beta2 * vs[i]) + f(f(f(1 - beta2) * g) * g));
        const move = f(ms[i] / f(f(f(Math.sqrt(vs[i])) * scale) + epsilon));
        ws[i] = f(f(kept * ws[i]) - f(size * move));
      }
    },

    allFinite(x, count) {
      return at(x, count).every(Number.isFinite) ? 1 : 0;
    },

    changes(x, base, count, mask) {
      const words = new Uint32Array(memory.buffer, x, count);
      const before = base === 0 ? new Uint32Array(count) : new Uint32Array(memory.buffer, base, count);
      const blocks = Math.ceil(count / changeBlockFloats);
      const bits = bytesAt(mask, Math.ceil(blocks / 8)).fill(0);
      for (let i = 0; i < count; i++) {
        const block = Math.floor(i / changeBlockFloats);
        if (words[i] !== before[i]) bits[block >> 3] |= 1 << (block & 7);
      }
    },

    quantise(x, count, bits) {
      eachBlock(at(x, count), (block) => quantiseBlock(block, bits));
    },

    settle(w, change, residual, count, bits) {
      const [ws, changes, residuals] = [at(w, count), at(change, count), at(residual, count)];
      const wanted = changes.map((before, i) => f(f(before - ws[i]) + residuals[i]));
      const settled = wanted.slice();
      eachBlock(settled, (block) => quantiseBlock(block, bits));
      for (let i = 0; i < count; i++) {
        residuals[i] = f(wanted[i] - settled[i]);
        ws[i] = f(changes[i] - settled[i]);
        changes[i] = settled[i];
      }
    },

    encode(x, count, bits, mask, out) {
      let end = out;
      eachBlock(at(x, count), (block, n) => {
        if (!hasBit(bytesAt(mask, (n >> 3) + 1), n)) return;
        const bytes = codedBlockBytes(block.length, bits);
        encodeBlock(block, bits, bytesAt(end, bytes));
        end += bytes;
      });
      return end - out;
    },

    decode(codes, count, bits, mask, x, subtract) {
      let end = codes;
      eachBlock(at(x, count), (block, n) => {
        if (!hasBit(bytesAt(mask, (n >> 3) + 1), n)) return;
        const bytes = codedBlockBytes(block.length, bits);
        const coded = bytesAt(end, bytes);
        block.forEach((before, i) => {
          const number = decodedAt(coded, bits, i);
          block[i] = subtract === 1 ? f(before - number) : number;
        });
        end += bytes;
      });
    },

    exp(x, y, count) {
      const [xs, ys] = [at(x, count), at(y, count)];
      for (let i = 0; i < count; i++) ys[i] = exp(xs[i]);
    },

    log(x, y, count) {
      const [xs, ys] = [at(x, count), at(y, count)];
      for (let i = 0; i < count; i++) ys[i] = log(xs[i]);
    },
  };
}

/** Visits the blocks of a tensor, as views. */
function eachBlock(floats: Float32Array, visit: (block: Float32Array, n: number) => void): void {
  for (let n = 0; n * changeBlockFloats < floats.length; n++) {
    visit(floats.subarray(n * changeBlockFloats, (n + 1) * changeBlockFloats), n);
  }
}

function quantiseBlock(block: Float32Array, bits: CodeBits): void {
  const scale = blockScaleOf(block, bits);
  for (let i = 0; i < block.length; i++) block[i] = numberOf(nearestCode(block[i], scale, bits), scale);
}

function hasBit(mask: Uint8Array, n: number): boolean {
  return (mask[n >> 3] & (1 << (n & 7))) !== 0;
}

/** The index of the largest value, the first of equals. */
function largest(row: Float32Array): number {
  let best = 0;
  for (let c = 1; c < row.length; c++) if (row[c] > row[best]) best = c;
  return best;
}

/** One sample's loss, and its derivative with respect to the scores. */
function sampleLoss(
  loss: LossCode,
  activation: ActivationCode,
  y: Float32Array,
  label: number,
  delta: Float32Array,
): number {
  switch (loss) {
    case Loss.quadratic:
      return quadratic(activation, y, label, delta);
    case Loss.sigmoidCrossEntropy:
      return sigmoidCrossEntropy(y, label, delta);
    case Loss.softmaxCrossEntropy:
      return softmaxCrossEntropy(y, label, delta);
  }
}

function quadratic(activation: ActivationCode, y: Float32Array, label: number, delta: Float32Array): number {
  let sum = 0;
  for (let c = 0; c < y.length; c++) {
    const error = f(y[c] - (c === label ? 1 : 0));
    sum = f(sum + f(error * error));
    delta[c] = carryBack(activation, error, y[c]);
  }
  return f(0.5 * sum);
}

function sigmoidCrossEntropy(y: Float32Array, label: number, delta: Float32Array): number {
  let sum = 0;
  for (let c = 0; c < y.length; c++) {
    const t = c === label ? 1 : 0;
    const linear = f(Math.max(y[c], 0) - f(y[c] * t));
    sum = f(sum + f(linear + log(f(1 + exp(-Math.abs(y[c]))))));
    delta[c] = f(sigmoid(y[c]) - t);
  }
  return sum;
}

function softmaxCrossEntropy(y: Float32Array, label: number, delta: Float32Array): number {
  const max = y[largest(y)];
  let sum = 0;
  for (let c = 0; c < y.length; c++) {
    delta[c] = exp(f(y[c] - max));
    sum = f(sum + delta[c]);
  }
  for (let c = 0; c < y.length; c++) delta[c] = f(f(delta[c] / sum) - (c === label ? 1 : 0));
  return f(log(sum) - f(y[label] - max));
}
