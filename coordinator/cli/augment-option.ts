/** Reads `--augment`: text such as "shift=2,rotate=10", or in a configuration file the same as an object. */
import { isObject } from '../../shared/canonical-json.js';
import { type AugmentDescription, checkAugment } from '../../shared/data/augment.js';
import { LockstepError } from '../../shared/errors.js';

const example = 'for example --augment shift=2,rotate=10,scale=0.1,elastic=3';

/** Null for "none", and where every value is 0. Throws `usage` for anything else that is no augmentation. */
export function augmentOption(x: unknown): AugmentDescription | null {
  const fields = typeof x === 'string' ? parsed(x) : x;
  if (!isObject(fields)) throw refused(x, 'it must have fields');
  const described = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== 0));
  if (Object.keys(fields).length === 0 && x !== 'none') throw refused(x, 'it is empty');
  if (Object.keys(described).length === 0) return null;
  const fault = checkAugment('augment', described);
  if (fault !== null) throw refused(x, fault);
  return described as AugmentDescription;
}

/** The text that means this augmentation. */
export function augmentText(augment: AugmentDescription): string {
  return Object.entries(augment)
    .map(([name, value]) => `${name}=${value}`)
    .join();
}

function parsed(text: string): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  if (text === 'none') return fields;
  for (const part of text.split(',')) {
    const [, name, value] = /^\s*(\w+)\s*=\s*(\S+)\s*$/.exec(part) ?? [];
    if (name === undefined) throw refused(text, `"${part}" is not NAME=NUMBER`);
    if (Object.hasOwn(fields, name)) throw refused(text, `it has ${name} twice`);
    fields[name] = Number(value);
  }
  return fields;
}

function refused(x: unknown, fault: string): LockstepError {
  const given = typeof x === 'string' ? x : JSON.stringify(x);
  return new LockstepError('usage', `--augment is "${given}": ${fault}; ${example}`);
}
