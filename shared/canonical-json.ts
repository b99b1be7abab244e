/**
 * Writes a value as JSON with the fields of every object in ascending order of their names, at all levels. Two values
 * get the same text exactly if they are equal as JSON.
 */
export function canonicalJson(x: unknown): string {
  return JSON.stringify(x, (_, value: unknown) => (isObject(value) ? sorted(value) : value)) ?? 'null';
}

/** Whether `x` is an object with fields: not null, and not a list. */
export function isObject(x: unknown): x is Readonly<Record<string, unknown>> {
  return typeof x === 'object' && x !== null && !Array.isArray(x);
}

function sorted(x: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(x).sort(([a], [b]) => (a < b ? -1 : 1)));
}
