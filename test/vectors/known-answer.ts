/** Makes the vectors of the known answer (E6), in stages and entries, so that a mismatch shows where it is. */
import { createHash } from 'node:crypto';
import type { KernelBackend } from '../../shared/arithmetic/backend.js';
import { memoryStart } from '../../shared/arithmetic/backend.js';
import { arithmetic, hashOf } from '../../shared/arithmetic/identity.js';
import { codeBits, codedBytes, codeLengths, codeScales } from '../../shared/arithmetic/known-answer/codes.js';
import {
  type ConvolutionCase,
  convolutionCases,
  convolutionFloats,
  type PoolCase,
  poolCases,
  poolFloats,
  subnormalConvolutionCases,
} from '../../shared/arithmetic/known-answer/convolutions.js';
import { lengths } from '../../shared/arithmetic/known-answer/elementwise.js';
import { firstLayerCases } from '../../shared/arithmetic/known-answer/first-layers.js';
import { layerSizes, type Size, subnormalSizes } from '../../shared/arithmetic/known-answer/layers.js';
import { edges, lossSizes } from '../../shared/arithmetic/known-answer/outputs.js';
import { knownAnswer, knownAnswerBytes, type Stage } from '../../shared/arithmetic/known-answer.js';
import { openScalar } from '../../shared/arithmetic/scalar/backend.js';
import { assert } from '../../shared/assert.js';
import { Random } from '../../shared/random.js';
import { hex, hexBytes } from './text.js';

/** For each stage, the file has this many first draws, and this many of the first and of the last bytes. */
const draws = 8;
const shown = 64;
/** Number of digits of an entry's hash. */
const digits = 8;

export function knownAnswerVectors(backend: KernelBackend = openScalar()) {
  const memory = backend.createMemory(memoryStart + knownAnswerBytes(backend.sizes), false);
  const answer = knownAnswer(memory, backend.sizes);
  return {
    specification: arithmetic.specification,
    knownAnswer: hashOf(answer, sha256),
    stages: answer.map((stage, i) => {
      const random = new Random(i + 1);
      return {
        name: stage.name,
        firstDraws: Array.from({ length: draws }, () => hex(random.uint32())).join(' '),
        bytes: stage.bytes.length,
        firstBytes: hexBytes(stage.bytes.subarray(0, shown)),
        lastBytes: hexBytes(stage.bytes.subarray(-shown)),
        sha256: sha256(stage.bytes),
        entries: entriesOf(stage).join(' '),
      };
    }),
  };
}

function entriesOf({ name, bytes }: Stage): string[] {
  let end = 0;
  const hashes = entryBytes[name].map((length) => {
    end += length;
    return sha256(bytes.subarray(end - length, end)).slice(0, digits);
  });
  assert(end === bytes.length, 'the entries of', name, 'have', end, 'bytes');
  return hashes;
}

const twice = <T>(some: readonly T[]): T[] => [...some, ...some];
const gradientFloats = (inputs: number, outputs: number) => 2 * (inputs + 1) * outputs;
const layerBytes = ([rows, inputs, outputs]: Size) =>
  4 * (rows * outputs + gradientFloats(inputs, outputs) + rows * inputs);
const firstLayerBytes = ([rows, pixels, outputs]: Size) =>
  (rows + 1) * pixels + rows + 4 * (rows * pixels + rows * outputs + gradientFloats(pixels, outputs));
const convolutionBytes = (each: ConvolutionCase) => {
  const { inputs, results, weights } = convolutionFloats(each);
  return 4 * (results + 2 * (weights + each.outputs) + inputs);
};
const poolBytes = (each: PoolCase) => {
  const { inputs, results } = poolFloats(each);
  return 5 * results + 4 * inputs;
};
const lossBytes = ([rows, classes]: readonly [number, number]) => 4 * (rows * classes + 4) + rows;

/** Two losses with linear outputs, and the quadratic loss with each of the four activations. */
const lossKinds = 6;
const predictedRows = 12;
/** Number of random inputs of a function. It also gets the edges. */
const drawn = 64;
const updateBytes = [45, 130].map((length) => 2 * 4 * length);

/** The length of each entry in bytes, by stage. shared/vectors/README.md says what an entry is. */
const entryBytes: Readonly<Record<string, readonly number[]>> = {
  layers: twice(layerSizes.map(layerBytes)),
  'subnormal layers': twice(subnormalSizes.map(layerBytes)),
  'first layers': firstLayerCases.map(({ size }) => firstLayerBytes(size)),
  losses: [
    ...Array.from({ length: lossKinds }, () => lossSizes.flatMap((size) => twice([lossBytes(size)]))).flat(),
    predictedRows,
  ],
  functions: [...[2, 2, 2, 1].map((signs) => 4 * signs * edges.length), ...twice(twice([4 * drawn]))],
  sums: [...twice(lengths.map((length) => 4 * length)), 4 * 45],
  updates: twice(twice(twice(updateBytes))),
  checks: [14],
  convolutions: [
    ...twice(convolutionCases.map(convolutionBytes)),
    ...twice(subnormalConvolutionCases.map(convolutionBytes)),
  ],
  'max pooling': twice(poolCases.map(poolBytes)),
  codes: codeBits.flatMap((bits) =>
    Array.from({ length: codeScales }, () =>
      codeLengths.map((length) => codedBytes(length, bits) + 5 * 4 * length),
    ).flat(),
  ),
};

function sha256(some: Uint8Array): string {
  return createHash('sha256').update(some).digest('hex');
}
