/** Every backend gives the known answer. A mistake of any kernel, at any kind of size, changes the answer. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type KernelBackend, type KernelMemory, memoryStart } from '../../../shared/arithmetic/backend.js';
import { arithmetic, hashOf, stageHashes, wrongStages } from '../../../shared/arithmetic/identity.js';
import { Activation, type Kernels, Write } from '../../../shared/arithmetic/kernels.js';
import { firstLayerCases } from '../../../shared/arithmetic/known-answer/first-layers.js';
import { knownAnswer, knownAnswerBytes, type Stage } from '../../../shared/arithmetic/known-answer.js';
import { backendsUnderTest, scalar } from './backends.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const memoryOf = ({ sizes, createMemory }: KernelBackend, shared = false) =>
  createMemory(memoryStart + knownAnswerBytes(sizes) + 4096, shared);

const answerOf = (backend: KernelBackend, memory = memoryOf(backend)) => knownAnswer(memory, backend.sizes);

describe.each([scalar, ...backendsUnderTest])('the known answer of $description', (backend) => {
  test.each([false, true])('is the one that identifies the arithmetic (shared memory: %s)', (shared) => {
    const answer = answerOf(backend, memoryOf(backend, shared));
    expect(wrongStages(answer, sha256)).toEqual([]);
    expect(hashOf(answer, sha256)).toBe(arithmetic.knownAnswer);
    expect(answer.map(({ name }) => name)).toEqual(Object.keys(stageHashes));
  });

  test('does not depend on what the memory held, stays in its region, and repeats', () => {
    const memory = memoryOf(backend);
    const bytes = new Uint8Array(memory.buffer).fill(0xa5);
    for (let run = 0; run < 2; run++) expect(wrongStages(answerOf(backend, memory), sha256)).toEqual([]);
    const behind = bytes.subarray(memoryStart + knownAnswerBytes(backend.sizes));
    expect([...bytes.subarray(0, memoryStart), ...behind].every((byte) => byte === 0xa5)).toBe(true);
  });
});

test('no result is NaN, and thousands are subnormal', () => {
  const ofFloats = answerOf(scalar).filter(
    ({ name }) => !['first layers', 'losses', 'checks', 'max pooling', 'codes'].includes(name),
  );
  const floats = ofFloats.flatMap(({ bytes }) => [...new Float32Array(bytes.buffer)]);
  expect(floats.some(Number.isNaN)).toBe(false);
  expect(floats.filter((x) => x !== 0 && Math.abs(x) < 2 ** -126).length).toBeGreaterThan(5000);
});

// ---- reach: the known answer makes all kinds of calls ----

type Call = { readonly kernel: keyof Kernels; readonly operands: readonly number[] };

/** The scalar backend's memory. `call` gets every call of a kernel, and can act before and after it. */
function watched(call: (kernel: keyof Kernels, operands: number[], proceed: () => number) => number): KernelMemory {
  const memory = memoryOf(scalar);
  const entries = Object.entries(memory.kernels).map(([name, kernel]) => [
    name,
    (...operands: number[]) => call(name as keyof Kernels, operands, () => kernel(...operands)),
  ]);
  return { ...memory, buffer: memory.buffer, kernels: Object.fromEntries(entries) };
}

const calls: Call[] = [];
answerOf(
  scalar,
  watched((kernel, operands, proceed) => {
    calls.push({ kernel, operands });
    return proceed();
  }),
);

/** For every call of a kernel, the operands at these places. */
const of = (kernel: keyof Kernels, ...places: number[]) =>
  calls.filter((call) => call.kernel === kernel).map(({ operands }) => places.map((place) => operands[place]));

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

/** The places of the rows, inputs, outputs and mode among a kernel's operands. */
const layerKernels = {
  denseForward: [4, 5, 6, 7],
  inputForward: [4, 5, 6, 7],
  denseParameterGradient: [4, 5, 6, 7],
  inputParameterGradient: [4, 5, 6, 7],
  denseInputGradient: [4, 5, 6, 7],
} as const;

describe('the known answer calls', () => {
  test('every kernel but Adam, which only a coordinator needs', () => {
    const kernels = Object.keys(memoryOf(scalar).kernels).filter((name) => name !== 'adam');
    expect(new Set(calls.map(({ kernel }) => kernel))).toEqual(new Set(kernels));
  });

  test.each(Object.entries(layerKernels))(
    '%s in every mode, narrow and wide, with few and many rows',
    (name, places) => {
      const all = of(name as keyof Kernels, ...places);
      const modes = Object.values(name.endsWith('ParameterGradient') ? Write : Activation);
      expect(new Set(all.map(([, , , mode]) => mode))).toEqual(new Set(modes));
      const widths = all.map(([, , outputs]) => outputs);
      for (const width of upTo(17)) expect(widths).toContain(width);
      expect(widths.some((width) => width > 128 && width < 1024)).toBe(true);
      expect(Math.max(...widths)).toBeGreaterThan(1024);
      // More than one block of rows, and more than one block of the inner index.
      expect(all.some(([rows]) => rows > 64)).toBe(true);
      expect(all.some(([, inputs]) => inputs > 256)).toBe(true);
    },
  );

  test('dense layers of every width of a vector, tile and panel, and of every rest', () => {
    for (const [place, last] of [
      [6, 66],
      [4, 18],
      [5, 18],
    ]) {
      const sizes = of('denseForward', place).flat();
      for (const size of upTo(last)) expect(sizes, `operand ${place}`).toContain(size);
    }
  });

  test('products whose inner index is longer than any pack, each way', () => {
    const deep = 512;
    expect(of('denseForward', 5).some(([inputs]) => inputs > deep)).toBe(true);
    expect(of('denseInputGradient', 6).some(([outputs]) => outputs > deep)).toBe(true);
    expect(of('denseParameterGradient', 4).some(([rows]) => rows > 256)).toBe(true);
  });

  test('first layers with few and many pixels, mixed in both proportions, and every byte as a pixel', () => {
    expect(new Set(firstLayerCases.map(({ zeros }) => zeros.join()))).toEqual(
      new Set(['13', '0', '13,13,0', '0,0,13']),
    );
    const seen = new Set<number>();
    const memory = watched((kernel, [image, pixels], proceed) => {
      if (kernel === 'keep') for (const byte of new Uint8Array(memory.buffer, image, pixels)) seen.add(byte);
      return proceed();
    });
    answerOf(scalar, memory);
    expect(seen.size).toBe(256);
    expect(Math.max(...of('inputForward', 5).flat())).toBeGreaterThan(4096);
  });

  test('updates with and without momentum, by a power of two and by another number', () => {
    const kinds = new Set(of('sgd', 4, 6).map(([samples, momentum]) => `${samples} ${momentum > 0}`));
    expect(kinds).toEqual(new Set(['17 false', '128 false', '17 true', '128 true']));
  });

  test('changes from zeros and from other numbers, in more blocks than a byte has bits', () => {
    expect(of('changes', 2).every(([floats]) => floats > 8 * 64)).toBe(true);
    expect(new Set(of('changes', 1).map(([base]) => base === 0)).size).toBe(2);
  });
});

// ---- reach: a wrong bit changes the answer ----

/** The place and the length of a kernel's result in memory. Null for a kernel that returns its result. */
const outputs: Record<keyof Kernels, ((operands: number[]) => [at: number, bytes: number]) | null> = {
  keep: ([, pixels, record]) => [record, pixels],
  restore: ([, pixels, image]) => [image, pixels],
  gather: ([, , pixels, , rows, packed]) => [packed, 4 * rows * pixels],
  unpack: ([, pixels, rows, x]) => [x, 4 * rows * pixels],
  inputForward: ([, , , y, rows, , width]) => [y, 4 * rows * width],
  inputParameterGradient: ([, , gw, , , inputs, width]) => [gw, 4 * inputs * width],
  denseForward: ([, , , y, rows, , width]) => [y, 4 * rows * width],
  denseParameterGradient: ([, , , gb, , , width]) => [gb, 4 * width],
  denseInputGradient: ([, , , deltaIn, rows, inputs]) => [deltaIn, 4 * rows * inputs],
  transpose: ([, inputs, width, wT]) => [wT, 4 * inputs * width],
  convForward: ([, , , y]) => [y, 4],
  convParameterGradient: ([, , , gb, , , , , , , , width]) => [gb, 4 * width],
  convInputGradient: ([, , , deltaIn]) => [deltaIn, 4],
  maxPoolForward: ([, y]) => [y, 4],
  maxPoolInputGradient: ([, , , deltaIn]) => [deltaIn, 4],
  outputLoss: ([, , , , delta, , rows, classes]) => [delta, 4 * rows * classes],
  argmax: ([, predictions, rows]) => [predictions, rows],
  add: ([, , out, floats]) => [out, 4 * floats],
  sgd: ([w, , , floats]) => [w, 4 * floats],
  adam: ([w, , , , floats]) => [w, 4 * floats],
  allFinite: null,
  changes: ([, , floats, mask]) => [mask, Math.ceil(floats / 512)],
  quantise: ([x, floats]) => [x, 4 * floats],
  settle: ([w, , , floats]) => [w, 4 * floats],
  encode: ([, , , , out]) => [out, 1],
  decode: ([, floats, , , x]) => [x, 4 * floats],
  exp: ([, y, floats]) => [y, 4 * floats],
  log: ([, y, floats]) => [y, 4 * floats],
};

/** The answer of a machine on which the last number of one kernel's result is wrong in its lowest bit. */
function answerWithWrong(wrong: keyof Kernels): Stage[] {
  const memory = watched((kernel, operands, proceed) => {
    const result = proceed();
    if (kernel !== wrong) return result;
    const output = outputs[kernel]?.(operands);
    if (output === undefined) return 1 - result;
    const [at, length] = output;
    const unit = length % 4 === 0 && kernel !== 'keep' && kernel !== 'restore' ? 4 : 1;
    new Uint8Array(memory.buffer)[at + length - unit] ^= 1;
    return result;
  });
  return answerOf(scalar, memory);
}

test.each([
  ['keep', ['first layers']],
  ['restore', ['first layers']],
  ['gather', ['first layers']],
  ['unpack', ['first layers']],
  ['inputForward', ['first layers']],
  ['inputParameterGradient', ['first layers']],
  ['denseForward', ['layers', 'subnormal layers', 'functions']],
  ['denseParameterGradient', ['layers', 'subnormal layers']],
  ['denseInputGradient', ['layers', 'subnormal layers']],
  ['transpose', ['layers', 'subnormal layers', 'convolutions']],
  ['convForward', ['convolutions']],
  ['convParameterGradient', ['convolutions']],
  ['convInputGradient', ['convolutions']],
  ['maxPoolForward', ['max pooling']],
  ['maxPoolInputGradient', ['max pooling']],
  ['outputLoss', ['losses']],
  ['argmax', ['losses']],
  ['add', ['sums']],
  ['sgd', ['updates']],
  ['allFinite', ['checks']],
  ['changes', ['checks']],
  ['quantise', ['codes']],
  ['settle', ['codes']],
  ['encode', ['codes']],
  ['decode', ['codes']],
  ['exp', ['functions']],
  ['log', ['functions']],
] as const)('one wrong bit of %s is seen, and where', (kernel, stages) => {
  expect(wrongStages(answerWithWrong(kernel), sha256)).toEqual(stages);
});
