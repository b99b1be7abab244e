import { describe, expect, it } from 'vitest';
import { limits } from '../../../shared/limits.js';
import { protocolError, protocolErrors } from '../../../shared/protocol/errors.js';
import { isToken, offer, offeredToken, subprotocol } from '../../../shared/protocol/handshake.js';

const entries = Object.entries(protocolErrors).map(([code, entry]) => ({ code, ...entry }));

describe('the error table', () => {
  it('has no close code twice', () => {
    expect(new Set(entries.map(({ closeCode }) => closeCode)).size).toBe(entries.length);
  });

  it.each(entries)('$code has a close code that may be sent, and says what is wrong and what to do', (entry) => {
    const standard = [1009, 1011].includes(entry.closeCode);
    expect(standard || (entry.closeCode >= 4000 && entry.closeCode <= 4999)).toBe(true);
    expect(entry.sentence).toMatch(/^[A-Z].*\.$/);
    expect(entry.whatToDo).toMatch(/^[A-Z].*\.$/);
    expect(Buffer.byteLength(entry.code)).toBeLessThanOrEqual(123); // fits the reason of a close frame
  });

  it('makes errors that are safe to show', () => {
    const error = protocolError('field-invalid', `\u001b[2J${'x'.repeat(5000)}`);
    expect(error).toMatchObject({ code: 'field-invalid', closeCode: 4004 });
    expect(error.message.length).toBeLessThanOrEqual(limits.messageLengthMax);
    expect(error.message).not.toContain('\u001b');
    expect(protocolError('internal').message).toBe(protocolErrors.internal.sentence);
  });
});

describe('the handshake', () => {
  it('offers the protocol, and the token as a second entry', () => {
    expect(subprotocol).toBe('lockstep.5');
    expect(offer(null)).toEqual(['lockstep.5']);
    expect(offer('s3cret')).toEqual(['lockstep.5', 'token.s3cret']);
    expect(offeredToken(new Set(offer('s3cret')))).toBe('s3cret');
    expect(offeredToken(offer(null))).toBeNull();
  });

  it('has tokens that fit a header and a link', () => {
    for (const token of ['a', 'A-z_0.9~', 'x'.repeat(128)]) expect(isToken(token)).toBe(true);
    for (const token of ['', 'a b', 'a,b', 'é', 'a/b', 'a\n', 'x'.repeat(129)]) expect(isToken(token)).toBe(false);
  });
});
