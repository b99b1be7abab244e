/** The known answer in stages and entries (E6), so that a mismatch says where. */
import { createHash } from 'node:crypto';
import type { KernelBackend } from '../../shared/arithmetic/backend.js';
import { memoryStart } from '../../shared/arithmetic/backend.js';
import { arithmetic, hashOf } from '../../shared/arithmetic/identity.js';
import { lengths } from '../../shared/arithmetic/known-answer/elementwise.js';
import { firstLayerCases } from '../../shared/arithmetic/known-answer/first-layers.js';
import { layerSizes, type Size, subnormalSizes } from '../../shared/arithmetic/known-answer/layers.js';
import { edges, lossSizes } from '../../shared/arithmetic/known-answer/outputs.js';
import { knownAnswer, knownAnswerBytes, type Stage } from '../../shared/arithmetic/known-answer.js';
import { openScalar } from '../../shared/arithmetic/scalar/backend.js';
import { assert } from '../../shared/assert.js';
import { Random } from '../../shared/random.js';
import { hex, hexBytes } from './text.js';

/** Draws of a stage's generator, and bytes of its results, that the file shows. */
const draws = 8;
const shown = 64;
/** Digits of the hash of an entry. */
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
  (rows + 1) * pixels + rows + 4 * (rows * outputs + gradientFloats(pixels, outputs));
const lossBytes = ([rows, classes]: readonly [number, number]) => 4 * (rows * classes + 4) + rows;

/** Losses, a quadratic one with each activation, and scales of each size. */
const lossKinds = 6;
const predictedRows = 12;
/** Numbers that the functions get beside the edges. */
const drawn = 64;
const updateBytes = [45, 130].map((length) => 2 * 4 * length);

/** Bytes of the entries of each stage. shared/vectors/README.md says what an entry is. */
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
};

function sha256(some: Uint8Array): string {
  return createHash('sha256').update(some).digest('hex');
}
