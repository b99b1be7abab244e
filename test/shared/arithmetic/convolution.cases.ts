/** The cases of convolutions and max pooling, which every backend must pass: see kernels.cases.ts. */
import { type ConvSizes, positionsAlong } from '../../../shared/arithmetic/conv-sizes.js';
import { Activation, type ActivationCode, Write } from '../../../shared/arithmetic/kernels.js';
import { type KernelCase, kernelCase } from './case-workspace.js';

const activations = Object.entries(Activation);

/** The forward pass and both gradients of one convolution. */
export function convCases(
  rows: number,
  sizes: ConvSizes,
  zeros: number,
  [activationName, code]: [string, ActivationCode],
): KernelCase[] {
  const { height, width, channels, kernel, stride, padding, outputs } = sizes;
  const inputFloats = rows * height * width * channels;
  const outputFloats = rows * positionsAlong(height, sizes) * positionsAlong(width, sizes) * outputs;
  const weights = kernel ** 2 * channels * outputs;
  const shape = [rows, height, width, channels, kernel, stride, padding, outputs] as const;
  const seed = shape.reduce((sum, size) => (sum * 31 + size) % 2 ** 31, Math.round(zeros * 10));
  const size = `${rows} of ${height}x${width}x${channels}, ${outputs}@${kernel}, stride ${stride}, padding ${padding}`;
  const name = `${size}, ${100 * zeros}% zeros, ${activationName}`;
  const forward = kernelCase(`convForward ${name}`, seed, (kernels, space) => {
    const x = space.numbers(inputFloats, zeros);
    const [w, b] = [space.numbers(weights), space.numbers(outputs)];
    const y = space.output(4 * outputFloats);
    kernels.convForward(x, w, b, y, ...shape, code, space.convScratch(sizes));
  });
  const back = kernelCase(`convInputGradient ${name}`, seed, (kernels, space) => {
    const delta = space.numbers(outputFloats, zeros);
    const wT = space.numbers(weights);
    const deltaIn = space.output(4 * inputFloats);
    const x = space.numbers(inputFloats, 0.3);
    kernels.convInputGradient(delta, wT, x, deltaIn, ...shape, code, space.convScratch(sizes));
  });
  const gradient = kernelCase(`convParameterGradient ${name}`, seed, (kernels, space) => {
    const [x, delta] = [space.numbers(inputFloats, zeros), space.numbers(outputFloats, 0.2)];
    const scratch = space.convScratch(sizes);
    for (const write of Object.values(Write)) {
      const gw = space.outputOf(space.values(weights));
      const gb = space.outputOf(space.values(outputs));
      kernels.convParameterGradient(x, delta, gw, gb, ...shape, write, scratch);
    }
  });
  return [forward, back, gradient];
}

const sizesOf = (
  [height, width, channels]: readonly [number, number, number],
  [outputs, kernel, stride = 1, padding = 0]: readonly [number, number, number?, number?],
): ConvSizes => ({ height, width, channels, kernel, stride, padding, outputs });

/** Every pair of important sizes with small images; then images and layers that need several blocks. */
export function convolutionCases(): KernelCase[] {
  const list: [number, ConvSizes][] = [];
  for (const kernel of [1, 3, 5]) {
    for (const stride of [1, 2, 3]) {
      for (const padding of [0, 1, 2]) {
        for (const [channels, outputs] of [
          [1, 1],
          [1, 24],
          [3, 7],
          [3, 33],
          [24, 5],
        ]) {
          list.push([2, sizesOf([7, 6, channels], [outputs, kernel, stride, padding])]);
        }
      }
    }
  }
  for (let outputs = 1; outputs <= 36; outputs++) list.push([1, sizesOf([4, 5, 2], [outputs, 2])]);
  for (let channels = 1; channels <= 36; channels++) list.push([1, sizesOf([3, 4, channels], [6, 2, 1, 1])]);
  for (let width = 3; width <= 20; width++) list.push([1, sizesOf([3, width, 3], [9, 3, 1, 1])]);
  list.push(
    [3, sizesOf([6, 6, 3], [8, 6])],
    [2, sizesOf([3, 5, 2], [4, 5, 1, 1])],
    [1, sizesOf([2, 2, 2], [3, 3, 2, 4])],
  );
  list.push([3, sizesOf([28, 28, 1], [24, 5])], [3, sizesOf([12, 12, 24], [32, 3])], [17, sizesOf([5, 5, 3], [24, 3])]);
  // One position in a row: what a vector has too many reaches over several rows.
  for (const outputs of [1, 3, 5, 33]) list.push([2, sizesOf([9, 2, 1], [outputs, 2])]);
  list.push([1, sizesOf([3, 230, 2], [7, 3])], [2, sizesOf([3, 3, 140], [5, 2])], [2, sizesOf([3, 4, 2], [150, 2])]);
  let turn = 0;
  return list.flatMap(([rows, sizes]) => {
    const zeros = [0, 0.3, 0.8][turn % 3];
    return convCases(rows, sizes, zeros, activations[turn++ % activations.length]);
  });
}

/** Forward and back. The inputs have few different values, so that windows have several largest ones. */
export function maxPoolCase(
  sizes: readonly [rows: number, height: number, width: number, channels: number, size: number, stride: number],
  [activationName, code]: [string, ActivationCode],
): KernelCase {
  const [rows, height, width, channels, size, stride] = sizes;
  const positions = (extent: number) => positionsAlong(extent, { kernel: size, stride, padding: 0 });
  const [inputs, outputs] = [height * width, positions(height) * positions(width)].map((n) => rows * n * channels);
  return kernelCase(`maxPool ${sizes.join(', ')}, ${activationName}`, inputs + outputs, (kernels, space) => {
    const x = space.put(space.values(inputs, 0.3).map((value) => Math.round(2 * value) / 2));
    const [y, winners] = [space.output(4 * outputs), space.output(outputs)];
    kernels.maxPoolForward(x, y, winners, ...sizes, code);
    const [delta, deltaIn] = [space.numbers(outputs, 0.3), space.output(4 * inputs)];
    kernels.maxPoolInputGradient(delta, winners, x, deltaIn, ...sizes, code);
  });
}

export function maxPoolCases(): KernelCase[] {
  const list: Parameters<typeof maxPoolCase>[0][] = [];
  for (let channels = 1; channels <= 36; channels++) {
    list.push([2, 4, 5, channels, 2, 2], [1, 5, 4, channels, 3, 1], [1, 8, 5, channels, 2, 3]);
    // Windows that cover the image.
    list.push([2, 4, 6, channels, 2, 2], [1, 6, 3, channels, 3, 3]);
  }
  list.push([1, 16, 17, 3, 16, 1], [2, 16, 16, 20, 16, 16], [3, 3, 4, 7, 1, 1], [17, 24, 24, 24, 2, 2]);
  return list.map((sizes, n) => maxPoolCase(sizes, activations[n % activations.length]));
}
