/** Checks that the tables of PROTOCOL.md say what the code enforces: the range of each field, limits, deadlines. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../shared/limits.js';
import { patience } from '../../../shared/pool/member.js';
import { type ProtocolErrorCode, protocolErrors } from '../../../shared/protocol/errors.js';
import { subprotocol } from '../../../shared/protocol/handshake.js';
import { protocolVersion } from '../../../shared/protocol/messages.js';
import { scoreBytes } from '../../../shared/protocol/payload.js';
import { partBytesMax, partFloats } from '../../../shared/protocol/tensor.js';
import { fromCoordinatorValidators, fromWorkerValidators } from '../../../shared/protocol/validate.js';
import { Random } from '../../../shared/random.js';
import { Session, sessionTimes } from '../../../worker/session.js';
import type { SessionEvent } from '../../../worker/session-events.js';
import { fromCoordinator, fromWorker } from './specimens.js';

const page = readFileSync(new URL('../../../../shared/protocol/PROTOCOL.md', import.meta.url), 'utf8');

/** The table rows between two headings of the page, without the head of the table. */
function rows(from: string, to: string): string[][] {
  const section = page.slice(page.indexOf(`\n${from}\n`), page.indexOf(`\n${to}\n`));
  return [...section.matchAll(/^\|(.*)\|$/gm)]
    .map(([, cells]) => cells.split('|').map((cell) => cell.trim()))
    .filter(([first]) => !/^(-+:?|message|what|value|factor or count)$/.test(first));
}

type Map = Record<string, unknown>;

/** Values at both ends of the range that a cell allows, and values just outside. */
function probes(cell: string): { good: unknown[]; bad: unknown[] } {
  const anyway = [undefined, { a: 1 }, Number.NaN];
  const orNil = / or nil$/.exec(cell);
  if (orNil !== null) {
    const { good, bad } = probes(cell.slice(0, orNil.index));
    return { good: [...good, null], bad: bad.filter((x) => x !== null) };
  }
  const nothing = [...anyway, null];
  const exact = /^"(\w+)"$/.exec(cell);
  if (exact !== null) return { good: [exact[1]], bad: [...nothing, 'other', ''] };
  const among = /^one of (.+)$/.exec(cell);
  if (among !== null) return { good: JSON.parse(`[${among[1]}]`), bad: [...nothing, 'other', 0] };
  const text = /^text (\d+) … (\d+)(, not blank)?$/.exec(cell);
  if (text !== null) {
    const [min, max] = [Number(text[1]), Number(text[2])];
    const blank = [' '.repeat(min)];
    const bad = [...nothing, 7, 'a'.repeat(max + 1), 'a\nb', 'a\u0000', '\u202e', ...(min > 0 ? [''] : [])];
    return text[3] === undefined
      ? { good: ['a'.repeat(min), 'ö'.repeat(max), ...blank], bad }
      : { good: ['a'.repeat(min), 'ö'.repeat(max)], bad: [...bad, ...blank] };
  }
  const list = /^list (\d+) … (\d+) of (.+)$/.exec(cell);
  if (list !== null) {
    const of = (length: string, extra: number) => Array.from({ length: Number(length) + extra }, () => 1);
    return { good: [], bad: [...nothing, of(list[1], -1), of(list[2], 1), [0], [1.5], 1] };
  }
  const integer = /^(\d+)(?: … (\d+))?$/.exec(cell);
  if (integer !== null) {
    const [min, max] = [Number(integer[1]), Number(integer[2] ?? integer[1])];
    return { good: [min, max], bad: [...nothing, min - 1, max + 1, min + 0.5, '1', Number.POSITIVE_INFINITY] };
  }
  switch (cell) {
    case 'SHA-256':
      return { good: ['0f'.repeat(32)], bad: [...nothing, '0F'.repeat(32), '0f'.repeat(31), 1] };
    case 'number from 0':
      return { good: [0, 1.5, 1e12], bad: [...nothing, -0.1, '1', Number.POSITIVE_INFINITY] };
    case 'number above 0':
      return { good: [1e-9, 1.5, 1e12], bad: [...nothing, 0, -0.1, '1', Number.POSITIVE_INFINITY] };
    case '0 to 1':
      return { good: [0, 0.5, 1], bad: [...nothing, -0.1, 1.1, '1'] };
    case 'true or false':
      return { good: [true, false], bad: [...nothing, 0, 'true'] };
    case 'error code':
      return { good: Object.keys(protocolErrors), bad: [...nothing, 'other', 'toString'] };
    case 'model':
    case 'optimizer':
    case 'schedule':
    case 'map':
      return { good: [], bad: [undefined, {}, null, []] };
    default:
      throw new Error(`the page says "${cell}" of a field, which this test does not understand`);
  }
}

/** Fields whose range depends on other fields. For each value, the other fields are set so that they fit. */
const fitting: Record<string, (value: unknown) => Map> = {
  'welcome.batch': (batch) => ({ batch, microBatch: 1 }),
  'welcome.microBatch': (microBatch) => ({ microBatch, batch: 0 }),
  'shard.lo': (lo) => ({ lo, size: 1 }),
  'shard.size': (size) => ({ size, lo: 0 }),
  'shard.epoch': (epoch) => ({ epoch, work: 'gradient' }),
  'shard.stepInEpoch': (stepInEpoch) => ({ stepInEpoch, work: 'gradient' }),
  'shard.work': (work) => ({ work, epoch: 0, stepInEpoch: 0 }),
};
/** These values do not fit the model or the order of the specimen. Other tests try them. */
const notTried = new Set(['welcome.data.classes 256', 'welcome.data.train 1']);

interface Row {
  readonly message: string;
  readonly field: string;
  readonly value: string;
}

function fieldRows(from: string, to: string): Row[] {
  let message = '';
  return rows(from, to).map(([first, field, value]) => {
    message = first === '' ? message : first.replaceAll('`', '');
    return { message, field: field.replaceAll('`', ''), value };
  });
}

const directions = [
  {
    sender: 'a worker',
    table: fieldRows('### From a worker', '### From the coordinator'),
    specimens: fromWorker as readonly object[],
    validators: fromWorkerValidators as Record<string, (x: unknown) => string | null>,
  },
  {
    sender: 'the coordinator',
    table: fieldRows('### From the coordinator', '### Payloads'),
    specimens: fromCoordinator as readonly object[],
    validators: fromCoordinatorValidators as Record<string, (x: unknown) => string | null>,
  },
];

describe.each(directions)('the fields of messages from $sender', ({ table, specimens, validators }) => {
  const specimen = (type: string) => specimens.find((each) => (each as { type: string }).type === type) as Map;

  it('are all there', () => {
    expect(new Set(table.map(({ message }) => message.split('.')[0]))).toEqual(new Set(Object.keys(validators)));
    for (const type of Object.keys(validators)) {
      const listed = table.filter(({ message }) => message === type).map(({ field }) => field);
      expect(listed.sort(), type).toEqual(Object.keys(specimen(type)).sort());
    }
  });

  it.each(table)('$message $field: $value', ({ message, field, value }) => {
    const [type, inner] = message.split('.');
    const whole = specimen(type);
    const check = (x: unknown) => {
      const changed = fitting[`${message}.${field}`]?.(x) ?? { [field]: x };
      const next = { ...((inner === undefined ? whole : whole[inner]) as Map), ...changed };
      return validators[type](inner === undefined ? next : { ...whole, [inner]: next });
    };
    const { good, bad } = probes(value);
    for (const x of good) if (!notTried.has(`${message}.${field} ${x}`)) expect(check(x), JSON.stringify(x)).toBeNull();
    for (const x of bad) expect(check(x), `${typeof x} ${JSON.stringify(x)}`).toMatch(new RegExp(`${field}|model`));
  });
});

type Untimed =
  | Omit<Extract<SessionEvent, { type: 'message' }>, 'nowMs'>
  | Omit<Extract<SessionEvent, { type: 'garbage' }>, 'nowMs'>;

const constants: Record<string, Readonly<Record<string, number>>> = { limits, patience, sessionTimes };
const sizes: Record<string, number> = { partBytesMax, scoreBytes, partFloats };

function inCode(expression: string): number {
  const terms = expression.replaceAll('`', '').split(' + ');
  const term = (text: string) => {
    const [object, name] = text.split('.');
    return name === undefined ? sizes[object] : constants[object][name];
  };
  return terms.reduce((sum, text) => sum + term(text), 0);
}

describe('the refusals that are final', () => {
  const comesBack = new Map(
    [...page.matchAll(/^\| `([a-z-]+)` .* \| (yes|no) +\|$/gm)].map(([, code, answer]) => [code, answer === 'yes']),
  );

  const endsAfter = (event: Untimed): boolean => {
    const about = { version: '1', name: 'w', kind: 'node', threads: 1, arithmetic: 'a', kernels: 'k' };
    const session = new Session(about, new Random(1));
    session.step({ type: 'start', nowMs: 0 });
    session.step({ type: 'opened', nowMs: 0 });
    return session.step({ ...event, nowMs: 0 }).some(({ type }) => type === 'exit');
  };

  it.each(Object.keys(protocolErrors) as ProtocolErrorCode[])('%s, whichever side says so', (code) => {
    expect(endsAfter({ type: 'message', message: { type: 'failure', code, message: '' } })).toBe(!comesBack.get(code));
    expect(endsAfter({ type: 'garbage', code, detail: '' })).toBe(!comesBack.get(code));
  });
});

describe('the numbers', () => {
  const stated = [...rows('## Limits', '## Time'), ...rows('## Time', '## Messages')];

  it.each(stated)('%s: %s', (_, value, expression) => {
    expect(Number(value.replaceAll(',', ''))).toBe(inCode(expression));
  });

  it('are many', () => {
    expect(stated.length).toBeGreaterThan(30);
  });

  it('in the text are those of the code', () => {
    expect(page).toContain(`version ${protocolVersion}\n`);
    expect(page.match(/lockstep\.\d+/g)?.every((text) => text === subprotocol)).toBe(true);
    expect(page).toContain(`${limits.tokenLengthMin} to ${limits.tokenLengthMax} letters`);
    expect(page).toContain(`ceil(parameters / ${partFloats.toLocaleString('en')})`);
    expect(page).toContain(`longer than ${patience.silenceMs / 1000} seconds`);
    expect(page).toContain(`has more than ${(partBytesMax - scoreBytes).toLocaleString('en')} samples`);
  });
});
