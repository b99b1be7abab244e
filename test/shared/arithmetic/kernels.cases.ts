/**
 * The cases that every backend must pass, as data. A case makes its operands from a seed, calls kernels, and returns
 * the bytes that they wrote. Two backends agree if these bytes are equal. This file needs no test runner, so a browser
 * can run the cases, too.
 */
import {
  Activation,
  type ActivationCode,
  type CodeBits,
  changeBlockFloats,
  codedBlockBytes,
  type Kernels,
  Loss,
  type LossCode,
  type Pointer,
  Write,
  type WriteCode,
} from '../../../shared/arithmetic/kernels.js';
import type { Random } from '../../../shared/random.js';
import { type KernelCase, kernelCase, type Layer, type Workspace } from './case-workspace.js';
import { convolutionCases, maxPoolCases } from './convolution.cases.js';

const activations = Object.entries(Activation);
const writes = Object.entries(Write);

/** The forward pass and both gradients of one layer. */
export function layerCases(layer: Layer, zeros: number, activation: [string, ActivationCode]): KernelCase[] {
  const { rows, inputs, outputs } = layer;
  const seed = (rows * 1000 + inputs) * 1000 + outputs + Math.round(zeros * 10);
  const size = `${rows}x${inputs}x${outputs}, ${100 * zeros}% zeros`;
  const [activationName, code] = activation;
  const forward = kernelCase(`denseForward ${size}, ${activationName}`, seed, (kernels, space) => {
    const x = space.numbers(rows * inputs, zeros);
    const w = space.numbers(inputs * outputs);
    const y = space.output(4 * rows * outputs);
    const b = space.numbers(outputs);
    kernels.denseForward(x, w, b, y, rows, inputs, outputs, code, space.scratch(layer));
  });
  const back = kernelCase(`denseInputGradient ${size}, ${activationName}`, seed, (kernels, space) => {
    const delta = space.numbers(rows * outputs, zeros);
    const wT = space.numbers(inputs * outputs);
    const deltaIn = space.output(4 * rows * inputs);
    const x = space.numbers(rows * inputs, 0.3);
    kernels.denseInputGradient(delta, wT, x, deltaIn, rows, inputs, outputs, code, space.scratch(layer));
  });
  const gradients = writes.map(([name, write]) =>
    kernelCase(`denseParameterGradient ${size}, ${name}`, seed, (kernels, space) =>
      parameterGradient(kernels, space, layer, zeros, write),
    ),
  );
  return [forward, back, ...gradients];
}

function parameterGradient(kernels: Kernels, space: Workspace, layer: Layer, zeros: number, write: WriteCode): void {
  const { rows, inputs, outputs } = layer;
  const x = space.numbers(rows * inputs, zeros);
  const delta = space.numbers(rows * outputs, 0.2);
  const gw = space.outputOf(space.values(inputs * outputs));
  const gb = space.outputOf(space.values(outputs));
  kernels.denseParameterGradient(x, delta, gw, gb, rows, inputs, outputs, write, space.scratch(layer));
}

function lossCase(loss: [string, LossCode], activation: [string, ActivationCode], rows: number, classes: number) {
  const name = `outputLoss ${loss[0]}, ${activation[0]}, ${rows}x${classes}`;
  return kernelCase(name, rows * 100 + classes, (kernels, space) => {
    const y = space.numbers(rows * classes, 0.1);
    const labels = space.bytes(rows, classes);
    const delta = space.output(4 * rows * classes);
    const sums = space.outputOf(space.values(2));
    const scratch = space.scratch({ rows, inputs: classes, outputs: classes });
    for (const write of [Write.store, Write.accumulate]) {
      kernels.outputLoss(loss[1], activation[1], y, labels, delta, sums, rows, classes, write, scratch);
    }
    kernels.argmax(y, space.output(rows), rows, classes);
  });
}

function lossCases(): KernelCase[] {
  const sizes = [
    [1, 1],
    [1, 10],
    [3, 2],
    [16, 10],
    [17, 13],
    [5, 256],
  ];
  return Object.entries(Loss).flatMap((loss) =>
    activations.flatMap((activation) => sizes.map(([rows, classes]) => lossCase(loss, activation, rows, classes))),
  );
}

function elementwiseCases(length: number): KernelCase[] {
  return [
    kernelCase(`add of ${length}`, length, (kernels, space) => {
      const [a, b] = [space.numbers(length, 0.1), space.numbers(length, 0.1)];
      kernels.add(a, b, space.output(4 * length), length);
      const inPlace = space.outputOf(space.values(length));
      kernels.add(inPlace, b, inPlace, length);
      kernels.add(b, inPlace, inPlace, length);
    }),
    kernelCase(`sgd over ${length}`, length, (kernels, space) => {
      const [w, v] = [space.outputOf(space.values(length)), space.outputOf(space.values(length, 0.1))];
      const [plain, unused] = [space.outputOf(space.values(length, 0.1)), space.outputOf(space.values(length))];
      for (const samples of [1000 / 3, 128]) {
        kernels.sgd(w, v, space.numbers(length, 0.1), length, samples, 0.1, 0.9, 1, 0, 0);
        // Most of this sum is zero, of either sign.
        kernels.sgd(plain, unused, space.numbers(length, 0.97), length, samples, 0.1, 0, 1, 0, 0);
        kernels.sgd(w, v, space.numbers(length, 0.1), length, samples, 0.1, 0.9, 0.3, 0, 0);
        kernels.sgd(w, v, space.numbers(length, 0.1), length, samples, 0.1, 0.9, 1, 0.02, 1);
        kernels.sgd(plain, unused, space.numbers(length, 0.1), length, samples, 0.1, 0, 0.3, 0.02, 0);
      }
    }),
    kernelCase(`adam over ${length}`, length, (kernels, space) => {
      const w = space.outputOf(space.values(length));
      const m = space.outputOf(space.values(length, 0.1));
      const v = space.outputOf(space.values(length, 0.1).map(Math.abs));
      for (const samples of [1000 / 3, 128]) {
        const sum = space.numbers(length, 0.1);
        kernels.adam(w, m, v, sum, length, samples, 0.3, 0.9, 0.999, 1e-8, 0.02, 1.7, 0.99);
      }
    }),
    kernelCase(`exp of ${length}`, length, (kernels, space) => {
      kernels.exp(space.put(exponents(space.random, length)), space.output(4 * length), length);
    }),
    kernelCase(`log of ${length}`, length, (kernels, space) => {
      const bits = Uint32Array.from({ length }, () => space.random.below(0x7f80_0000));
      kernels.log(space.put(new Float32Array(bits.buffer)), space.output(4 * length), length);
    }),
  ];
}

function exponents(random: Random, length: number): Float32Array {
  return Float32Array.from({ length }, () => (random.uniform() - 0.5) * 240);
}

/** In some blocks, one bit changes: the lowest or the highest. So a zero may change only its sign. */
function changesCase(floats: number, fromZero: boolean): KernelCase {
  return kernelCase(`changes of ${floats} from ${fromZero ? 'zeros' : 'others'}`, floats, (kernels, space) => {
    const base = fromZero ? 0 : space.numbers(floats);
    const x = space.room(4 * floats);
    const words = new Uint32Array(space.memory.buffer, x, floats);
    words.set(fromZero ? new Uint32Array(floats) : new Uint32Array(space.memory.buffer, base, floats));
    for (let at = space.random.below(150); at < floats; at += 1 + space.random.below(150)) {
      words[at] ^= at % 2 === 0 ? 1 : 0x8000_0000;
    }
    kernels.changes(x, base, floats, space.output(Math.ceil(floats / (8 * changeBlockFloats))));
  });
}

/** Numbers of every size: in some blocks, all numbers are tiny or zero, and one number may be huge. */
function codedValues(space: Workspace, floats: number): Float32Array {
  const values = space.values(floats, 0.1);
  for (let from = 0; from < floats; from += changeBlockFloats) {
    const block = values.subarray(from, from + changeBlockFloats);
    const kind = space.random.below(6);
    if (kind === 0) block.fill(0);
    else if (kind < 5) block.set(block.map((x) => x * [1, 2 ** -140, 2 ** -100, 2 ** 124][kind - 1]));
    else block[space.random.below(block.length)] = 7.5;
  }
  return values;
}

function codesCase(floats: number, bits: CodeBits): KernelCase {
  return kernelCase(`codes of ${bits} bits for ${floats}`, floats + bits, (kernels, space) => {
    const x = space.outputOf(codedValues(space, floats));
    const blocks = Math.ceil(floats / changeBlockFloats);
    const mask = space.bytes(Math.ceil(blocks / 8), 256);
    const out = space.output(blocks * codedBlockBytes(changeBlockFloats, bits) + 1);
    const bytes = new Uint8Array(space.memory.buffer, out);
    bytes[blocks * codedBlockBytes(changeBlockFloats, bits)] = kernels.encode(x, floats, bits, mask, out) & 255;
    for (const subtract of [0, 1] as const) {
      kernels.decode(out, floats, bits, mask, space.outputOf(space.values(floats, 0.1)), subtract);
    }
    const [w, residual] = [space.outputOf(codedValues(space, floats)), space.outputOf(space.values(floats, 0.5))];
    kernels.settle(w, space.outputOf(codedValues(space, floats)), residual, floats, bits);
    kernels.quantise(x, floats, bits);
  });
}

/** Codes that no encoder writes: every byte may come over a network. */
function foreignCodesCase(bits: CodeBits): KernelCase {
  return kernelCase(`any codes of ${bits} bits`, bits, (kernels, space) => {
    const floats = 300;
    const codes = space.bytes(5 * codedBlockBytes(changeBlockFloats, bits), 256);
    const view = new Uint8Array(space.memory.buffer, codes);
    // Scales below those that give infinity. No number is NaN, because the bits of a NaN differ between machines.
    for (let block = 0; block < 5; block++) view[block * codedBlockBytes(changeBlockFloats, bits)] = 60 * block;
    const mask = space.room(1);
    new Uint8Array(space.memory.buffer, mask, 1).fill(255);
    kernels.decode(codes, floats, bits, mask, space.output(4 * floats), 0);
  });
}

function transposeCase(inputs: number, outputs: number): KernelCase {
  return kernelCase(`transpose ${inputs}x${outputs}`, inputs * 1000 + outputs, (kernels, space) => {
    const w = space.numbers(inputs * outputs);
    kernels.transpose(w, inputs, outputs, space.output(4 * inputs * outputs));
  });
}

/**
 * Computes the first layer over samples. Its results also show whether `gather` has packed the samples correctly. The
 * samples take their shares of zero pixels from `zeros`, in turn. The first sample is blank.
 */
function inputCase(layer: Layer, zeros: readonly number[], activation: [string, ActivationCode]): KernelCase {
  const { rows, inputs, outputs } = layer;
  const name = `input layer ${rows}x${inputs}x${outputs}, ${zeros.map((share) => 100 * share)}% zeros, ${activation[0]}`;
  return kernelCase(name, (rows * 1000 + inputs) * 1000 + outputs, (kernels, space) => {
    const samples = 40;
    const images = sparseImages(space, samples, inputs, zeros);
    new Uint8Array(space.memory.buffer, images, inputs).fill(0);
    const records = keepImages(kernels, space, images, inputs, samples);
    const labels = space.bytes(samples, 256);
    const ids = space.room(4 * rows);
    new Uint32Array(space.memory.buffer, ids, rows).forEach((_, r, out) => {
      out[r] = r === 0 ? 0 : space.random.below(samples);
    });
    const packed = space.room(4 * space.sizes.packedFloats(rows, inputs));
    space.output(0);
    kernels.gather(records, labels, inputs, ids, rows, packed, space.output(rows));
    kernels.unpack(packed, inputs, rows, space.output(4 * rows * inputs));
    const [w, b, y] = [space.numbers(inputs * outputs), space.numbers(outputs), space.output(4 * rows * outputs)];
    const scratch = space.scratch(layer);
    kernels.inputForward(packed, w, b, y, rows, inputs, outputs, activation[1], scratch);
    const delta = space.numbers(rows * outputs, 0.2);
    const gw = space.outputOf(space.values(inputs * outputs));
    const gb = space.outputOf(space.values(outputs));
    for (const write of [Write.store, Write.accumulate]) {
      kernels.inputParameterGradient(packed, delta, gw, gb, rows, inputs, outputs, write, scratch);
    }
  });
}

/** Makes the images' records, and returns their addresses. Each image is also restored once, which is a result. */
function keepImages(kernels: Kernels, space: Workspace, images: Pointer, pixels: number, count: number): Pointer {
  const addresses = space.room(4 * count);
  const restored = space.output(pixels * count);
  for (let i = 0; i < count; i++) {
    const record = space.room(space.sizes.recordBytesMax(pixels));
    kernels.keep(images + i * pixels, pixels, record);
    kernels.restore(record, pixels, restored + i * pixels);
    new Uint32Array(space.memory.buffer, addresses, count)[i] = record;
  }
  return addresses;
}

function sparseImages(space: Workspace, count: number, pixels: number, zeros: readonly number[]): Pointer {
  const at = space.bytes(count * pixels, 256);
  const view = new Uint8Array(space.memory.buffer, at, count * pixels);
  for (let i = 0; i < view.length; i++) {
    if (space.random.uniform() < zeros[Math.floor(i / pixels) % zeros.length]) view[i] = 0;
  }
  return at;
}

/** One sample that has every byte as a pixel. For a delta of 1, the gradient of a pixel is its value. */
function pixelValues(zeros: number): KernelCase {
  return kernelCase(`input layer of every byte and ${zeros} zeros`, 1, (kernels, space) => {
    const inputs = 256 + zeros;
    const images = space.room(inputs);
    new Uint8Array(space.memory.buffer, images, inputs).forEach((_, i, out) => {
      out[i] = i < 256 ? i : 0;
    });
    const [labels, ids] = [space.bytes(1, 10), space.room(4)];
    new Uint32Array(space.memory.buffer, ids, 1)[0] = 0;
    const packed = space.room(4 * space.sizes.packedFloats(1, inputs));
    const records = keepImages(kernels, space, images, inputs, 1);
    kernels.gather(records, labels, inputs, ids, 1, packed, space.output(1));
    const [gw, gb] = [space.output(4 * inputs), space.output(4)];
    const scratch = space.scratch({ rows: 1, inputs, outputs: 1 });
    kernels.inputParameterGradient(packed, space.put([1]), gw, gb, 1, inputs, 1, Write.store, scratch);
  });
}

function inputCases(): KernelCase[] {
  const list = [pixelValues(0), pixelValues(256)];
  let turn = 0;
  const add = (rows: number, inputs: number, outputs: number) => {
    for (const zeros of [[0], [0.5], [0.8], [0.9, 0, 0.5]]) {
      list.push(inputCase({ rows, inputs, outputs }, zeros, activations[turn++ % activations.length]));
    }
  };
  for (let outputs = 1; outputs <= 20; outputs++) add(5, 70, outputs);
  for (const inputs of [1, 3, 15, 16, 17, 63, 64, 65, 127, 128, 129, 784]) {
    for (const outputs of [3, 16, 23]) add(7, inputs, outputs);
  }
  for (const outputs of [10, 100, 130, 1100]) add(17, 200, outputs);
  for (const rows of [1, 2, 33, 64, 65, 130, 300]) for (const outputs of [10, 31, 130]) add(rows, 150, outputs);
  add(3, 4200, 9);
  return list;
}

/** One layer with every activation, and many layers that take the activations in turn. */
function denseCases(): KernelCase[] {
  const cases: KernelCase[] = [];
  for (const activation of activations) cases.push(...layerCases({ rows: 5, inputs: 18, outputs: 23 }, 0, activation));
  const zeros = [0, 0.5, 0.8, 1];
  let turn = 0;
  for (const layer of layers()) {
    for (const share of zeros) cases.push(...layerCases(layer, share, activations[turn++ % activations.length]));
  }
  return cases;
}

/** Small layers with every number of rows, every pair of important sizes with few rows, and several blocks. */
function layers(): Layer[] {
  const list: Layer[] = [];
  for (let rows = 1; rows <= 33; rows++) list.push({ rows, inputs: 9, outputs: 10 });
  const widths = [1, 3, 4, 10, 16, 100, 130];
  for (const inputs of widths) for (const outputs of widths) list.push({ rows: 6, inputs, outputs });
  for (const outputs of [10, 16, 100, 130]) list.push({ rows: 17, inputs: 784, outputs });
  for (const outputs of [2, 5, 49, 50, 51, 52, 53, 54, 55, 56, 57, 104, 105])
    list.push({ rows: 4, inputs: 7, outputs });
  list.push({ rows: 3, inputs: 5, outputs: 1025 }, { rows: 17, inputs: 6, outputs: 2100 });
  list.push({ rows: 300, inputs: 6, outputs: 7 }, { rows: 130, inputs: 70, outputs: 9 });
  list.push({ rows: 1700, inputs: 6, outputs: 140 }, { rows: 20, inputs: 300, outputs: 257 });
  list.push({ rows: 150, inputs: 70, outputs: 35 }, { rows: 260, inputs: 66, outputs: 131 });
  return list;
}

export function kernelCases(): KernelCase[] {
  const lengths = [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 1000];
  const extents = [1, 3, 4, 5, 8, 10, 16, 17, 130];
  return [
    ...denseCases(),
    ...lossCases(),
    ...lengths.flatMap(elementwiseCases),
    ...extents.flatMap((inputs) => extents.map((outputs) => transposeCase(inputs, outputs))),
    ...[1, 63, 64, 65, 511, 512, 513, 1000, 4096, 5000].flatMap((floats) =>
      [true, false].map((z) => changesCase(floats, z)),
    ),
    ...([4, 8, 16] as const).flatMap((bits) => [
      ...[1, 2, 3, 4, 5, 7, 8, 15, 17, 63, 64, 65, 127, 128, 130, 1000].map((floats) => codesCase(floats, bits)),
      foreignCodesCase(bits),
    ]),
    ...inputCases(),
    ...convolutionCases(),
    ...maxPoolCases(),
  ];
}
