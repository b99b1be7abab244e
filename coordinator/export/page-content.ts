import type { Model } from '../../shared/model/model.js';

/** What an exported page knows of its model, as JSON in its script element of the id `contentId`. */
export interface PageContent {
  readonly name: string;
  readonly model: Model;
  /** Absent where the labels are the names of the classes. */
  readonly classNames?: readonly string[];
  /** Float32 parameters, little-endian, as base64. */
  readonly weights: string;
  /** Text for people. */
  readonly facts: readonly (readonly [name: string, text: string])[];
}

export const contentId = 'exported-model';
