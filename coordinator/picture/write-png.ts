/** Writes PNG files: 8 bits per sample, grey or in colour, without filters. */
import { crc32, deflateSync } from 'node:zlib';

/** `pixels` has one byte per pixel, or three: red, green and blue. */
export function encodePng(width: number, height: number, pixels: Uint8Array): Uint8Array {
  const samples = pixels.length / (width * height);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  header[9] = samples === 1 ? 0 : 2;
  const lineBytes = samples * width;
  // Each line begins with the number of its filter, 0 for none.
  const lines = Buffer.alloc((lineBytes + 1) * height);
  for (let y = 0; y < height; y++)
    lines.set(pixels.subarray(y * lineBytes, (y + 1) * lineBytes), y * (lineBytes + 1) + 1);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
