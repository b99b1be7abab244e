/**
 * Checks a header before it is decoded. It allocates nothing because of the header: a MessagePack decoder turns
 * 4 MiB of empty maps into 256 MB of objects, and always runs extension types.
 *
 * A header must be one map. It may contain maps, lists, strings, booleans, nil, floats, and integers of up to 32 bits.
 * A key must be short, must have only ASCII letters and digits (so it cannot be `__proto__`), and must not come twice.
 */
import { limits } from '../limits.js';

/** Says what is wrong with the bytes of a header. Null means that they can be decoded safely. */
export function invalidHeader(bytes: Uint8Array): string | null {
  const first = bytes[0];
  if (bytes.length === 0 || ((first & 0xf0) !== 0x80 && first !== 0xde)) return 'the header is not a map';
  return new Scanner(bytes).scan();
}

/** Number of bytes after the first byte of nil, booleans, floats and integers. 64-bit integers are not allowed. */
const scalarBytes: ReadonlyMap<number, number> = new Map([
  [0xc0, 0], // nil
  [0xc2, 0], // false
  [0xc3, 0], // true
  [0xca, 4], // float32
  [0xcb, 8], // float64
  [0xcc, 1], // uint8
  [0xcd, 2], // uint16
  [0xce, 4], // uint32
  [0xd0, 1], // int8
  [0xd1, 2], // int16
  [0xd2, 4], // int32
]);

class Scanner {
  private at = 0;
  private fault: string | null = null;

  constructor(private readonly bytes: Uint8Array) {}

  scan(): string | null {
    this.value(1);
    if (this.fault === null && this.at < this.bytes.length) this.fault = 'bytes follow the map';
    return this.fault;
  }

  private value(depth: number): void {
    const token = this.uint(1);
    if (token < 0x80 || token >= 0xe0) return;
    if (token < 0x90) this.map(token & 0x0f, depth);
    else if (token < 0xa0) this.list(token & 0x0f, depth);
    else if (token < 0xc0) this.skip(token & 0x1f);
    else this.long(token, depth);
  }

  /** A value whose first byte says nothing but its type. */
  private long(token: number, depth: number): void {
    const bytes = scalarBytes.get(token);
    if (bytes !== undefined) this.skip(bytes);
    else if (token === 0xd9) this.skip(this.uint(1));
    else if (token === 0xda) this.skip(this.uint(2));
    else if (token === 0xdc) this.list(this.uint(2), depth);
    else if (token === 0xde) this.map(this.uint(2), depth);
    else this.fault ??= `0x${token.toString(16)} is a type that headers do not have`;
  }

  private list(count: number, depth: number): void {
    if (depth > limits.headerDepthMax) this.fault ??= 'lists and maps are nested too deeply';
    if (count > this.remaining) this.fault ??= 'a list has more elements than the header has bytes';
    for (let i = 0; i < count && this.fault === null; i++) this.value(depth + 1);
  }

  private map(count: number, depth: number): void {
    if (depth > limits.headerDepthMax) this.fault ??= 'lists and maps are nested too deeply';
    if (count > limits.headerMapEntriesMax) this.fault ??= `a map has more than ${limits.headerMapEntriesMax} entries`;
    if (2 * count > this.remaining) this.fault ??= 'a map has more entries than the header has bytes';
    const keys: number[] = [];
    for (let i = 0; i < count && this.fault === null; i++) {
      this.key(keys);
      this.value(depth + 1);
    }
  }

  /** `keys` are the places of the map's keys so far. */
  private key(keys: number[]): void {
    const start = this.at;
    const token = this.uint(1);
    if (token < 0xa1 || token > 0xbf) this.fault ??= 'a key is not a string of 1 to 31 bytes';
    this.skip(token & 0x1f);
    if (this.fault !== null) return;
    for (let i = start + 1; i < this.at; i++) {
      if (!isAlphanumeric(this.bytes[i])) this.fault = 'a key has a character that is not a letter or a digit';
    }
    if (keys.some((other) => this.sameKey(other, start))) this.fault = 'a key comes twice';
    keys.push(start);
  }

  /** The first byte of a key tells its length, so keys of different lengths differ there. */
  private sameKey(a: number, b: number): boolean {
    for (let i = 0; b + i < this.at; i++) if (this.bytes[a + i] !== this.bytes[b + i]) return false;
    return true;
  }

  /** A big-endian number; 0 when the header ends before it does. */
  private uint(bytes: number): number {
    const start = this.at;
    this.skip(bytes);
    let value = 0;
    if (this.fault === null) for (let i = start; i < this.at; i++) value = value * 256 + this.bytes[i];
    return value;
  }

  private skip(bytes: number): void {
    if (bytes > this.remaining) this.fault ??= 'the header ends within a value';
    else this.at += bytes;
  }

  private get remaining(): number {
    return this.bytes.length - this.at;
  }
}

function isAlphanumeric(byte: number): boolean {
  const lower = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x7a);
}
