/**
 * Reads JPEG files. The library jpeg-js decodes the pixels: baseline and progressive, grey, colour and CMYK. This file reads
 * the header before it, to say clearly what the library cannot do, to bound the size, and to turn photos of telephones
 * upright.
 */
import { limits } from '../../shared/limits.js';
import { turned, uprightOf } from './orientation.js';
import { checkSize, MalformedPicture, type Picture } from './picture.js';

export function isJpeg(file: Uint8Array): boolean {
  return file[0] === 0xff && file[1] === 0xd8 && file[2] === 0xff;
}

/** Decodes a file. Rejects with `MalformedPicture`. */
export async function decodeJpeg(file: Uint8Array): Promise<Picture> {
  const orientation = orientationIn(file);
  // Loaded here, because few commands read a JPEG.
  const { decode } = await import('jpeg-js');
  try {
    const { width, height, data } = decode(file, {
      useTArray: true,
      maxResolutionInMP: limits.picturePixelsMax / 1e6,
      maxMemoryUsageInMB: limits.jpegMemoryMegabytesMax,
    });
    return turned({ width, height, rgba: data }, orientation);
  } catch (error) {
    // The library throws plain errors of its own. A TypeError is what it stumbles over when a table or a part is missing.
    const isOwn = error instanceof Error && error.constructor === Error;
    throw new MalformedPicture(`it is damaged: ${isOwn ? error.message : 'it lacks a part that it needs'}`);
  }
}

const marker = { startOfScan: 0xda, app1: 0xe1 };

/** The frames that the library decodes: baseline, extended, progressive. The others are lossless or arithmetic. */
const frames = { first: 0xc0, lastDecoded: 0xc2, last: 0xcf, others: [0xc4, 0xc8, 0xcc] };

/**
 * Reads the segments before the first pixels, and returns how the picture is to be turned (orientation.ts). Throws
 * `MalformedPicture` for a picture that is not to be decoded.
 */
function orientationIn(file: Uint8Array): number {
  let orientation = 1;
  let hasFrame = false;
  for (let at = 2; ; ) {
    // Any number of bytes 0xff may stand before a marker.
    while (file[at] === 0xff && file[at + 1] === 0xff) at++;
    if (file[at] !== 0xff || at + 4 > file.length) throw new MalformedPicture('it is truncated or damaged');
    const kind = file[at + 1];
    const end = at + 2 + ((file[at + 2] << 8) | file[at + 3]);
    const content = file.subarray(at + 4, end);
    if (kind === marker.startOfScan) break;
    if (end > file.length) throw new MalformedPicture('it is truncated');
    if (kind === marker.app1) orientation = uprightOf(content) ?? orientation;
    if (kind >= frames.first && kind <= frames.last && !frames.others.includes(kind)) {
      checkFrame(kind, content);
      hasFrame = true;
    }
    at = end;
  }
  if (!hasFrame) throw new MalformedPicture('it is damaged: nothing says how large it is');
  return orientation;
}

function checkFrame(kind: number, content: Uint8Array): void {
  if (kind > frames.lastDecoded) {
    throw new MalformedPicture('it is a JPEG of a rare kind (lossless or arithmetic): save it as an ordinary one');
  }
  const [precision, high, low, wideHigh, wideLow, components] = content;
  if (content.length < 6) throw new MalformedPicture('it is truncated');
  checkSize((wideHigh << 8) | wideLow, (high << 8) | low);
  if (precision !== 8) throw new MalformedPicture(`it has ${precision} bits per colour: save it with 8`);
  if (![1, 3, 4].includes(components)) throw new MalformedPicture(`it has ${components} colours: save it as RGB`);
}
