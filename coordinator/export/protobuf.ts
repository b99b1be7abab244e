/**
 * Writes the wire format of Protocol Buffers, as far as ONNX files need it. A message is the bytes of its fields, one
 * after the other. A field begins with its number and the type of what follows.
 *
 * Every function returns a list of pieces, so that the bytes of large tensors are not copied from message to message.
 */

export type Pieces = readonly Uint8Array[];

const wireType = { varint: 0, bytes: 2, fixed32: 5 } as const;

/** A number of seven bits per byte, the lowest bits first. All but the last byte have their highest bit set. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  // Not by shifts: they are for numbers below 2^32.
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.of(...bytes, rest);
}

function tag(field: number, type: number): Uint8Array {
  return varint(8 * field + type);
}

/** A whole number that is not negative. */
export function varintField(field: number, value: number): Pieces {
  return [tag(field, wireType.varint), varint(value)];
}

/** A float32. */
export function floatField(field: number, value: number): Pieces {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return [tag(field, wireType.fixed32), bytes];
}

export function bytesField(field: number, bytes: Uint8Array): Pieces {
  return messageField(field, [bytes]);
}

export function textField(field: number, text: string): Pieces {
  return bytesField(field, Buffer.from(text));
}

/** A message within a message. */
export function messageField(field: number, pieces: Pieces): Pieces {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return [tag(field, wireType.bytes), varint(length), ...pieces];
}

/** A list of whole numbers that are not negative. */
export function packedField(field: number, values: readonly number[]): Pieces {
  return messageField(field, values.map(varint));
}
