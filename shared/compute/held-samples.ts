/** Which samples of a set a member holds already: a bit for each. */
export class HeldSamples {
  private readonly bits: Uint8Array;

  constructor(samples: number) {
    this.bits = new Uint8Array(Math.ceil(samples / 8));
  }

  /** Marks a sample as held; true when it was not before. */
  add(id: number): boolean {
    const byte = id >> 3;
    const bit = 1 << (id & 7);
    if ((this.bits[byte] & bit) !== 0) return false;
    this.bits[byte] |= bit;
    return true;
  }
}
