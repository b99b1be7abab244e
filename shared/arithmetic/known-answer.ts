/**
 * The known-answer test (E6): a fixed set of calls to every kernel, whose results are the same bytes wherever the
 * arithmetic is right. A worker runs it before its first shard; what is compared is a hash of the result.
 *
 * The operands are meant to tell machines apart: subnormal numbers (which some processors can be told to flush), both
 * zeros, values at the edges of exp and log, and sizes that leave a remainder in every loop. Nothing is NaN, since the
 * bits of a NaN are the one thing that WebAssembly leaves open.
 */
import { Random } from '../random.js';
import type { KernelMemory, KernelSizes } from './backend.js';
import { Activation, type ActivationCode, Loss, type LossCode, type Pointer, Write } from './kernels.js';

/** Rows, inputs and outputs of the layers: by lists and by tiles, with remainders, in one block and in several. */
const SHAPES = [
  [1, 3, 1],
  [5, 17, 13],
  [3, 133, 6],
  [9, 5, 53],
  [17, 3, 130],
] as const;
const WIDEST = [17, 133, 130] as const;
const ACTIVATIONS = Object.values(Activation);
/** More than a block, and no whole number of vectors. */
const PIXELS = 85;
/** Of the first layer: with sums in registers, and by lists sorted anew. */
const INPUT_OUTPUTS = [2, 10, 21];
const IMAGES = 13;
const SAMPLES = 3;
const IMAGE_BYTES = 4 * Math.ceil(PIXELS / 4);

/** The packed samples; then the addresses of the records, an image, and the records. */
function packedBytes({ packedFloats, recordBytesMax }: KernelSizes): number {
  return 4 * packedFloats(SAMPLES, PIXELS) + 4 * IMAGES + IMAGE_BYTES + IMAGES * recordBytesMax(PIXELS);
}

/** Bytes of the region that the test writes to. */
export function knownAnswerBytes(sizes: KernelSizes): number {
  return 4 * sizes.scratchFloats(...WIDEST) + packedBytes(sizes) + 192 * 1024;
}

/** Runs the test in the region at `at` (a multiple of 16) and returns its results, copied out of the memory. */
export function knownAnswer(memory: KernelMemory, sizes: KernelSizes, at: Pointer): Uint8Array {
  const bench = new Bench(memory, sizes, at);
  for (const [index, [rows, inputs, outputs]] of SHAPES.entries()) {
    const activation = ACTIVATIONS[index % ACTIVATIONS.length];
    for (const density of [0.3, 1]) bench.layer(rows, inputs, outputs, activation, density);
  }
  for (const loss of Object.values(Loss)) {
    const activations = loss === Loss.quadratic ? ACTIVATIONS : [Activation.linear];
    for (const activation of activations) bench.loss(loss, activation);
  }
  bench.elementwise();
  for (const outputs of INPUT_OUTPUTS) bench.samples(outputs);
  return bench.results();
}

/** Operands and results, one after the other, in a region of memory. */
class Bench {
  private readonly random = new Random(1);
  private readonly scratch: Pointer;
  private readonly packed: Pointer;
  private readonly first: Pointer;
  private end: Pointer;

  constructor(
    private readonly memory: KernelMemory,
    private readonly sizes: KernelSizes,
    at: Pointer,
  ) {
    this.scratch = at;
    this.packed = at + 4 * sizes.scratchFloats(...WIDEST);
    this.first = this.packed + packedBytes(sizes);
    this.end = this.first;
    const bytes = new Uint8Array(memory.buffer, at, knownAnswerBytes(sizes));
    bytes.fill(0);
  }

  /** Everything that was laid out, operands included. */
  results(): Uint8Array {
    return new Uint8Array(this.memory.buffer, this.first, this.end - this.first).slice();
  }

  /** One dense layer, forward and back. */
  layer(rows: number, inputs: number, outputs: number, activation: ActivationCode, density: number): void {
    const { scratch } = this;
    const { kernels } = this.memory;
    const x = this.numbers(rows * inputs, density);
    const w = this.numbers(inputs * outputs, 1);
    const b = this.numbers(outputs, 1);
    const y = this.floats(rows * outputs);
    kernels.denseForward(x, w, b, y, rows, inputs, outputs, activation, scratch);
    const delta = this.numbers(rows * outputs, density);
    const gw = this.floats(inputs * outputs);
    const gb = this.floats(outputs);
    for (const write of [Write.store, Write.accumulate]) {
      kernels.denseParameterGradient(x, delta, gw, gb, rows, inputs, outputs, write, scratch);
    }
    const wT = this.floats(inputs * outputs);
    const deltaIn = this.floats(rows * inputs);
    kernels.transpose(w, inputs, outputs, wT);
    kernels.denseInputGradient(delta, wT, x, deltaIn, rows, inputs, outputs, activation, scratch);
  }

  loss(loss: LossCode, activation: ActivationCode): void {
    const [rows, classes] = [7, 11];
    const y = this.numbers(rows * classes, 0.9);
    const labels = this.bytes(rows, classes);
    const delta = this.floats(rows * classes);
    const sums = this.floats(2);
    for (const write of [Write.store, Write.accumulate]) {
      this.memory.kernels.outputLoss(loss, activation, y, labels, delta, sums, rows, classes, write, this.scratch);
    }
    this.memory.kernels.argmax(y, this.bytes(rows, 1), rows, classes);
  }

  elementwise(): void {
    const { kernels } = this.memory;
    const floats = 45;
    const [a, b, v] = [this.numbers(floats, 0.9), this.numbers(floats, 0.9), this.numbers(floats, 0.9)];
    const sum = this.floats(floats);
    kernels.add(a, b, sum, floats);
    kernels.sgd(a, v, b, floats, 17, 0.1, 0.9);
    this.put([kernels.allFinite(sum, floats)]);
    const exponents = [0, -0, 1e-40, 88.72, 88.73, -87.3, -87.4, -95.5, -103.9, -104, -1000, 1000];
    for (let x = -104; x < 89; x += 3.618) exponents.push(x);
    kernels.exp(this.put(exponents), this.floats(exponents.length), exponents.length);
    const arguments_ = [0, 1, 2 ** -149, 1e-40, 2 ** -126, 0.7, 0.71, 0.99999994, 3.4e38];
    for (let x = 1e-44; x < 1e38; x *= 7.3) arguments_.push(x);
    kernels.log(this.put(arguments_), this.floats(arguments_.length), arguments_.length);
  }

  /** Samples with a third and with all of their pixels, and a first layer over them, forward and back. */
  samples(outputs: number): void {
    const { scratch } = this;
    const { kernels } = this.memory;
    for (const share of [3, 1]) {
      const records = this.records(share);
      const labels = this.bytes(IMAGES, 256);
      const ids = this.floats(SAMPLES);
      new Uint32Array(this.memory.buffer, ids, SAMPLES).set([IMAGES - 1, 0, 5]);
      kernels.gather(records, labels, PIXELS, ids, SAMPLES, this.packed, this.bytes(SAMPLES, 1));
      const [w, b, y] = [this.numbers(PIXELS * outputs, 1), this.numbers(outputs, 1), this.floats(SAMPLES * outputs)];
      kernels.inputForward(this.packed, w, b, y, SAMPLES, PIXELS, outputs, Activation.sigmoid, scratch);
      const delta = this.numbers(SAMPLES * outputs, 1);
      const [gw, gb] = [this.floats(PIXELS * outputs), this.floats(outputs)];
      for (const write of [Write.store, Write.accumulate]) {
        kernels.inputParameterGradient(this.packed, delta, gw, gb, SAMPLES, PIXELS, outputs, write, scratch);
      }
    }
  }

  /** Of images of which one pixel in `every` is not zero. They are no floats, and stay out of the results. */
  private records(every: number): Pointer {
    const at = this.packed + 4 * this.sizes.packedFloats(SAMPLES, PIXELS);
    const image = at + 4 * IMAGES;
    const addresses = new Uint32Array(this.memory.buffer, at, IMAGES);
    const pixels = new Uint8Array(this.memory.buffer, image, PIXELS);
    for (let [n, record] = [0, image + IMAGE_BYTES]; n < IMAGES; n++) {
      for (let i = 0; i < PIXELS; i++) pixels[i] = (n * PIXELS + i) % every === 0 ? this.random.below(256) : 0;
      addresses[n] = record;
      record += this.memory.kernels.keep(image, PIXELS, record);
    }
    return at;
  }

  private take(bytes: number): Pointer {
    const at = this.end;
    this.end += Math.ceil(bytes / 16) * 16;
    return at;
  }

  private floats(length: number): Pointer {
    return this.take(4 * length);
  }

  private put(values: readonly number[]): Pointer {
    const at = this.floats(values.length);
    new Float32Array(this.memory.buffer, at, values.length).set(values);
    return at;
  }

  /** Bytes below `limit`. */
  private bytes(length: number, limit: number): Pointer {
    const at = this.take(length);
    const out = new Uint8Array(this.memory.buffer, at, length);
    for (let i = 0; i < length; i++) out[i] = this.random.below(limit);
    return at;
  }

  /** Numbers of both signs, `density` of them not zero; every sixteenth or so is subnormal or makes such a product. */
  private numbers(length: number, density: number): Pointer {
    const at = this.floats(length);
    const out = new Float32Array(this.memory.buffer, at, length);
    for (let i = 0; i < length; i++) out[i] = this.number(density);
    return at;
  }

  private number(density: number): number {
    const { random } = this;
    const value = 4 * random.uniform() - 2;
    const kind = random.uint32();
    if (kind / 2 ** 32 >= density) return value < 0 ? -0 : 0;
    if (kind % 32 === 0) return value * 2 ** -130;
    return kind % 32 === 1 ? value * 2 ** -70 : value;
  }
}
