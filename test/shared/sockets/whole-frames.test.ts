import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WholeFrames } from '../../../shared/sockets/whole-frames.js';

const payloadMax = 200_000;

/** A binary frame (RFC 6455, section 5.2) with `length` bytes of payload. `first` is its first byte. */
function frame(length: number, masked: boolean, first = 0x82): Buffer {
  const mask = masked ? 0x80 : 0;
  const payload = Buffer.alloc(length, length & 255);
  return Buffer.concat([Buffer.of(first), lengthBytes(length, mask), Buffer.alloc(masked ? 4 : 0), payload]);
}

function lengthBytes(length: number, mask: number): Buffer {
  if (length < 126) return Buffer.of(mask | length);
  const bytes = Buffer.alloc(length < 65_536 ? 3 : 9);
  bytes[0] = mask | (length < 65_536 ? 126 : 127);
  if (length < 65_536) bytes.writeUInt16BE(length, 1);
  else bytes.writeBigUInt64BE(BigInt(length), 1);
  return bytes;
}

/** Collects copies of what is delivered, because the buffer is used again. */
function collector() {
  const delivered: Buffer[] = [];
  const frames = new WholeFrames();
  frames.deliverTo((bytes) => delivered.push(Buffer.from(bytes)), payloadMax);
  return { frames, delivered };
}

const lengths = fc.array(
  fc.oneof(fc.nat(130), fc.integer({ min: 65_500, max: 65_700 }), fc.constant(payloadMax), fc.nat(payloadMax)),
  { minLength: 1, maxLength: 8 },
);

/** Reads like a socket: as much as there is room for. Returns how often `frames` has stopped the reading. */
function readAll(frames: WholeFrames, stream: Buffer, bytesAtOnce: number): number {
  let stops = 0;
  for (let at = 0; at < stream.length; ) {
    const room = frames.room();
    const some = stream.subarray(at, at + Math.min(room.length, bytesAtOnce));
    room.set(some);
    at += some.length;
    let isToReadOn = false;
    const goesOn = frames.filled(some.length, () => {
      isToReadOn = true;
    });
    expect(isToReadOn).toBe(!goesOn);
    if (!goesOn) stops += 1;
  }
  return stops;
}

describe('whole frames', () => {
  it('are delivered once, in order, however the bytes were cut', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 65_536 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(lengths, cuts, fc.boolean(), (sizes, pieces, masked) => {
        const sent = sizes.map((length) => frame(length, masked));
        const stream = Buffer.concat(sent);
        const ends = new Set(sent.map((_, i) => Buffer.concat(sent.slice(0, i + 1)).length));
        const { frames, delivered } = collector();
        for (let at = 0, i = 0; at < stream.length; i++) {
          const end = Math.min(at + pieces[i % pieces.length], stream.length);
          frames.accept(stream.subarray(at, end));
          at = end;
        }
        let end = 0;
        for (const bytes of delivered) {
          end += bytes.length;
          expect(ends).toContain(end);
        }
        expect(Buffer.concat(delivered).equals(stream)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('are read straight into their buffer, and others have a turn whenever it was filled', () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1000, max: 1_000_000 }), (sizes, bytesAtOnce) => {
        const stream = Buffer.concat(sizes.map((length) => frame(length, true)));
        const { frames, delivered } = collector();
        const stops = readAll(frames, stream, bytesAtOnce);
        if (bytesAtOnce < 65_536) expect(stops).toBe(0);
        expect(Buffer.concat(delivered).equals(stream)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('wait for the last one of their message, and so does a ping between them', () => {
    const first = frame(100_000, true, 0x02);
    const ping = frame(5, true, 0x89);
    const middle = frame(100, true, 0x00);
    const last = frame(50_000, true, 0x80);
    const { frames, delivered } = collector();
    for (const some of [ping, first, ping, middle]) frames.accept(some);
    expect(delivered).toEqual([ping]);
    frames.accept(last);
    expect(delivered).toEqual([ping, Buffer.concat([first, ping, middle, last])]);
  });

  it('do not wait for ever: a message of more bytes than there may be goes to who closes over it', () => {
    const { frames, delivered } = collector();
    for (let sent = 0; sent < 3 * payloadMax && delivered.length === 0; sent += 1000)
      frames.accept(frame(1000, true, 0x00));
    expect(delivered[0].length).toBeGreaterThan(payloadMax);
    const nothing = collector();
    for (let i = 0; i < 2000 && nothing.delivered.length === 0; i++) nothing.frames.accept(frame(0, true, 0x00));
    expect(nothing.delivered).toHaveLength(1);
  });

  it('that came with the handshake are not overwritten by what a socket reads meanwhile', () => {
    const { frames, delivered } = collector();
    const [early, next] = [frame(3000, false), frame(2000, false)];
    const room = frames.room();
    frames.accept(early.subarray(0, 1000));
    room.set(early.subarray(1000));
    frames.filled(early.length - 1000, () => {});
    room.set(next);
    expect(delivered).toEqual([early]);
    frames.room().set(next);
    frames.filled(next.length, () => {});
    expect(delivered).toEqual([early, next]);
  });

  it('find room however much comes at once, behind a part of one that came with the handshake', () => {
    const { frames, delivered } = collector();
    const whole = Buffer.concat(Array.from({ length: 8 }, () => frame(payloadMax, true)));
    const room = frames.room();
    frames.accept(whole.subarray(0, 1));
    room.set(whole.subarray(1, 1 + room.length));
    frames.filled(room.length, () => {});
    frames.accept(whole.subarray(1 + room.length));
    expect(Buffer.concat(delivered).equals(whole)).toBe(true);
  });

  it('that are too many for one message are handed on in bytes that stay as they are', () => {
    const frames = new WholeFrames();
    const kept: Uint8Array[] = [];
    frames.deliverTo((bytes) => kept.push(bytes), payloadMax);
    const sent: Buffer[] = [];
    for (let i = 0; i < 1200; i++) {
      const some = frame(i % 100, true, i % 2 === 0 ? 0x00 : 0x8a);
      frames.room().set(some);
      frames.filled(some.length, () => {});
      sent.push(some);
    }
    expect(kept.length).toBeGreaterThan(1);
    const delivered = Buffer.concat(kept);
    expect(Buffer.concat(sent).subarray(0, delivered.length).equals(delivered)).toBe(true);
  });

  it('are delivered as bytes before there are any', () => {
    const delivered: Buffer[] = [];
    const frames = new WholeFrames();
    frames.deliverTo((bytes) => delivered.push(Buffer.from(bytes)), 0);
    frames.accept(Buffer.from('HTTP/1.1 101'));
    frames.deliverTo((bytes) => delivered.push(Buffer.from(bytes)), payloadMax);
    frames.accept(frame(1000, false).subarray(0, 500));
    expect(delivered.map(String)).toEqual(['HTTP/1.1 101']);
  });

  it('are not waited for when they are too long: what there is goes to who closes over it', () => {
    const { frames, delivered } = collector();
    const long = frame(payloadMax + 100, true);
    frames.accept(long.subarray(0, 1000));
    expect(delivered[0]).toEqual(long.subarray(0, 1000));
    frames.accept(long.subarray(1000, 1001));
    expect(delivered[1]).toEqual(long.subarray(1000, 1001));
  });

  it('of a length that says more than there can be are no reason to set memory aside', () => {
    const { frames, delivered } = collector();
    frames.accept(Buffer.of(0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0));
    expect(delivered).toHaveLength(1);
  });
});
