/**
 * Well-known mistakes: ways to compute that look right but give other bits. Each of them is the specification with one
 * change. If a worker's bits equal those of a mistake, the report names the mistake.
 */
import type { KernelBackend, KernelMemory } from '../../shared/arithmetic/backend.js';
import {
  type ActivationCode,
  type Kernels,
  type Pointer,
  Write,
  type WriteCode,
} from '../../shared/arithmetic/kernels.js';
import { openScalar } from '../../shared/arithmetic/scalar/backend.js';

export interface Mistake {
  /** A full sentence that says what the worker does and what it should do. */
  readonly sentence: string;
  readonly backend: KernelBackend;
}

const f = Math.fround;

/** Adds `count` products to `first`. */
type Dot = (count: number, first: number, a: (i: number) => number, b: (i: number) => number) => number;

const dots = {
  specified: (count, first, a, b) => {
    let sum = first;
    for (let i = 0; i < count; i++) sum = f(sum + f(a(i) * b(i)));
    return sum;
  },
  fused: (count, first, a, b) => {
    let sum = first;
    for (let i = 0; i < count; i++) sum = f(sum + a(i) * b(i));
    return sum;
  },
  inDouble: (count, first, a, b) => {
    let sum = first;
    for (let i = 0; i < count; i++) sum += a(i) * b(i);
    return f(sum);
  },
  backwards: (count, first, a, b) => {
    let sum = first;
    for (let i = count - 1; i >= 0; i--) sum = f(sum + f(a(i) * b(i)));
    return sum;
  },
} satisfies Record<string, Dot>;

export const mistakes = {
  biasFirst: {
    sentence: 'It adds the bias before the products; the bias comes last.',
    backend: altered((memory) => otherDots(memory, dots.specified, true)),
  },
  fused: {
    sentence: 'It fuses multiply and add; each rounds on its own.',
    backend: altered((memory) => otherDots(memory, dots.fused, false)),
  },
  inDouble: {
    sentence: 'It sums in double precision; every sum rounds to float32 after each addition.',
    backend: altered((memory) => otherDots(memory, dots.inDouble, false)),
  },
  backwards: {
    sentence: 'It sums from the last term to the first; the index ascends.',
    backend: altered((memory) => otherDots(memory, dots.backwards, false)),
  },
  reciprocal: {
    sentence: 'It multiplies pixels by 1/255; a pixel is divided by 255.',
    backend: altered((memory) => otherPixels(memory, (pixel) => f(pixel * f(1 / 255)))),
  },
  by256: {
    sentence: 'It divides pixels by 256; a pixel is divided by 255.',
    backend: altered((memory) => otherPixels(memory, (pixel) => f(pixel / 256))),
  },
} satisfies Record<string, Mistake>;

/** The scalar backend with some kernels replaced. The replaced kernels may use two floats of scratch space. */
export function altered(change: (memory: KernelMemory) => Partial<Kernels>): KernelBackend {
  const scalar = openScalar();
  const createMemory = (bytes: number, shared: boolean): KernelMemory => {
    const memory = scalar.createMemory(bytes, shared);
    const { buffer, handOver } = memory;
    return { buffer, handOver, kernels: { ...memory.kernels, ...change(memory) }, grow: neverGrows };
  };
  return { ...scalar, name: 'altered', sizes: { ...scalar.sizes, scratchFloats: () => 2 }, createMemory };
}

function neverGrows(): never {
  throw new Error('this memory has the size that it needs from the start');
}

/** All dense kernels, with another way to add products. */
function otherDots({ buffer, kernels: base }: KernelMemory, dot: Dot, biasFirst: boolean): Partial<Kernels> {
  const at = (pointer: Pointer, floats: number) => new Float32Array(buffer, pointer, floats);

  const forward: Kernels['denseForward'] = (x, w, b, y, rows, inputs, outputs, activation, scratch) => {
    const [xs, ws, bs, ys] = [at(x, rows * inputs), at(w, inputs * outputs), at(b, outputs), at(y, rows * outputs)];
    for (let r = 0; r < rows; r++) {
      for (let o = 0; o < outputs; o++) {
        const products: [(i: number) => number, (i: number) => number] = [
          (i) => xs[r * inputs + i],
          (i) => ws[i * outputs + o],
        ];
        const sum = dot(inputs, biasFirst ? bs[o] : 0, ...products);
        ys[r * outputs + o] = biasFirst ? sum : f(sum + bs[o]);
      }
    }
    activateInPlace(y, rows * outputs, activation, scratch);
  };

  /** Applies an activation. It uses a layer with weight 1 and bias 0, whose only effect is its activation. */
  const activateInPlace = (y: Pointer, floats: number, activation: ActivationCode, scratch: Pointer) => {
    at(scratch, 2).set([1, 0]);
    base.denseForward(y, scratch, scratch + 4, y, floats, 1, 1, activation, scratch);
  };

  const parameterGradient: Kernels['denseParameterGradient'] = (x, delta, gw, gb, rows, inputs, outputs, write) => {
    const [xs, ds] = [at(x, rows * inputs), at(delta, rows * outputs)];
    const [gws, gbs] = [at(gw, inputs * outputs), at(gb, outputs)];
    for (let o = 0; o < outputs; o++) {
      const deltaOf = (r: number) => ds[r * outputs + o];
      for (let i = 0; i < inputs; i++) {
        put(
          gws,
          i * outputs + o,
          dot(rows, 0, (r) => xs[r * inputs + i], deltaOf),
          write,
        );
      }
      put(
        gbs,
        o,
        dot(rows, 0, () => 1, deltaOf),
        write,
      );
    }
  };

  const inputGradient: Kernels['denseInputGradient'] = (
    delta,
    wT,
    x,
    deltaIn,
    rows,
    inputs,
    outputs,
    activation,
    scratch,
  ) => {
    const [ds, ws, sums] = [at(delta, rows * outputs), at(wT, outputs * inputs), at(deltaIn, rows * inputs)];
    for (let r = 0; r < rows; r++) {
      for (let i = 0; i < inputs; i++) {
        const of = (o: number) => ws[o * inputs + i];
        sums[r * inputs + i] = dot(outputs, 0, (o) => ds[r * outputs + o], of);
      }
    }
    at(scratch, 1)[0] = 1;
    base.denseInputGradient(deltaIn, scratch, x, deltaIn, rows * inputs, 1, 1, activation, scratch);
  };

  return {
    inputForward: forward,
    denseForward: forward,
    inputParameterGradient: parameterGradient,
    denseParameterGradient: parameterGradient,
    denseInputGradient: inputGradient,
  };
}

function put(out: Float32Array, i: number, result: number, write: WriteCode): void {
  out[i] = write === Write.accumulate ? f(out[i] + result) : result;
}

/** Kernels whose first layer gets other numbers for the pixels. */
function otherPixels({ buffer, kernels: base }: KernelMemory, inputOf: (pixel: number) => number): Partial<Kernels> {
  const gather: Kernels['gather'] = (records, labels, pixels, ids, rows, packed, labelsOut) => {
    base.gather(records, labels, pixels, ids, rows, packed, labelsOut);
    const x = new Float32Array(buffer, packed, rows * pixels);
    for (let i = 0; i < x.length; i++) x[i] = inputOf(Math.round(x[i] * 255));
  };
  return { gather };
}
