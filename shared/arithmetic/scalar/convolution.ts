/**
 * The specification of convolutions (E2), part of `kernels.ts`: plain loops in the order that counts. `taps` lists the
 * terms of one sum; everything else is an address.
 */
import { activate } from '../activate.js';
import { carryBack } from '../carry-back.js';
import { type ConvSizes, positionsAlong } from '../conv-sizes.js';
import type { Kernels, Pointer } from '../kernels.js';
import { put } from './put.js';

const f = Math.fround;

type ConvolutionKernels = Pick<Kernels, 'convForward' | 'convParameterGradient' | 'convInputGradient'>;

/** `at` gives a view of floats of the memory. */
export function convolutionKernels(at: (pointer: Pointer, length: number) => Float32Array): ConvolutionKernels {
  return {
    convForward(x, w, b, y, rows, height, width, channels, kernel, stride, padding, outputs, activation) {
      const conv = new Convolution({ height, width, channels, kernel, stride, padding, outputs });
      const [xs, ws, bs] = [at(x, rows * conv.inputFloats), at(w, conv.weights), at(b, outputs)];
      const ys = at(y, rows * conv.outputFloats);
      conv.eachOutput(rows, (r, oy, ox, o) => {
        let sum = 0;
        conv.eachTap(oy, ox, (ky, kx, iy, ix) => {
          for (let c = 0; c < channels; c++) {
            sum = f(sum + f(xs[conv.input(r, iy, ix, c)] * ws[conv.weight(ky, kx, c, o)]));
          }
        });
        ys[conv.output(r, oy, ox, o)] = activate(activation, f(sum + bs[o]));
      });
    },

    convParameterGradient(x, delta, gw, gb, rows, height, width, channels, kernel, stride, padding, outputs, write) {
      const conv = new Convolution({ height, width, channels, kernel, stride, padding, outputs });
      const [xs, ds] = [at(x, rows * conv.inputFloats), at(delta, rows * conv.outputFloats)];
      const [weights, biases] = [new Float32Array(conv.weights), new Float32Array(outputs)];
      // Every sum gets its terms in the order of the positions, and takes at most one of each position.
      conv.eachOutput(rows, (r, oy, ox, o) => {
        const d = ds[conv.output(r, oy, ox, o)];
        conv.eachTap(oy, ox, (ky, kx, iy, ix) => {
          for (let c = 0; c < channels; c++) {
            const i = conv.weight(ky, kx, c, o);
            weights[i] = f(weights[i] + f(xs[conv.input(r, iy, ix, c)] * d));
          }
        });
        biases[o] = f(biases[o] + d);
      });
      const [gws, gbs] = [at(gw, conv.weights), at(gb, outputs)];
      weights.forEach((sum, i) => {
        put(gws, i, sum, write);
      });
      biases.forEach((sum, o) => {
        put(gbs, o, sum, write);
      });
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
    ) {
      const conv = new Convolution({ height, width, channels, kernel, stride, padding, outputs });
      const [ds, ws, xs] = [at(delta, rows * conv.outputFloats), at(wT, conv.weights), at(x, rows * conv.inputFloats)];
      const sums = new Float32Array(rows * conv.inputFloats);
      // Here too, every sum gets its terms in the order of the positions.
      conv.eachOutput(rows, (r, oy, ox, o) => {
        const d = ds[conv.output(r, oy, ox, o)];
        conv.eachTap(oy, ox, (ky, kx, iy, ix) => {
          for (let c = 0; c < channels; c++) {
            const i = conv.input(r, iy, ix, c);
            sums[i] = f(sums[i] + f(d * ws[conv.transposedWeight(ky, kx, c, o)]));
          }
        });
      });
      const out = at(deltaIn, rows * conv.inputFloats);
      for (let i = 0; i < out.length; i++) out[i] = carryBack(activation, sums[i], xs[i]);
    },
  };
}

/** Loops and addresses of a convolution. */
class Convolution {
  readonly inputFloats: number;
  readonly outputFloats: number;
  readonly weights: number;
  /** Rows and columns of positions. */
  private readonly down: number;
  private readonly across: number;

  constructor(private readonly sizes: ConvSizes) {
    const { height, width, channels, kernel, outputs } = sizes;
    this.down = positionsAlong(height, sizes);
    this.across = positionsAlong(width, sizes);
    this.inputFloats = height * width * channels;
    this.outputFloats = this.down * this.across * outputs;
    this.weights = kernel * kernel * channels * outputs;
  }

  eachOutput(rows: number, visit: (r: number, oy: number, ox: number, o: number) => void): void {
    for (let r = 0; r < rows; r++) {
      for (let oy = 0; oy < this.down; oy++) {
        for (let ox = 0; ox < this.across; ox++) for (let o = 0; o < this.sizes.outputs; o++) visit(r, oy, ox, o);
      }
    }
  }

  /** The places of the kernel that lie in the image at a position. */
  eachTap(oy: number, ox: number, visit: (ky: number, kx: number, iy: number, ix: number) => void): void {
    const { height, width, kernel, stride, padding } = this.sizes;
    for (let ky = 0; ky < kernel; ky++) {
      const iy = oy * stride + ky - padding;
      if (iy < 0 || iy >= height) continue;
      for (let kx = 0; kx < kernel; kx++) {
        const ix = ox * stride + kx - padding;
        if (ix >= 0 && ix < width) visit(ky, kx, iy, ix);
      }
    }
  }

  input(r: number, iy: number, ix: number, c: number): number {
    return ((r * this.sizes.height + iy) * this.sizes.width + ix) * this.sizes.channels + c;
  }

  output(r: number, oy: number, ox: number, o: number): number {
    return ((r * this.down + oy) * this.across + ox) * this.sizes.outputs + o;
  }

  weight(ky: number, kx: number, c: number, o: number): number {
    return ((ky * this.sizes.kernel + kx) * this.sizes.channels + c) * this.sizes.outputs + o;
  }

  transposedWeight(ky: number, kx: number, c: number, o: number): number {
    const { kernel, channels, outputs } = this.sizes;
    return ((ky * outputs + o) * kernel + kx) * channels + c;
  }
}
