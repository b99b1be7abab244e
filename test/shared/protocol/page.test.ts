/** Checks that PROTOCOL.md says what the code does: encodes and decodes its examples, compares its table of errors. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeFromCoordinator, decodeFromWorker, encodeFrame } from '../../../shared/protocol/codec.js';
import { protocolErrors } from '../../../shared/protocol/errors.js';
import type { Message } from '../../../shared/protocol/messages.js';
import { fromCoordinator, fromWorker } from './specimens.js';

// The path is relative to the compiled test in dist/.
const page = readFileSync(new URL('../../../../shared/protocol/PROTOCOL.md', import.meta.url), 'utf8');

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)\n\`\`\`$`, 'gms'))].map((match) => match[1]);
}

interface Example {
  readonly sender: string;
  readonly message: Message;
  readonly payload: Buffer;
  readonly frame: Buffer;
}

/** Parses an example: a line `sender {json}`, and then indented lines with the frame in hexadecimal. */
function example(text: string): Example {
  const [, sender, json, hex] = /^(\w+) (\{.*\})\n([\s0-9a-f|]+)$/s.exec(text)!;
  const [, payload = ''] = hex.split('|');
  return { sender, message: JSON.parse(json), payload: bytes(payload), frame: bytes(hex) };
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replace(/[\s|]/g, ''), 'hex');
}

const decoders: Record<string, typeof decodeFromWorker | typeof decodeFromCoordinator> = {
  worker: decodeFromWorker,
  coordinator: decodeFromCoordinator,
};

const examples = blocks('example').flatMap((block) => block.split(/\n(?=\w)/).map(example));
const refused = blocks('refused').flatMap((block) => block.split('\n').map((line) => line.split(/ {2,}/)));

describe('the page', () => {
  it('has an example of every message, from who sends it', () => {
    const shown = new Set(examples.map(({ sender, message }) => `${sender} ${message.type}`));
    for (const { type } of fromWorker) if (type !== 'failure') expect(shown).toContain(`worker ${type}`);
    for (const { type } of fromCoordinator) expect(shown).toContain(`coordinator ${type}`);
  });

  it.each(examples)('$sender sends $message.type', ({ sender, message, payload, frame }) => {
    expect(Buffer.from(encodeFrame(message, payload)).toString('hex')).toBe(frame.toString('hex'));
    const decoded = decoders[sender](frame);
    expect(decoded).toMatchObject({ message });
    if ('payload' in decoded) expect(Buffer.from(decoded.payload)).toEqual(payload);
  });

  it.each(refused)('says that %s is refused', (code, hex) => {
    expect(decodeFromWorker(bytes(hex))).toMatchObject({ error: { code } });
  });

  it('has the table of errors as it is', () => {
    const row = /^\| `([a-z-]+)` +\| (\d+) +\| (.+?) +\| (?:yes|no) +\|$/gm;
    const rows = [...page.matchAll(row)].map((match) => match.slice(1));
    const table = Object.entries(protocolErrors);
    expect(rows).toEqual(table.map(([code, { closeCode, sentence }]) => [code, String(closeCode), sentence]));
    expect(refused.length).toBeGreaterThan(5);
  });
});
