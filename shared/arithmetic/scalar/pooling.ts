/** The specification of max pooling (E2), part of `kernels.ts`. */
import { activate } from '../activate.js';
import { carryBack } from '../carry-back.js';
import { positionsAlong } from '../conv-sizes.js';
import type { Kernels, Pointer } from '../kernels.js';

type PoolingKernels = Pick<Kernels, 'maxPoolForward' | 'maxPoolInputGradient'>;

/** The functions give views of floats and of bytes of the memory. */
export function poolingKernels(
  at: (pointer: Pointer, length: number) => Float32Array,
  bytesAt: (pointer: Pointer, length: number) => Uint8Array,
): PoolingKernels {
  return {
    maxPoolForward(x, y, winners, rows, height, width, channels, size, stride, activation) {
      const windows = new Windows(height, width, channels, size, stride);
      const xs = at(x, rows * windows.inputs);
      const [ys, won] = [at(y, rows * windows.outputs), bytesAt(winners, rows * windows.outputs)];
      for (let o = 0; o < ys.length; o++) {
        let winner = 0;
        for (let n = 1; n < size * size; n++) if (xs[windows.input(o, n)] > xs[windows.input(o, winner)]) winner = n;
        won[o] = winner;
        ys[o] = activate(activation, xs[windows.input(o, winner)]);
      }
    },

    maxPoolInputGradient(delta, winners, x, deltaIn, rows, height, width, channels, size, stride, activation) {
      const windows = new Windows(height, width, channels, size, stride);
      const [ds, won] = [at(delta, rows * windows.outputs), bytesAt(winners, rows * windows.outputs)];
      const [xs, out] = [at(x, rows * windows.inputs), at(deltaIn, rows * windows.inputs).fill(0)];
      // Outputs come in the order of their windows, and storing rounds each sum to float32.
      for (let o = 0; o < ds.length; o++) out[windows.input(o, won[o])] += ds[o];
      for (let i = 0; i < out.length; i++) out[i] = carryBack(activation, out[i], xs[i]);
    },
  };
}

/** The addresses of inputs in windows. */
class Windows {
  readonly inputs: number;
  readonly outputs: number;
  private readonly down: number;
  private readonly across: number;

  constructor(
    private readonly height: number,
    private readonly width: number,
    private readonly channels: number,
    private readonly size: number,
    private readonly stride: number,
  ) {
    const window = { kernel: size, stride, padding: 0 };
    this.down = positionsAlong(height, window);
    this.across = positionsAlong(width, window);
    this.inputs = height * width * channels;
    this.outputs = this.down * this.across * channels;
  }

  /** Input number n, row by row, of the window of output o. */
  input(o: number, n: number): number {
    const [c, position] = [o % this.channels, Math.floor(o / this.channels)];
    const [ox, line] = [position % this.across, Math.floor(position / this.across)];
    const [oy, r] = [line % this.down, Math.floor(line / this.down)];
    const [iy, ix] = [oy * this.stride + Math.floor(n / this.size), ox * this.stride + (n % this.size)];
    return ((r * this.height + iy) * this.width + ix) * this.channels + c;
  }
}
