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
  specification: 'lockstep-arithmetic-1',
  knownAnswer: '559212de2a4e2555c46226cd90f5311505104739e23d684098302c7d8151e0c5',
};

/** SHA-256 of the bytes of each stage, in order: they tell which part of a wrong answer is wrong. */
export const stageHashes: Readonly<Record<string, string>> = {
  layers: '5428b70875b03d82f9559ec831de00295b8f731baef8b4bf349d5f07dc39cc57',
  'subnormal layers': 'cb6c0655594582d2ccdc9bb4d3428ce4c4d28e536a10f2e2c617d773ac8e0b9e',
  'first layers': '805349235a499cd75909e1bffe88c6e756b43ecce50c9608e222089934a70c8b',
  losses: 'c682e429142ae8d9cebd8c5a310daf1b0f71a98f825538a0ec558854691196bc',
  functions: 'c2703773eedf0802085ce9c4b75b6bd40de73828e357ee6dcf11ee48ee15866e',
  sums: '6820188fcd3e863551a045ff1763bb59fd1065f78b96074fb61b1bf593dc190a',
  updates: '24154ccad71a08dedcbec5f148e6fb8f124f1f87f573caef0a2fb34a2f4cf978',
  checks: '9ca0ede2c4579b85cc0f142ae0ba047c6d9b9015a135b15590b84698937b7e78',
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
