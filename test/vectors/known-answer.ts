/** The known answer in stages (E6), so that a mismatch says where. */
import { createHash } from 'node:crypto';
import type { KernelBackend } from '../../shared/arithmetic/backend.js';
import { memoryStart } from '../../shared/arithmetic/backend.js';
import { arithmetic, hashOf } from '../../shared/arithmetic/identity.js';
import { knownAnswer, knownAnswerBytes } from '../../shared/arithmetic/known-answer.js';
import { openScalar } from '../../shared/arithmetic/scalar/backend.js';
import { Random } from '../../shared/random.js';
import { hex, hexBytes } from './text.js';

/** Draws of a stage's generator, and bytes of its results, that the file shows. */
const draws = 8;
const shown = 64;

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
      };
    }),
  };
}

function sha256(some: Uint8Array): string {
  return createHash('sha256').update(some).digest('hex');
}
