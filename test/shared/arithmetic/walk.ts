/** Reads a WebAssembly binary: lists its sections, and visits every opcode of its code. */

export interface Section {
  readonly id: number;
  readonly content: Uint8Array;
}

const CODE_SECTION = 10;
/** The first opcode of relaxed SIMD. All higher opcodes with the SIMD prefix are relaxed SIMD, too. */
export const RELAXED_FIRST = 0x100;
export const SIMD_PREFIX = 0xfd;

export function sections(binary: Uint8Array): Section[] {
  const reader = new Reader(binary, 8);
  const list: Section[] = [];
  while (!reader.done) {
    const id = reader.byte();
    list.push({ id, content: reader.take(reader.leb()) });
  }
  return list;
}

/** Calls `visit` for every instruction with its first byte and with the number after a prefix byte, otherwise 0. */
export function walkCode(binary: Uint8Array, visit: (opcode: number, sub: number) => void): void {
  const code = sections(binary).find(({ id }) => id === CODE_SECTION);
  if (!code) throw new Error('no code');
  const reader = new Reader(code.content, 0);
  for (let functions = reader.leb(); functions > 0; functions--) {
    const body = new Reader(reader.take(reader.leb()), 0);
    for (let groups = body.leb(); groups > 0; groups--) {
      body.leb();
      body.byte();
    }
    while (!body.done) instruction(body, visit);
  }
}

function instruction(body: Reader, visit: (opcode: number, sub: number) => void): void {
  const opcode = body.byte();
  const prefixed = opcode === SIMD_PREFIX || opcode === 0xfc;
  const sub = prefixed ? body.leb() : 0;
  visit(opcode, sub);
  if (opcode === SIMD_PREFIX) simdOperands(body, sub);
  else if (opcode === 0xfc) bulkOperands(body, sub);
  else operands(body, opcode);
}

function operands(body: Reader, opcode: number): void {
  const between = (first: number, last: number) => opcode >= first && opcode <= last;
  const none = between(0x00, 0x01) || opcode === 0x05 || opcode === 0x0b || opcode === 0x0f;
  if (none || between(0x1a, 0x1b) || between(0x45, 0xc4)) return;
  if (between(0x02, 0x04) || between(0x0c, 0x0d) || opcode === 0x10 || between(0x20, 0x24)) body.leb();
  else if (opcode === 0x0e) for (let targets = body.leb(); targets >= 0; targets--) body.leb();
  else if (between(0x28, 0x3e)) memoryOperand(body);
  else if (between(0x3f, 0x42)) body.leb();
  else if (opcode === 0x43) body.take(4);
  else if (opcode === 0x44) body.take(8);
  else throw new Error(`opcode 0x${opcode.toString(16)} is not one that this test knows`);
}

function simdOperands(body: Reader, sub: number): void {
  if (sub <= 11 || sub === 92 || sub === 93) memoryOperand(body);
  else if (sub === 12 || sub === 13) body.take(16);
  else if (sub >= 21 && sub <= 34) body.byte();
  else if (sub >= 84 && sub <= 91) {
    memoryOperand(body);
    body.byte();
  }
}

function bulkOperands(body: Reader, sub: number): void {
  if (sub <= 7) return;
  if (sub === 10) body.take(2);
  else if (sub === 11) body.byte();
  else throw new Error(`opcode 0xfc ${sub} is not one that this test knows`);
}

function memoryOperand(body: Reader): void {
  body.leb();
  body.leb();
}

class Reader {
  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
  ) {}

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    if (this.done) throw new Error('the binary ends too early');
    return this.bytes[this.at++];
  }

  take(length: number): Uint8Array {
    const part = this.bytes.subarray(this.at, this.at + length);
    if (part.length !== length) throw new Error('the binary ends too early');
    this.at += length;
    return part;
  }

  /** Reads a LEB128 number. It is also used for signed constants, because only their length matters. */
  leb(): number {
    let value = 0;
    for (let weight = 1; ; weight *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * weight;
      if (!(byte & 0x80)) return value;
    }
  }
}
