import { notNegative, object, oneOf } from '../fields.js';
import { type AdamSettings, adamDefaults, adamFields, adamVectors, moveByMeans } from './adam.js';
import type { OptimizerKind } from './optimizer.js';

/** Adam with weight decay that does not pass through its means (Loshchilov and Hutter 2019). */
export interface AdamWDescription extends AdamSettings {
  readonly name: 'adamw';
  /** Each step takes this fraction of a weight, times the rate of the step, away from it. */
  readonly decay: number;
}

export const adamw: OptimizerKind<AdamWDescription> = {
  check: object<AdamWDescription>({ name: oneOf('adamw'), ...adamFields, decay: notNegative }),
  defaults: { name: 'adamw', ...adamDefaults, decay: 0.01 },
  leftOut: {},
  vectors: adamVectors,
  update(description, memory, at, part) {
    moveByMeans(description, memory, at, part, Math.fround(1 - part.rate * description.decay));
  },
};
