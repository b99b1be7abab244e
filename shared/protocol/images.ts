/**
 * Images as they travel. Most images of digits are mostly zeros, so an image can travel as its other pixels, with masks
 * that say where they are. Digits of MNIST take a quarter of their pixels so. That is a tenth more than `deflate` makes of
 * them, in a tenth of its time, and within the call that needs the image.
 *
 *     image  := 0 uint8[pixels] | 1 groups mask* value*
 *     groups := uint8[ceil(pixels / 64)]       bit n % 8 of byte n / 8: whether the mask of pixels 8 n to 8 n + 7 is there
 *     mask   := uint8                          bit i: whether pixel 8 n + i has a value
 *     value  := uint8                          a pixel; those without a value are 0
 *
 * What this is not: it neither reads nor writes the numbers and labels of the samples. payload.ts does.
 */

const plain = 0;
const masked = 1;

/** How many bits of a byte are set. */
const ones = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);

/** The most bytes of an image, and the room that `packImage` needs. */
export function imageBytesMax(pixels: number): number {
  return 1 + groupBytes(pixels) + maskBytes(pixels) + pixels;
}

/** Writes an image at `at`, in the shorter form. Returns where it ends. `into` has room for the longest one. */
export function packImage(image: Uint8Array, into: Uint8Array, at: number): number {
  const end = packMasked(image, into, at);
  return end - at <= 1 + image.length ? end : packPlain(image, into, at);
}

/** Writes an image at `at` with all its pixels. Returns where it ends. */
export function packPlain(image: Uint8Array, into: Uint8Array, at: number): number {
  into[at] = plain;
  into.set(image, at + 1);
  return at + 1 + image.length;
}

/** Writes the values behind the room for all masks, and moves them behind those that there are. */
function packMasked(image: Uint8Array, into: Uint8Array, at: number): number {
  const groupsAt = at + 1;
  let maskAt = groupsAt + groupBytes(image.length);
  const valuesAt = maskAt + maskBytes(image.length);
  let valueAt = valuesAt;
  into[at] = masked;
  into.fill(0, groupsAt, maskAt);
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  for (let first = 0; first < image.length; first += 8) {
    const last = Math.min(first + 8, image.length);
    // Most of the masks are 0.
    if (first + 8 === last && (view.getInt32(first) | view.getInt32(first + 4)) === 0) continue;
    let mask = 0;
    for (let i = first; i < last; i++) {
      if (image[i] === 0) continue;
      mask |= 1 << (i - first);
      into[valueAt++] = image[i];
    }
    if (mask === 0) continue;
    into[groupsAt + (first >> 6)] |= 1 << ((first >> 3) & 7);
    into[maskAt++] = mask;
  }
  into.copyWithin(maskAt, valuesAt, valueAt);
  return maskAt + valueAt - valuesAt;
}

/** Reads the image at `at`, which `imageEnd` has found valid. Returns where it ends. */
export function unpackImage(from: Uint8Array, at: number, image: Uint8Array): number {
  if (from[at] === plain) {
    image.set(from.subarray(at + 1, at + 1 + image.length));
    return at + 1 + image.length;
  }
  image.fill(0);
  let maskAt = at + 1 + groupBytes(image.length);
  let valueAt = maskAt + masksIn(from, at, image.length);
  for (let first = 0; first < image.length; first += 8) {
    if ((from[at + 1 + (first >> 6)] & (1 << ((first >> 3) & 7))) === 0) continue;
    const mask = from[maskAt++];
    for (let i = 0; mask >> i !== 0; i++) if ((mask >> i) & 1) image[first + i] = from[valueAt++];
  }
  return valueAt;
}

/** Where the image at `at` ends; null if it does not end within `from`, or is none. */
export function imageEnd(from: Uint8Array, at: number, pixels: number): number | null {
  if (from[at] === plain) return within(from, at + 1 + pixels);
  const masksAt = at + 1 + groupBytes(pixels);
  if (from[at] !== masked || masksAt > from.length) return null;
  const valuesAt = masksAt + masksIn(from, at, pixels);
  if (valuesAt > from.length || reachesBeyond(from, at, pixels, valuesAt)) return null;
  let end = valuesAt;
  for (let i = masksAt; i < valuesAt; i++) end += ones[from[i]];
  return within(from, end);
}

function within(from: Uint8Array, end: number): number | null {
  return end <= from.length ? end : null;
}

function masksIn(from: Uint8Array, at: number, pixels: number): number {
  let masks = 0;
  for (let i = at + 1; i < at + 1 + groupBytes(pixels); i++) masks += ones[from[i]];
  return masks;
}

/** Whether a group or the last mask has a bit for a pixel that the image does not have. */
function reachesBeyond(from: Uint8Array, at: number, pixels: number, valuesAt: number): boolean {
  const masks = maskBytes(pixels);
  const lastGroup = from[at + groupBytes(pixels)];
  if (lastGroup >> (((masks - 1) & 7) + 1) !== 0) return true;
  const hasLastMask = (lastGroup >> ((masks - 1) & 7)) & 1;
  return hasLastMask === 1 && from[valuesAt - 1] >> (((pixels - 1) & 7) + 1) !== 0;
}

function maskBytes(pixels: number): number {
  return Math.ceil(pixels / 8);
}

function groupBytes(pixels: number): number {
  return Math.ceil(pixels / 64);
}
