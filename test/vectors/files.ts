/** The names of the vector files in shared/vectors, each with its content. */
import { augmentVectors } from './augment.js';
import { codeVectors } from './codes.js';
import { functionVectors } from './functions.js';
import { knownAnswerVectors } from './known-answer.js';
import { layerVectors } from './layers.js';
import { firstWeightVectors, orderVectors, randomVectors } from './order.js';
import { roundVectors } from './rounds.js';
import { runVectors, slotVectors } from './slots.js';

export const vectorFolder = new URL('../../../shared/vectors/', import.meta.url);

export function vectorFiles(): Record<string, object> {
  return {
    'functions.json': functionVectors(),
    'random.json': randomVectors(),
    'order.json': orderVectors(),
    'first-weights.json': firstWeightVectors(),
    'augment.json': augmentVectors(),
    'codes.json': codeVectors(),
    'slots.json': slotVectors(),
    'layers.json': layerVectors(),
    'run.json': runVectors(),
    'rounds.json': roundVectors(),
    'known-answer.json': knownAnswerVectors(),
  };
}

export function textOf(vectors: object): string {
  return `${JSON.stringify(vectors, null, 1)}\n`;
}
