/**
 * The checks that messages are made of. Each says what is wrong with a value, naming it by `path`, or null. They read
 * own keys only, allocate nothing that the value states the size of, and never throw.
 */
import { isPrintable } from './text.js';

export type Check = (path: string, x: unknown) => string | null;

/** A check for each field of a message, no more and no less. */
export type Fields<T> = { readonly [K in keyof T]-?: Check };

export function integer(min: number, max: number): Check {
  return (path, x) =>
    Number.isInteger(x) && (x as number) >= min && (x as number) <= max
      ? null
      : `${path} must be a whole number from ${min} to ${max}`;
}

export const uint32 = integer(0, 0xffffffff);

export const duration: Check = (path, x) =>
  Number.isFinite(x) && (x as number) >= 0 ? null : `${path} must be a finite number, 0 or more`;

export const fraction: Check = (path, x) =>
  typeof x === 'number' && x >= 0 && x <= 1 ? null : `${path} must be a number from 0 to 1`;

export const boolean: Check = (path, x) => (typeof x === 'boolean' ? null : `${path} must be true or false`);

/** One line of text for people. */
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

/**
 * An object with exactly these own fields. A field too many is refused: within one protocol version nobody has a
 * reason to send it, and what is refused cannot come to mean something by accident.
 */
export function object<T>(fields: Fields<T>): Check {
  const names = Object.keys(fields) as (keyof T & string)[];
  return (path, x) => {
    if (typeof x !== 'object' || x === null || Array.isArray(x)) return `${path} must be a map`;
    for (const name of names) {
      if (!Object.hasOwn(x, name)) return `${path} lacks ${name}`;
      const fault = fields[name](`${path}.${name}`, (x as Record<string, unknown>)[name]);
      if (fault !== null) return fault;
    }
    return Object.keys(x).length === names.length ? null : `${path} has a field that it may not have`;
  };
}
