import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../shared/limits.js';
import { decodeFromCoordinator, decodeFromWorker, encodeFrame } from '../../../shared/protocol/codec.js';
import type { Message } from '../../../shared/protocol/messages.js';
import { anyFromCoordinator, anyFromWorker } from './specimens.js';

const withPayload = ['result', 'weights', 'samples'];

/** The parts of the payload, or no parts if the message may not have a payload. */
function partsFor(message: Message, parts: Uint8Array[]): Uint8Array[] {
  return withPayload.includes(message.type) ? parts : [];
}

const payloadParts = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 4 });

describe('a frame', () => {
  it('brings every message from a worker as it was', () => {
    fc.assert(
      fc.property(anyFromWorker, payloadParts, (message, parts) => {
        const sent = partsFor(message, parts);
        const decoded = decodeFromWorker(encodeFrame(message, ...sent));
        expect(decoded).toEqual({ message, payload: expect.anything() });
        if ('payload' in decoded) expect([...decoded.payload]).toEqual(sent.flatMap((part) => [...part]));
      }),
    );
  });

  it('brings every message from the coordinator as it was', () => {
    fc.assert(
      fc.property(anyFromCoordinator, payloadParts, (message, parts) => {
        const sent = partsFor(message, parts);
        const decoded = decodeFromCoordinator(encodeFrame(message, ...sent));
        expect(decoded).toEqual({ message, payload: expect.anything() });
        if ('payload' in decoded) expect([...decoded.payload]).toEqual(sent.flatMap((part) => [...part]));
      }),
    );
  });

  it('owns its bytes: later frames do not overwrite earlier ones', () => {
    const frames = Array.from({ length: 5000 }, (_, id) => encodeFrame({ type: 'pong', id }));
    frames.forEach((frame, id) => {
      expect(decodeFromWorker(frame)).toMatchObject({ message: { id } });
    });
    expect(frames[0].buffer.byteLength).toBe(frames[0].length);
  });

  it('is decoded where it lies: the payload is a view, whatever the alignment', () => {
    const frame = encodeFrame({ type: 'weights', base: null, part: 0, step: 1 }, Uint8Array.of(1, 2, 3, 4));
    for (let offset = 0; offset < 8; offset++) {
      const memory = new Uint8Array(frame.length + 16);
      memory.set(frame, offset);
      const decoded = decodeFromCoordinator(memory.subarray(offset, offset + frame.length));
      if ('error' in decoded) throw new Error(decoded.error.message);
      expect([...decoded.payload]).toEqual([1, 2, 3, 4]);
      expect(decoded.payload.buffer).toBe(memory.buffer);
    }
  });

  it('goes one way: a message of the other direction is unknown', () => {
    const ping = encodeFrame({ type: 'ping', id: 1 });
    expect(decodeFromWorker(ping)).toMatchObject({ error: { code: 'unknown-message' } });
    const pong = encodeFrame({ type: 'pong', id: 1 });
    expect(decodeFromCoordinator(pong)).toMatchObject({ error: { code: 'unknown-message' } });
  });

  it('of our own that is larger than the limits is an internal error', () => {
    const tooLarge = new Uint8Array(limits.frameBytesMax);
    expect(() => encodeFrame({ type: 'weights', base: null, part: 0, step: 1 }, tooLarge)).toThrow('internal error');
    const message = 'x'.repeat(20_000);
    expect(() => encodeFrame({ type: 'failure', code: 'internal', message })).toThrow('internal error');
  });
});
