import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { littleEndianBytes } from '../../../coordinator/archive/floats.js';
import { type Contents, decode, encodeHeader, MalformedFile } from '../../../coordinator/archive/safetensors.js';
import { limits } from '../../../shared/limits.js';

const contents: fc.Arbitrary<Contents> = fc.record({
  tensors: fc
    .uniqueArray(fc.string({ minLength: 1 }).filter((name) => name !== '__metadata__' && name !== '__proto__'))
    .chain((names) =>
      fc.tuple(
        ...names.map((name) =>
          fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }).chain((shape) => {
            const length = shape.reduce((a, b) => a * b, 1);
            return fc.float32Array({ minLength: length, maxLength: length }).map((values) => ({ name, shape, values }));
          }),
        ),
      ),
    ),
  metadata: fc.dictionary(fc.string(), fc.string()).map((metadata) => ({ ...metadata })),
});

/** Makes a whole file. */
function encode({ tensors, metadata }: Contents): Uint8Array {
  return Buffer.concat([encodeHeader(tensors, metadata), ...tensors.map(({ values }) => littleEndianBytes(values))]);
}

const sample = encode({
  tensors: [
    { name: 'layers.0.weight', shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) },
    { name: 'layers.0.bias', shape: [3], values: Float32Array.of(-0, 1e-42, 9) },
  ],
  metadata: { step: '469', note: 'é "quoted"' },
});

/** Makes a file with this header, without padding. */
function fileOf(header: unknown, dataBytes: number): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
}

const entry = (begin: number, end: number, shape: unknown = [(end - begin) / 4], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('safetensors', () => {
  it('gives back what was encoded, bit for bit', () => {
    fc.assert(
      fc.property(contents, (original) => {
        const { tensors, metadata } = decode(encode(original));
        expect({ ...metadata }).toEqual({ ...original.metadata });
        const bits = ({ name, shape, values }: Contents['tensors'][number]) => ({
          name,
          shape,
          bits: [...new Uint32Array(values.buffer, values.byteOffset, values.length)],
        });
        expect(tensors.map(bits)).toEqual(original.tensors.map(bits));
      }),
    );
  });

  it('begins the data at a multiple of eight bytes, after spaces', () => {
    const length = Number(Buffer.from(sample).readBigUInt64LE());
    expect(length % 8).toBe(0);
    expect(sample.length).toBe(8 + length + 36);
    expect(Buffer.from(sample).toString('utf8', 8, 8 + length)).toMatch(/^\{.*\} *$/);
  });

  it('reads tensors at any alignment and in any order of names', () => {
    const data = Buffer.from(Float32Array.of(7, 8).buffer);
    const file = Buffer.concat([fileOf({ b: entry(4, 8), a: entry(0, 4) }, 0), data]);
    const shifted = Buffer.concat([Buffer.alloc(1), file]).subarray(1);
    expect(decode(shifted).tensors.map(({ name, values }) => [name, ...values])).toEqual([
      ['a', 7],
      ['b', 8],
    ]);
  });

  it('refuses a file cut off at any byte', () => {
    for (let length = 0; length < sample.length; length++) {
      expect(() => decode(sample.subarray(0, length)), `${length} bytes`).toThrow(MalformedFile);
    }
  });

  it('refuses or reads whatever bytes it is given, and fails in no other way', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(sample.length - 1), (bytes, at) => {
        for (const file of [bytes, fileOf(Buffer.from(bytes).toString('latin1'), 8), spliced(bytes, at)]) {
          try {
            decode(file);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedFile);
          }
        }
      }),
    );
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['a header longer than the limit', hugeHeader(), /more than/],
    ['a header that is not JSON', fileOf('{"a"', 0), /not JSON/],
    ['a header that is not UTF-8', Buffer.concat([fileOf('', 0).subarray(0, 0), badUtf8()]), /not JSON/],
    ['a header that is a list', fileOf([], 0), /not a JSON object/],
    ['metadata that are not strings', fileOf({ __metadata__: { a: 1 } }, 0), /__metadata__/],
    ['another dtype', fileOf({ a: entry(0, 4, [1], 'F64') }, 4), /dtype F32/],
    ['an unknown field', fileOf({ a: { ...entry(0, 4), more: 1 } }, 4), /nothing else/],
    ['a missing field', fileOf({ a: { dtype: 'F32', shape: [1] } }, 4), /must have/],
    ['a negative extent', fileOf({ a: entry(0, 4, [-1, -1]) }, 4), /shape/],
    ['an extent that is no whole number', fileOf({ a: entry(0, 4, [0.5, 2]) }, 4), /shape/],
    ['extents whose product is not exact', fileOf({ a: entry(0, 4, [2 ** 52, 2 ** 52, 2 ** 52]) }, 4), /contradict/],
    ['a shape of too many axes', fileOf({ a: entry(0, 4, Array(9).fill(1)) }, 4), /shape/],
    ['offsets that run backwards', fileOf({ a: entry(4, 0, [1]) }, 4), /contradict/],
    ['a shape that needs more bytes', fileOf({ a: entry(0, 4, [2]) }, 4), /contradict/],
    ['tensors that overlap', fileOf({ a: entry(0, 8), b: entry(4, 12) }, 12), /does not begin where/],
    ['a gap between tensors', fileOf({ a: entry(0, 4), b: entry(8, 12) }, 12), /does not begin where/],
    ['a tensor beyond the end', fileOf({ a: entry(0, 8) }, 4), /need 8 bytes/],
    ['bytes that belong to no tensor', fileOf({ a: entry(0, 4) }, 8), /need 4 bytes/],
  ])('refuses %s', (_, file, reason) => {
    expect(() => decode(file)).toThrow(MalformedFile);
    expect(() => decode(file)).toThrow(reason);
  });

  it.skipIf(!hasNumpy())('is read by NumPy (skipped where Python or NumPy is missing)', () => {
    const directory = mkdtempSync(join(tmpdir(), 'lockstep-safetensors-'));
    const path = join(directory, 'sample.safetensors');
    writeFileSync(path, sample);
    const { stdout, stderr } = spawnSync('python3', ['-c', numpyReader, path], { encoding: 'utf8' });
    rmSync(directory, { recursive: true });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      __metadata__: { step: '469', note: 'é "quoted"' },
      'layers.0.weight': [
        [1, 2, 3],
        [4, 5, 6],
      ],
      'layers.0.bias': [-0, Math.fround(1e-42), 9],
    });
  });
});

function spliced(bytes: Uint8Array, at: number): Uint8Array {
  const file = Buffer.from(sample);
  file.set(bytes.subarray(0, Math.min(8, file.length - at)), at);
  return file;
}

function hugeHeader(): Uint8Array {
  const file = Buffer.alloc(16);
  file.writeBigUInt64LE(BigInt(limits.safetensorsHeaderBytesMax) + 1n);
  return file;
}

function badUtf8(): Uint8Array {
  const file = Buffer.from(fileOf('{"aaaa":1}', 0));
  file[10] = 0xff;
  return file;
}

function hasNumpy(): boolean {
  return spawnSync('python3', ['-c', 'import numpy']).status === 0;
}

/** A reader in Python, written from the description of the format. */
const numpyReader = `
import json, struct, sys, numpy
file = open(sys.argv[1], 'rb').read()
length = struct.unpack('<Q', file[:8])[0]
header = json.loads(file[8:8 + length])
data = file[8 + length:]
out = {'__metadata__': header.pop('__metadata__')}
for name, tensor in header.items():
    begin, end = tensor['data_offsets']
    out[name] = numpy.frombuffer(data[begin:end], '<f4').astype(float).reshape(tensor['shape']).tolist()
print(json.dumps(out))
`;
