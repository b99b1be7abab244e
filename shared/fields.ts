/**
 * Checks for all values from outside: messages, `config.json`, model files. A check gets a value and a path that names
 * it. It returns one sentence that says what is wrong, or null if the value is valid.
 *
 * What this is not: a parser. A check only reads own keys and never throws. A number in the value never decides how
 * much memory a check allocates.
 */
import { isPrintable, printableOf } from './text.js';

export type Check = (path: string, x: unknown) => string | null;

/** One check for each field of `T`. */
export type Fields<T> = { readonly [K in keyof T]-?: Check };

export function wholeNumber(min: number, max: number): Check {
  return (path, x) =>
    Number.isInteger(x) && (x as number) >= min && (x as number) <= max
      ? null
      : `${path} must be a whole number from ${min} to ${max}`;
}

export const uint32 = wholeNumber(0, 0xffffffff);

export const number: Check = (path, x) => (Number.isFinite(x) ? null : `${path} must be a finite number`);

export const notNegative: Check = (path, x) =>
  Number.isFinite(x) && (x as number) >= 0 ? null : `${path} must be a finite number, 0 or more`;

export const positive: Check = (path, x) =>
  Number.isFinite(x) && (x as number) > 0 ? null : `${path} must be a finite number above 0`;

export function between(min: number, max: number): Check {
  return (path, x) =>
    typeof x === 'number' && x >= min && x <= max ? null : `${path} must be a number from ${min} to ${max}`;
}

export const fraction = between(0, 1);

export const belowOne: Check = (path, x) =>
  typeof x === 'number' && x >= 0 && x < 1 ? null : `${path} must be a number from 0 to below 1`;

export const boolean: Check = (path, x) => (typeof x === 'boolean' ? null : `${path} must be true or false`);

/** Any text. It must be made printable before it is shown. */
export const anyText: Check = (path, x) => (typeof x === 'string' ? null : `${path} must be text`);

/** One line of printable text. */
export function text(lengthMin: number, lengthMax: number): Check {
  return (path, x) =>
    typeof x === 'string' && x.length >= lengthMin && x.length <= lengthMax && isPrintable(x)
      ? null
      : `${path} must be ${lengthMin} to ${lengthMax} printable characters`;
}

export const sha256: Check = (path, x) =>
  typeof x === 'string' && /^[0-9a-f]{64}$/.test(x) ? null : `${path} must be a SHA-256 as 64 lowercase hex digits`;

export function oneOf(...values: readonly unknown[]): Check {
  const listed = values.map((value) => JSON.stringify(value)).join(', ');
  return (path, x) => (values.includes(x) ? null : `${path} must be ${values.length > 1 ? 'one of ' : ''}${listed}`);
}

export function orNull(check: Check): Check {
  return (path, x) => (x === null ? null : check(path, x));
}

/** `next` may rely on what `first` has checked. */
export function both(first: Check, next: Check): Check {
  return (path, x) => first(path, x) ?? next(path, x);
}

export function list(lengthMin: number, lengthMax: number, element: Check): Check {
  return (path, x) => {
    if (!Array.isArray(x) || x.length < lengthMin || x.length > lengthMax) {
      return `${path} must be a list of ${lengthMin} to ${lengthMax} elements`;
    }
    for (let i = 0; i < x.length; i++) {
      const fault = element(`${path}[${i}]`, x[i]);
      if (fault !== null) return fault;
    }
    return null;
  };
}

/** Marks the check of a field that may be absent. */
const absentAllowed = new WeakSet<Check>();

/** A field that an object may lack. */
export function optional(check: Check): Check {
  const marked: Check = (path, x) => check(path, x);
  absentAllowed.add(marked);
  return marked;
}

/**
 * An object with exactly these own fields. An unknown field is refused: it is a typing error, or it comes from a
 * version that means something by it that this one would ignore.
 */
export function object<T>(fields: Fields<T>): Check {
  const names = Object.keys(fields) as (keyof T & string)[];
  const listed = names.join(', ');
  return (path, x) => {
    if (typeof x !== 'object' || x === null || Array.isArray(x)) return `${path} must be an object with ${listed}`;
    let found = 0;
    for (const name of names) {
      if (!Object.hasOwn(x, name)) {
        if (absentAllowed.has(fields[name])) continue;
        return `${path} lacks ${name}`;
      }
      found++;
      const fault = fields[name](`${path}.${name}`, (x as Record<string, unknown>)[name]);
      if (fault !== null) return fault;
    }
    if (Object.keys(x).length === found) return null;
    const unknown = Object.keys(x).find((key) => !Object.hasOwn(fields, key)) ?? '';
    return `${path} has an unknown field "${printableOf(unknown, 32)}": it may have ${listed}`;
  };
}
