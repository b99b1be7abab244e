/**
 * Reads PNG files (ISO/IEC 15948): all colour types, depths and interlacing. Colour profiles and gamma are ignored. The
 * header says how many bytes the pixels take when they are decompressed, and decompression stops there: a small file
 * cannot fill the memory. That, and that zlib is in Node anyway, is why no library does this.
 */
import { crc32, inflateSync } from 'node:zlib';
import { printableOf } from '../../shared/text.js';
import { checkSize, MalformedPicture, type Picture } from './picture.js';

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

export function isPng(file: Uint8Array): boolean {
  return signature.every((byte, i) => file[i] === byte);
}

interface Header {
  readonly width: number;
  readonly height: number;
  /** Bits of one sample. */
  readonly depth: number;
  readonly kind: Kind;
  readonly isInterlaced: boolean;
}

/** A colour type. Each is a number of samples per pixel, and the depths that it may have. */
interface Kind {
  readonly name: 'grey' | 'rgb' | 'palette' | 'grey-alpha' | 'rgb-alpha';
  readonly samples: number;
  readonly depths: readonly number[];
}

const kinds: Readonly<Record<number, Kind>> = {
  0: { name: 'grey', samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { name: 'rgb', samples: 3, depths: [8, 16] },
  3: { name: 'palette', samples: 1, depths: [1, 2, 4, 8] },
  4: { name: 'grey-alpha', samples: 2, depths: [8, 16] },
  6: { name: 'rgb-alpha', samples: 4, depths: [8, 16] },
};

/** Decodes a file. Throws `MalformedPicture`. */
export function decodePng(file: Uint8Array): Picture {
  const chunks = chunksOf(file);
  const header = parseHeader(chunks.header);
  const { width, height } = header;
  const passes = passesOf(header);
  const lines = inflate(chunks.data, passes);
  const rgba = new Uint8Array(4 * width * height);
  const painter = painterOf(header, chunks);
  let at = 0;
  for (const pass of passes) {
    unfilter(lines.subarray(at, at + pass.bytes), pass, Math.max(1, bitsPerPixel(header) / 8));
    for (let y = 0; y < pass.rows; y++) {
      const line = lines.subarray(at + 1, at + pass.lineBytes);
      const row = (pass.y + y * pass.dy) * width;
      for (let x = 0; x < pass.columns; x++) painter(line, x, rgba, 4 * (row + pass.x + x * pass.dx));
      at += pass.lineBytes;
    }
  }
  return { width, height, rgba };
}

interface Chunks {
  readonly header: Uint8Array;
  readonly palette: Uint8Array;
  /** The content of tRNS: the alphas of the palette, or the colour that is transparent. */
  readonly transparency: Uint8Array;
  readonly data: Uint8Array;
}

function chunksOf(file: Uint8Array): Chunks {
  const empty: Uint8Array = new Uint8Array();
  const found = { IHDR: empty, PLTE: empty, tRNS: empty };
  const data: Uint8Array[] = [];
  let at = signature.length;
  for (let type = ''; type !== 'IEND'; ) {
    const chunk = chunkAt(file, at);
    type = chunk.type;
    at = chunk.end;
    if (found.IHDR.length === 0 && type !== 'IHDR') throw new MalformedPicture(`it begins with ${type} and not IHDR`);
    if (type === 'IDAT') data.push(chunk.content);
    else if (Object.hasOwn(found, type)) found[type as keyof typeof found] = chunk.content;
  }
  return { header: found.IHDR, palette: found.PLTE, transparency: found.tRNS, data: Buffer.concat(data) };
}

/** A chunk is a length, a type, a content, and a checksum of the two. */
function chunkAt(file: Uint8Array, at: number): { type: string; content: Uint8Array; end: number } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (at + 12 > file.length) throw truncated();
  const end = at + 12 + view.getUint32(at);
  if (end > file.length) throw truncated();
  const type = printableOf(Buffer.from(file.subarray(at + 4, at + 8)).toString('latin1'), 4);
  if (crc32(file.subarray(at + 4, end - 4)) === view.getUint32(end - 4)) {
    return { type, content: file.subarray(at + 8, end - 4), end };
  }
  throw new MalformedPicture(`its part ${type} is damaged: its checksum is wrong`);
}

function parseHeader(bytes: Uint8Array): Header {
  if (bytes.length !== 13) throw new MalformedPicture(`its header has ${bytes.length} bytes instead of 13`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  checkSize(width, height);
  const [depth, type, compression, filter, interlacing] = bytes.subarray(8);
  const kind = kinds[type];
  if (kind?.depths.includes(depth) && compression === 0 && filter === 0 && interlacing <= 1) {
    return { width, height, depth, kind, isInterlaced: interlacing === 1 };
  }
  const fields = [depth, type, compression, filter, interlacing].join(', ');
  throw new MalformedPicture(`its header has an invalid depth, colour type or method (${fields})`);
}

/** The pixels of one pass: every dx-th column from x on, of every dy-th row from y on. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  readonly columns: number;
  readonly rows: number;
  /** Bytes of a line with the byte of its filter, and of all lines. */
  readonly lineBytes: number;
  readonly bytes: number;
}

const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

function passesOf(header: Header): Pass[] {
  const passes = header.isInterlaced ? adam7 : ([[0, 0, 1, 1]] as const);
  return passes
    .map(([x, y, dx, dy]) => {
      const columns = Math.max(0, Math.ceil((header.width - x) / dx));
      const rows = columns === 0 ? 0 : Math.max(0, Math.ceil((header.height - y) / dy));
      const lineBytes = 1 + Math.ceil((columns * bitsPerPixel(header)) / 8);
      return { x, y, dx, dy, columns, rows, lineBytes, bytes: rows * lineBytes };
    })
    .filter(({ rows }) => rows > 0);
}

function bitsPerPixel({ depth, kind }: Header): number {
  return depth * kind.samples;
}

function inflate(data: Uint8Array, passes: readonly Pass[]): Uint8Array {
  const wanted = passes.reduce((sum, { bytes }) => sum + bytes, 0);
  let lines: Uint8Array;
  try {
    lines = inflateSync(data, { maxOutputLength: wanted });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'Z_BUF_ERROR') throw truncated();
    if (code === 'ERR_BUFFER_TOO_LARGE') throw new MalformedPicture('it has more pixels than its header says');
    throw new MalformedPicture('its pixels are damaged: they cannot be decompressed');
  }
  if (lines.length < wanted) throw truncated();
  return lines;
}

function truncated(): MalformedPicture {
  return new MalformedPicture('it is truncated');
}

/** Undoes the filters of a pass's lines, in place. A byte was stored as its difference to bytes before and above it. */
function unfilter(lines: Uint8Array, { rows, lineBytes }: Pass, pixelBytes: number): void {
  let above: Uint8Array = new Uint8Array(lineBytes - 1);
  for (let row = 0; row < rows; row++) {
    const filter = lines[row * lineBytes];
    const line = lines.subarray(row * lineBytes + 1, (row + 1) * lineBytes);
    const predict = predictors[filter];
    if (predict === undefined) throw new MalformedPicture(`line ${row} has an unknown filter, ${filter}`);
    for (let i = 0; i < line.length; i++) {
      const before = i - pixelBytes;
      line[i] += before < 0 ? predict(0, above[i], 0) : predict(line[before], above[i], above[before]);
    }
    above = line;
  }
}

const predictors: readonly ((left: number, above: number, corner: number) => number)[] = [
  () => 0,
  (left) => left,
  (_, above) => above,
  (left, above) => (left + above) >> 1,
  paeth,
];

/** Of left, above and corner, the one nearest to left + above - corner. */
function paeth(left: number, above: number, corner: number): number {
  const [toLeft, toAbove] = [Math.abs(above - corner), Math.abs(left - corner)];
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

/** Writes pixel `x` of a line to four bytes of `rgba`. */
type Painter = (line: Uint8Array, x: number, rgba: Uint8Array, to: number) => void;

function painterOf({ depth, kind }: Header, { palette, transparency }: Chunks): Painter {
  const sample = readers[depth];
  const most = 2 ** depth - 1;
  const byte = (value: number) => (depth === 16 ? value >> 8 : (255 * value) / most);
  const { samples } = kind;
  const isGrey = kind.name === 'grey' || kind.name === 'grey-alpha';
  const colours = isGrey ? 1 : 3;
  if (kind.name === 'palette') return palettePainter(sample, palette, transparency);
  const key = keyOf(transparency, colours);
  return (line, x, rgba, to) => {
    let isKey = key.length > 0;
    for (let c = 0; c < 3; c++) {
      const value = sample(line, samples * x + (isGrey ? 0 : c));
      rgba[to + c] = byte(value);
      isKey &&= value === key[isGrey ? 0 : c];
    }
    const alpha = samples > colours ? byte(sample(line, samples * x + colours)) : 255;
    rgba[to + 3] = isKey ? 0 : alpha;
  };
}

function palettePainter(sample: Reader, palette: Uint8Array, alphas: Uint8Array): Painter {
  return (line, x, rgba, to) => {
    const colour = sample(line, x);
    if (3 * colour + 3 > palette.length) throw new MalformedPicture(`its palette has no colour ${colour}`);
    for (let c = 0; c < 3; c++) rgba[to + c] = palette[3 * colour + c];
    rgba[to + 3] = alphas[colour] ?? 255;
  };
}

/** The colour that is transparent, two bytes for each of its samples. Empty if there is none. */
function keyOf(transparency: Uint8Array, colours: number): number[] {
  if (transparency.length !== 2 * colours) return [];
  return Array.from({ length: colours }, (_, i) => (transparency[2 * i] << 8) | transparency[2 * i + 1]);
}

/** Reads sample `i` of a line. */
type Reader = (line: Uint8Array, i: number) => number;

const readers: Readonly<Record<number, Reader>> = {
  1: packed(1),
  2: packed(2),
  4: packed(4),
  8: (line, i) => line[i],
  16: (line, i) => (line[2 * i] << 8) | line[2 * i + 1],
};

/** Several samples in a byte, the first one in its highest bits. */
function packed(depth: number): Reader {
  const perByte = 8 / depth;
  return (line, i) => (line[Math.floor(i / perByte)] >> (8 - depth * (1 + (i % perByte)))) & (2 ** depth - 1);
}
