/**
 * What decides whether two programs compute the same (E6): the name of the specification, and the hash of the known answer.
 * Configurations and workers are compared by it. The hash of a program or binary decides nothing: two builds that give
 * the same bits work together.
 */
import type { Stage } from './known-answer.js';

export interface Arithmetic {
  /** It changes when any bit of the arithmetic changes. */
  readonly specification: string;
  /** SHA-256 of the known answer, lowercase hex. */
  readonly knownAnswer: string;
}

export const arithmetic: Arithmetic = {
  specification: 'lockstep-arithmetic-3',
  knownAnswer: 'de226887c7f17e2ec6f8b49b67fce20c37dff496ecc66f0d9c58fbbdcc328f57',
};

/** SHA-256 of the bytes of each stage, in order: they tell which part of a wrong answer is wrong. */
export const stageHashes: Readonly<Record<string, string>> = {
  layers: '0c35f5ca05da63084a6819f9ab35e8f11356ac3049a52230f1ab9d8b93af1ab8',
  'subnormal layers': 'f68f801d420a11bcb1768053e8cd2e2b2b195f57b1d6b989b9cb9043a791bcdf',
  'first layers': '952e5da765527fd738f1fc23b97c2cfeb96e04c9e51e63cd83df8c766f9104c7',
  losses: '7612a5b3c2f98059ae5edf793801223c639baf8bfafbdc9f969e71c5d5a9c5f7',
  functions: '6c7f7c162db415ceeae907c56a8adf795a9d9d9b45ec4e243ee05ecc5d0a84e5',
  sums: 'e167286eca1be9706f2204d8509cd92f66bb21b19542b53c79c2c202346276f7',
  updates: '4453367f92b9c81cc4ace5ed84720025097c42880aaa1c9aba8d5686e744d33a',
  checks: '9ca0ede2c4579b85cc0f142ae0ba047c6d9b9015a135b15590b84698937b7e78',
  convolutions: 'f5662204e8d65705ec34c202aa12aee462b5ad9520d81401de9329dfcc359640',
  'max pooling': '1326fdd06f5bcbf151cd0b72758df24c4c228856b7f89bcdaeff33aff12b7565',
  codes: '4093858e5cf657a71c9f0ae177441159c45c3cf8b47c686e4b3ebeac4f3ef5ef',
};

/** SHA-256 of an answer. `sha256` gives lowercase hex. */
export function hashOf(answer: readonly Stage[], sha256: (bytes: Uint8Array) => string): string {
  const bytes = new Uint8Array(answer.reduce((sum, stage) => sum + stage.bytes.length, 0));
  let at = 0;
  for (const stage of answer) {
    bytes.set(stage.bytes, at);
    at += stage.bytes.length;
  }
  return sha256(bytes);
}

/** Names of the stages whose bytes are not those of the specification. */
export function wrongStages(answer: readonly Stage[], sha256: (bytes: Uint8Array) => string): string[] {
  return answer.filter(({ name, bytes }) => sha256(bytes) !== stageHashes[name]).map(({ name }) => name);
}
