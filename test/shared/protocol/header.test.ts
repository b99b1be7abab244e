import { describe, expect, it } from 'vitest';
import { limits } from '../../../shared/limits.js';
import { decodeFromWorker } from '../../../shared/protocol/codec.js';
import { invalidHeader } from '../../../shared/protocol/header.js';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('a header', () => {
  it.each([
    ['an empty map', '80'],
    ['an empty map of the longer form', 'de 0000'],
    ['small integers', '82 a161 7f a162 e0'],
    ['integers of every width', '86 a161 cc ff a162 cd ffff a163 ce ffffffff a164 d0 80 a165 d1 8000 a166 d2 80000000'],
    ['floats', '82 a161 ca 3f800000 a162 cb 3ff0000000000000'],
    ['nil and booleans', '83 a161 c0 a162 c2 a163 c3'],
    ['strings', '83 a161 a0 a162 d9 01 78 a163 da 0001 78'],
    ['lists', '83 a161 90 a162 92 01 02 a163 dc 0001 01'],
    ['keys that differ in their last byte, and in length', '83 a26161 01 a26162 02 a161 03'],
    ['the same key in different maps', '82 a161 81 a161 01 a162 81 a161 01'],
  ])('may have %s', (_, hex) => {
    expect(invalidHeader(bytes(hex))).toBeNull();
  });

  it.each([
    ['nothing', '', 'not a map'],
    ['a number', '01', 'not a map'],
    ['a list', '91 80', 'not a map'],
    ['a map of the longest form', 'df 00000000', 'not a map'],
    ['bytes after the map', '80 c0', 'bytes follow'],
    ['bin', '81 a161 c4 01 00', '0xc4'],
    ['long bin', '81 a161 c6 ffffffff', '0xc6'],
    ['an extension', '81 a161 d4 00 00', '0xd4'],
    ['a record definition', '81 a161 d4 72 40', '0xd4'],
    ['a long extension', '81 a161 c9 ffffffff 74', '0xc9'],
    ['a timestamp', '81 a161 d6 ff 00000000', '0xd6'],
    ['the type that is never used', '81 a161 c1', '0xc1'],
    ['a 64-bit integer', '81 a161 cf 0000000000000001', '0xcf'],
    ['a negative 64-bit integer', '81 a161 d3 ffffffffffffffff', '0xd3'],
    ['a string of a 32-bit length', '81 a161 db ffffffff', '0xdb'],
    ['a list of a 32-bit count', '81 a161 dd ffffffff', '0xdd'],
    ['a string that ends too early', '81 a161 a2 78', 'ends within'],
    ['a length that ends too early', '81 a161 da 00', 'ends within'],
    ['a float that ends too early', '81 a161 cb 3ff00000', 'ends within'],
    ['an entry without a value', '81 a161', 'ends within'],
    ['a key that ends too early', '81 a261', 'ends within'],
    ['a list larger than the header', '81 a161 dc ffff 00', 'more elements'],
    ['a map larger than the header', '81 a161 8f 00', 'more entries'],
    ['a map of too many entries', `de 0021${'a16100'.repeat(33)}`, 'more than 32'],
    ['a map of 65,535 entries', 'de ffff', 'more than 32'],
    ['a key that is a number', '81 01 01', 'not a string'],
    ['a key that is empty', '81 a0 01', 'not a string'],
    ['a key that is a list', '81 90 01', 'not a string'],
    ['a long key', '81 d9 01 61 01', 'not a string'],
    ['__proto__', '81 a9 5f5f70726f746f5f5f 80', 'not a letter'],
    ['a key that is not ASCII', '81 a2 c3a9 01', 'not a letter'],
    ['a key twice', '82 a161 01 a161 02', 'twice'],
    ['a key twice, apart', '83 a26162 01 a26163 01 a26162 02', 'twice'],
  ])('may not have %s', (_, hex, fault) => {
    expect(invalidHeader(bytes(hex))).toContain(fault);
  });

  it('is nested as deep as the limit, not deeper', () => {
    const nested = (depth: number) => bytes(`81a161${'91'.repeat(depth - 1)}01`);
    expect(invalidHeader(nested(limits.headerDepthMax))).toBeNull();
    expect(invalidHeader(nested(limits.headerDepthMax + 1))).toContain('nested');
    expect(invalidHeader(nested(16_000))).toContain('nested');
    expect(invalidHeader(bytes(`${'81a161'.repeat(5000)}01`))).toContain('nested');
  });

  it('costs little, whatever it states', () => {
    const emptyMaps = bytes(`81a161dc3ff0${'80'.repeat(0x3ff0)}`);
    const lists = bytes(`81a161${'dc3f00'.repeat(5)}${'00'.repeat(0x3f00)}`);
    const keys = Buffer.concat(
      Array.from({ length: 31 }, (_, i) => Buffer.from([0xbf, ...Array(30).fill(97), i + 65, 1])),
    );
    for (const header of [emptyMaps, lists, Buffer.concat([Buffer.from([0xde, 0, 31]), keys])]) {
      const frame = Uint8Array.from([header.length & 255, header.length >> 8, ...header]);
      const before = process.memoryUsage();
      decodeFromWorker(frame);
      const after = process.memoryUsage();
      expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(4 * 1024 * 1024);
    }
  });
});
