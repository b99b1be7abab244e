/** Decodes hostile and random frames. The result must be a named error or a valid message, and never an exception. */
import fc from 'fast-check';
import { pack } from 'msgpackr/pack';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../shared/limits.js';
import { type Decoded, decodeFromCoordinator, decodeFromWorker, encodeFrame } from '../../../shared/protocol/codec.js';
import { protocolErrors } from '../../../shared/protocol/errors.js';
import type { Message } from '../../../shared/protocol/messages.js';
import { fromCoordinatorValidators, fromWorkerValidators } from '../../../shared/protocol/validate.js';
import { anyFromCoordinator, anyFromWorker, fromCoordinator, fromWorker } from './specimens.js';

function frameOf(header: Uint8Array, payload: number[] = []): Uint8Array {
  return Uint8Array.from([header.length & 0xff, header.length >> 8, ...header, ...payload]);
}

function code(decoded: Decoded<Message>): string {
  return 'error' in decoded ? decoded.error.code : 'accepted';
}

/** Decodes a frame as both ends would. Expects an error of the table, or a message that its validator accepts. */
function expectVerdict(frame: Uint8Array): void {
  const ends = [
    [decodeFromWorker(frame), fromWorkerValidators],
    [decodeFromCoordinator(frame), fromCoordinatorValidators],
  ] as const;
  for (const [decoded, validators] of ends) {
    if ('error' in decoded) expect(protocolErrors).toHaveProperty(decoded.error.code);
    else
      expect((validators as Record<string, (x: unknown) => unknown>)[decoded.message.type](decoded.message)).toBeNull();
  }
}

const valid = [...fromWorker, ...fromCoordinator].map((message) => ({ message, frame: encodeFrame(message) }));
const anyFrame = fc.oneof(anyFromWorker, anyFromCoordinator).map((message) => encodeFrame(message));

describe('decoding', () => {
  it('survives random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), expectVerdict), { numRuns: 2000 });
  });

  it('survives random headers', () => {
    const header = fc.uint8Array({ maxLength: 100 }).map((bytes) => frameOf(bytes));
    const map = fc
      .uint8Array({ maxLength: 60 })
      .map((bytes) => frameOf(Uint8Array.of(0x80 | (bytes[0] & 3), ...bytes)));
    fc.assert(fc.property(fc.oneof(header, map), expectVerdict), { numRuns: 5000 });
  });

  it.each(valid)('refuses $message.type cut off at any byte', ({ frame }) => {
    for (let length = 0; length < frame.length; length++) {
      expect(code(decodeFromWorker(frame.subarray(0, length)))).toBe('bad-frame');
      expect(code(decodeFromCoordinator(frame.subarray(0, length)))).toBe('bad-frame');
    }
  });

  it.each(valid)('refuses the header of $message.type cut off at any byte', ({ frame }) => {
    for (let length = 0; length < frame.length - 2; length++) {
      const cut = frameOf(frame.subarray(2, 2 + length));
      expect(code(decodeFromWorker(cut))).toBe('header-invalid');
      expect(code(decodeFromCoordinator(cut))).toBe('header-invalid');
    }
  });

  it.each(valid)('survives every flipped bit of $message.type', ({ frame }) => {
    for (let bit = 0; bit < 8 * frame.length; bit++) {
      const flipped = frame.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      expectVerdict(flipped);
    }
  });

  it('survives bytes replaced, put in and taken out', () => {
    const edits = fc.array(fc.tuple(fc.nat(400), fc.nat(255), fc.nat(2)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(anyFrame, edits, (frame, changes) => {
        const header = [...frame.subarray(2)];
        for (const [at, byte, remove] of changes) header.splice(at % header.length, remove, byte);
        expectVerdict(frameOf(Uint8Array.from(header)));
      }),
      { numRuns: 2000 },
    );
  });

  it('survives any map of any values', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ maxLength: 10 }), fc.anything({ maxDepth: 3 })), (map) => {
        let header: Uint8Array;
        try {
          header = pack(map);
        } catch {
          return;
        }
        expectVerdict(frameOf(header.subarray(0, 65_535)));
      }),
    );
  });

  it('refuses a frame or a header that is too large before it looks inside', () => {
    expect(code(decodeFromWorker(new Uint8Array(limits.frameBytesMax + 1)))).toBe('frame-too-large');
    expect(code(decodeFromWorker(frameOf(new Uint8Array(limits.headerBytesMax + 1))))).toBe('header-too-large');
    expect(code(decodeFromWorker(Uint8Array.of(0xff, 0xff)))).toBe('header-too-large');
  });

  it('refuses a payload of a message that has none', () => {
    expect(code(decodeFromWorker(encodeFrame({ type: 'leave' }, Uint8Array.of(0))))).toBe('payload-length');
    expect(code(decodeFromCoordinator(encodeFrame({ type: 'ping', id: 1 }, Uint8Array.of(0))))).toBe('payload-length');
  });

  it('names another version before anything else of the message', () => {
    const hello = pack({ type: 'hello', protocol: 99, something: 'new' });
    expect(code(decodeFromWorker(frameOf(hello)))).toBe('version-mismatch');
    const welcome = pack({ type: 'welcome', protocol: 0 });
    expect(code(decodeFromCoordinator(frameOf(welcome)))).toBe('version-mismatch');
    expect(code(decodeFromWorker(frameOf(pack({ type: 'hello', protocol: '1' }))))).toBe('field-invalid');
  });

  it('takes no type from a prototype', () => {
    for (const type of ['constructor', 'toString', 'hasOwnProperty', '__proto__', 3, null, ['hello']]) {
      expect(code(decodeFromWorker(frameOf(pack({ type }))))).toBe('unknown-message');
    }
    expect(code(decodeFromWorker(frameOf(Uint8Array.of(0x80))))).toBe('unknown-message');
  });

  it('says errors in one printable line, of a length that a failure message may have', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const decoded = decodeFromWorker(frameOf(bytes));
        if (!('error' in decoded)) return;
        const { code, message } = decoded.error;
        const sent = encodeFrame({ type: 'failure', code, message });
        expect('error' in decodeFromCoordinator(sent)).toBe(false);
      }),
    );
  });
});
