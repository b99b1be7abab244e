/**
 * The native backend: the kernels of `../c/`, compiled for the processor of this machine, as a Node-API addon.
 *
 * What this is not: a reader of files, or a compiler. The platform compiles and loads the addon, and hands it in.
 */
import type { KernelBackend, KernelMemory } from '../backend.js';
import { sizesFor } from '../c/sizes.js';
import type { Kernels } from '../kernels.js';
import { createForeignMemory, type ForeignMemory, openForeignMemory } from '../webassembly/memory.js';

export const nativeName = 'native';

/** What the addon exports (`../c/addon.c`). */
export interface NativeAddon {
  /** The name and the lanes of every width of vectors that this processor has. */
  widths(): Readonly<Record<string, number>>;
  /**
   * Makes a function for each kernel, over the memory that `bytes` begins. The functions have no arguments: they read
   * them from `state`.
   */
  open(bytes: Uint8Array, state: Float64Array, lanes: number): Readonly<Record<keyof Kernels, () => void>>;
}

/** What another thread needs to open this backend. Every thread loads the addon from its file. */
export interface NativeCode {
  readonly file: string;
  /** The name of the width of the vectors, as `NativeAddon.widths` has it. */
  readonly width: string;
  /** The first digits of a hash of the source and of the way in which it was compiled. */
  readonly digest: string;
}

/** Doubles of the state. The first belongs to the addon; then come the arguments. A result replaces the first one. */
const STATE_LENGTH = 15;
const RESULT = 1;

export function openNative(addon: NativeAddon, code: NativeCode): KernelBackend {
  const lanes = addon.widths()[code.width];
  if (lanes === undefined) throw new Error(`this processor has no vectors of the width '${code.width}'`);
  return {
    name: nativeName,
    description: `${nativeName} ${code.width} ${code.digest}`,
    sizes: sizesFor(lanes),
    createMemory: (bytes, shared) => openMemory(addon, lanes, createForeignMemory(bytes, shared)),
    openMemory: (handOver) => openMemory(addon, lanes, openForeignMemory(handOver)),
    handOver: { name: nativeName, code },
  };
}

function openMemory(addon: NativeAddon, lanes: number, memory: ForeignMemory): KernelMemory {
  // An array without a buffer of its own would be moved by the garbage collector.
  const state = new Float64Array(new ArrayBuffer(8 * STATE_LENGTH));
  const open = () => addon.open(new Uint8Array(memory.buffer), state, lanes);
  return {
    kernels: kernelsOver(open(), state),
    get buffer() {
      return memory.buffer;
    },
    grow(bytes) {
      memory.grow(bytes);
      // The state gets the memory's address again: a memory that is not shared may have moved.
      open();
    },
    handOver: memory.handOver,
  };
}

/**
 * Every function is written out, so that the engine knows which one it calls: 20 ns a call. One function for all kernels
 * takes three times as long, and arguments that go through Node-API five times.
 */
function kernelsOver(native: ReturnType<NativeAddon['open']>, state: Float64Array): Kernels {
  const put = (a: number, b: number, c: number, d: number) => {
    state[RESULT] = a;
    state[RESULT + 1] = b;
    state[RESULT + 2] = c;
    state[RESULT + 3] = d;
  };
  const putMore = (e: number, f: number, g: number, h: number, i: number, j: number) => {
    state[RESULT + 4] = e;
    state[RESULT + 5] = f;
    state[RESULT + 6] = g;
    state[RESULT + 7] = h;
    state[RESULT + 8] = i;
    state[RESULT + 9] = j;
  };
  const putLast = (k: number, l: number, m: number, n: number) => {
    state[RESULT + 10] = k;
    state[RESULT + 11] = l;
    state[RESULT + 12] = m;
    state[RESULT + 13] = n;
  };
  return {
    keep(image, pixels, record) {
      put(image, pixels, record, 0);
      native.keep();
      return state[RESULT];
    },
    restore(record, pixels, image) {
      put(record, pixels, image, 0);
      native.restore();
    },
    gather(records, labels, pixels, ids, rows, packed, labelsOut) {
      put(records, labels, pixels, ids);
      putMore(rows, packed, labelsOut, 0, 0, 0);
      native.gather();
    },
    unpack(packed, pixels, rows, x) {
      put(packed, pixels, rows, x);
      native.unpack();
    },
    inputForward(packed, w, b, y, rows, inputs, outputs, activation, scratch) {
      put(packed, w, b, y);
      putMore(rows, inputs, outputs, activation, scratch, 0);
      native.inputForward();
    },
    inputParameterGradient(packed, delta, gw, gb, rows, inputs, outputs, write, scratch) {
      put(packed, delta, gw, gb);
      putMore(rows, inputs, outputs, write, scratch, 0);
      native.inputParameterGradient();
    },
    denseForward(x, w, b, y, rows, inputs, outputs, activation, scratch) {
      put(x, w, b, y);
      putMore(rows, inputs, outputs, activation, scratch, 0);
      native.denseForward();
    },
    denseParameterGradient(x, delta, gw, gb, rows, inputs, outputs, write, scratch) {
      put(x, delta, gw, gb);
      putMore(rows, inputs, outputs, write, scratch, 0);
      native.denseParameterGradient();
    },
    denseInputGradient(delta, wT, x, deltaIn, rows, inputs, outputs, activation, scratch) {
      put(delta, wT, x, deltaIn);
      putMore(rows, inputs, outputs, activation, scratch, 0);
      native.denseInputGradient();
    },
    transpose(w, inputs, outputs, wT) {
      put(w, inputs, outputs, wT);
      native.transpose();
    },
    convForward(x, w, b, y, rows, height, width, channels, kernel, stride, padding, outputs, activation, scratch) {
      put(x, w, b, y);
      putMore(rows, height, width, channels, kernel, stride);
      putLast(padding, outputs, activation, scratch);
      native.convForward();
    },
    convParameterGradient(
      x,
      delta,
      gw,
      gb,
      rows,
      height,
      width,
      channels,
      kernel,
      stride,
      padding,
      outputs,
      write,
      scratch,
    ) {
      put(x, delta, gw, gb);
      putMore(rows, height, width, channels, kernel, stride);
      putLast(padding, outputs, write, scratch);
      native.convParameterGradient();
    },
    convInputGradient(
      delta,
      wT,
      x,
      deltaIn,
      rows,
      height,
      width,
      channels,
      kernel,
      stride,
      padding,
      outputs,
      activation,
      scratch,
    ) {
      put(delta, wT, x, deltaIn);
      putMore(rows, height, width, channels, kernel, stride);
      putLast(padding, outputs, activation, scratch);
      native.convInputGradient();
    },
    maxPoolForward(x, y, winners, rows, height, width, channels, size, stride, activation) {
      put(x, y, winners, rows);
      putMore(height, width, channels, size, stride, activation);
      native.maxPoolForward();
    },
    maxPoolInputGradient(delta, winners, x, deltaIn, rows, height, width, channels, size, stride, activation) {
      put(delta, winners, x, deltaIn);
      putMore(rows, height, width, channels, size, stride);
      putLast(activation, 0, 0, 0);
      native.maxPoolInputGradient();
    },
    outputLoss(loss, activation, y, labels, delta, sums, rows, classes, write, scratch) {
      put(loss, activation, y, labels);
      putMore(delta, sums, rows, classes, write, scratch);
      native.outputLoss();
    },
    argmax(y, predictions, rows, classes) {
      put(y, predictions, rows, classes);
      native.argmax();
    },
    add(a, b, out, floats) {
      put(a, b, out, floats);
      native.add();
    },
    sgd(w, v, sum, floats, samples, rate, momentum, factor, decay, nesterov) {
      put(w, v, sum, floats);
      putMore(samples, rate, momentum, factor, decay, nesterov);
      native.sgd();
    },
    adam(w, m, v, sum, floats, samples, factor, beta1, beta2, epsilon, size, scale, kept) {
      put(w, m, v, sum);
      putMore(floats, samples, factor, beta1, beta2, epsilon);
      putLast(size, scale, kept, 0);
      native.adam();
    },
    allFinite(x, floats) {
      put(x, floats, 0, 0);
      native.allFinite();
      return state[RESULT];
    },
    changes(x, base, floats, mask) {
      put(x, base, floats, mask);
      native.changes();
    },
    quantise(x, floats, bits) {
      put(x, floats, bits, 0);
      native.quantise();
    },
    settle(w, change, residual, floats, bits) {
      put(w, change, residual, floats);
      putMore(bits, 0, 0, 0, 0, 0);
      native.settle();
    },
    encode(x, floats, bits, mask, out) {
      put(x, floats, bits, mask);
      putMore(out, 0, 0, 0, 0, 0);
      native.encode();
      return state[RESULT];
    },
    decode(codes, floats, bits, mask, x, subtract) {
      put(codes, floats, bits, mask);
      putMore(x, subtract, 0, 0, 0, 0);
      native.decode();
    },
    exp(x, y, floats) {
      put(x, y, floats, 0);
      native.exp();
    },
    log(x, y, floats) {
      put(x, y, floats, 0);
      native.log();
    },
  };
}
