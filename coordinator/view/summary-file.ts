/** Reads `summary.json`. Another version may have written it, so only the fields that are shown are checked. */
import { LockstepError } from '../../shared/errors.js';
import { type Check, notNegative, number, oneOf, orNull, sha256, wholeNumber } from '../../shared/fields.js';
import type { Summary } from '../archive/config.js';
import type { StopReason } from '../run/trainer.js';

/** The fields of a summary that a view shows. */
export type ShownSummary = Pick<
  Summary,
  | 'weightsSha256'
  | 'testAccuracy'
  | 'testLoss'
  | 'bestTestAccuracy'
  | 'validationAccuracy'
  | 'validationLoss'
  | 'steps'
  | 'seconds'
  | 'samplesPerSecond'
  | 'stopReason'
> &
  // Versions before it wrote the last weights of every run.
  Partial<Pick<Summary, 'weightsStep'>>;

const reasons: Readonly<Record<StopReason, true>> = {
  epochs: true,
  'max-steps': true,
  'target-accuracy': true,
  converged: true,
  interrupted: true,
  diverged: true,
};

const count = wholeNumber(0, Number.MAX_SAFE_INTEGER);

const fields: Readonly<Record<keyof ShownSummary, Check>> = {
  weightsSha256: sha256,
  weightsStep: ifThere(count),
  testAccuracy: orNull(number),
  testLoss: orNull(number),
  bestTestAccuracy: orNull(number),
  validationAccuracy: ifThere(orNull(number)),
  validationLoss: ifThere(orNull(number)),
  steps: count,
  seconds: notNegative,
  samplesPerSecond: notNegative,
  stopReason: oneOf(...Object.keys(reasons)),
};

/** Parses the text of the file `source`. Throws `run-invalid`. */
export function parseSummary(text: string, source: string): ShownSummary {
  const summary = objectIn(text);
  const fault = Object.entries(fields)
    .map(([name, check]) => check(name, summary[name]))
    .find((sentence) => sentence !== null);
  if (fault === undefined) return summary as unknown as ShownSummary;
  throw new LockstepError('run-invalid', `${source} is not the summary of a run: ${fault}`);
}

/** A check of a field that may be absent. */
function ifThere(check: Check): Check {
  return (path, x) => (x === undefined ? null : check(path, x));
}

/** Returns an object without fields if the text is not a JSON object. */
function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    return { ...JSON.parse(text) };
  } catch {
    return {};
  }
}
