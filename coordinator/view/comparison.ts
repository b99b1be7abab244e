/** Compares several runs: their evaluations, their results, and the fields of config.json that differ. Pure. */
import { basename, resolve } from 'node:path';
import type { ConfigFile } from '../archive/config.js';
import type { ComparedField, ComparedResult, ComparedRun, ComparisonState, RunState } from '../web/state.js';

/** A requested run, or the reason why it cannot be shown. */
export type Comparable =
  | { readonly path: string; readonly fault: string }
  | { readonly path: string; readonly config: ConfigFile; readonly state: RunState };

export function compareRuns(runs: readonly Comparable[]): ComparisonState {
  return { runs: runs.map((run, id) => comparedRun(run, id, namesOf(runs))), fields: differingFields(runs) };
}

function comparedRun(run: Comparable, id: number, names: readonly string[]): ComparedRun {
  if ('fault' in run) return { id, name: names[id], fault: run.fault, result: null };
  return { id, name: names[id], fault: null, result: resultOf(run.state) };
}

function resultOf(state: RunState): ComparedResult {
  const { phase, step, stepsPlanned, localSteps, testAccuracy, bestTestAccuracy, testLoss, seconds } = state;
  const { validationAccuracy, bestValidationAccuracy, validationLoss, weightsSha256, weightsStep } = state;
  const curve = state.curve.filter((point) => (point.validationAccuracy ?? point.testAccuracy) !== undefined);
  return {
    phase,
    step,
    stepsPlanned,
    localSteps,
    testAccuracy,
    bestTestAccuracy,
    testLoss,
    validationAccuracy,
    bestValidationAccuracy,
    validationLoss,
    seconds,
    weightsSha256,
    weightsStep,
    curve,
  };
}

/** The names of the directories. A run whose name is not unique gets its path instead. */
function namesOf(runs: readonly Comparable[]): string[] {
  const names = runs.map(({ path }) => basename(resolve(path)));
  return names.map((name, i) => (names.indexOf(name) === names.lastIndexOf(name) ? name : runs[i].path));
}

function differingFields(runs: readonly Comparable[]): ComparedField[] {
  const all = runs.map((run) => ('config' in run ? flattened(run.config) : null));
  const known = all.filter((fields) => fields !== null);
  const names = [...new Set(known.flatMap((fields) => [...fields.keys()]))];
  return names
    .filter((name) => new Set(known.map((fields) => fields.get(name))).size > 1)
    .map((field) => ({ field, values: all.map((fields) => fields?.get(field) ?? null) }));
}

/** All values that are not objects, by name. Dots separate the levels of a name. */
function flattened(x: object, prefix = ''): Map<string, string> {
  const fields = Object.entries(x).flatMap(([name, value]): [string, string][] =>
    isPlainObject(value) ? [...flattened(value, `${prefix}${name}.`)] : [[prefix + name, textOf(value)]],
  );
  return new Map(fields);
}

function isPlainObject(x: unknown): x is object {
  return typeof x === 'object' && x !== null && !Array.isArray(x);
}

/**
 * Formats a value as people write it: 0.1 instead of the nearest float32, a shape as 28×28, a layer as "dense 128 activation
 * relu".
 */
function textOf(x: unknown): string {
  if (x === null) return 'not set';
  if (typeof x === 'number') return String(Number(x.toPrecision(7)));
  if (Array.isArray(x)) return x.map(textOf).join(separatorFor(x));
  if (!isPlainObject(x)) return String(x);
  return Object.entries(x)
    .map(([name, value]) => `${name} ${textOf(value)}`)
    .join(' ');
}

function separatorFor(list: readonly unknown[]): string {
  if (list.some(isPlainObject)) return ', then ';
  return list.every((x) => typeof x === 'number') ? '×' : ', ';
}
