/** Makes the vectors of coded numbers (E2) and of updates that are coded (E4). */
import { type KernelBackend, memoryStart } from '../../shared/arithmetic/backend.js';
import { type CodeBits, changeBlockFloats } from '../../shared/arithmetic/kernels.js';
import { codedBytes } from '../../shared/arithmetic/known-answer/codes.js';
import { openScalar } from '../../shared/arithmetic/scalar/backend.js';
import { Random } from '../../shared/random.js';
import { floatBits, hexBytes } from './text.js';

/** A whole block and a shorter one. */
const floats = changeBlockFloats + 9;

export function codeVectors(backend: KernelBackend = openScalar()) {
  const random = new Random(1);
  const cases = ([4, 8, 16] as const).flatMap((bits) => [1, 2 ** -130].map((scale) => ({ bits, scale })));
  return { codes: cases.map(({ bits, scale }) => codedVector(backend, random, bits, scale)) };
}

function codedVector(backend: KernelBackend, random: Random, bits: CodeBits, scale: number) {
  const room = 4 * floats + 16;
  const memory = backend.createMemory(memoryStart + 6 * room, false);
  const { kernels, buffer } = memory;
  const [x, w, change, residual, mask, out] = [0, 1, 2, 3, 4, 5].map((n) => memoryStart + n * room);
  const at = (vector: number) => new Float32Array(buffer, vector, floats);
  for (const vector of [x, w, change, residual]) at(vector).set(drawn(random, scale));
  new Uint8Array(buffer, mask, 1).fill(255);
  const before = [x, change, w, residual].map((vector) => floatBits(at(vector)));
  kernels.encode(x, floats, bits, mask, out);
  kernels.quantise(x, floats, bits);
  kernels.settle(w, change, residual, floats, bits);
  const after = [change, w, residual].map((vector) => floatBits(at(vector)));
  return {
    bits,
    x: before[0],
    quantised: floatBits(at(x)),
    codes: hexBytes(new Uint8Array(buffer, out, codedBytes(floats, bits))),
    update: { before: before[1], updated: before[2], residual: before[3] },
    coded: { change: after[0], weights: after[1], residual: after[2] },
  };
}

/** Numbers of both signs, a zero among them, with one that is much larger than the others in the second block. */
function drawn(random: Random, scale: number): Float32Array {
  const values = Float32Array.from({ length: floats }, () => (random.uniform() - 0.5) * scale);
  values[3] = -0;
  values[changeBlockFloats + 2] *= 100;
  return values;
}
