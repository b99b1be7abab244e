/**
 * JSON in one form: the fields of every object in ascending order of their names, at all levels. Two values have the
 * same text exactly if JSON cannot tell them apart.
 */
export function canonicalJson(x: unknown): string {
  return JSON.stringify(x, (_, value: unknown) => (isObject(value) ? sorted(value) : value)) ?? 'null';
}

/** An object with fields, not a list. */
export function isObject(x: unknown): x is Readonly<Record<string, unknown>> {
  return typeof x === 'object' && x !== null && !Array.isArray(x);
}

function sorted(x: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(x).sort(([a], [b]) => (a < b ? -1 : 1)));
}
