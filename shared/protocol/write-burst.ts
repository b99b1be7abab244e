/**
 * Has the frames of a turn handed to the system together. Each by itself costs a call, and wakes the reader up for
 * little; but a reader that waits for all of a large model would begin late, so a burst has a length.
 */

/** About as much as one call hands over well; the reader unpacks one burst while the next one is made. */
const BURST_BYTES = 256 * 1024;

/** The part of a Node stream that is needed here. */
export interface CorkableStream {
  cork(): void;
  uncork(): void;
}

export class WriteBurst {
  /** Bytes of the burst so far; null while there is none. */
  private bytes: number | null = null;

  constructor(
    private readonly stream: CorkableStream,
    /** Calls back when whoever writes is done, before anything else happens: `process.nextTick`. */
    private readonly afterwards: (call: () => void) => void,
  ) {}

  /** To be called when so many bytes are about to be written. */
  add(bytes: number): void {
    if (this.bytes === null) this.begin();
    else if (this.bytes > BURST_BYTES) this.hand();
    this.bytes = (this.bytes ?? 0) + bytes;
  }

  private begin(): void {
    this.stream.cork();
    this.bytes = 0;
    this.afterwards(() => {
      this.bytes = null;
      this.stream.uncork();
    });
  }

  /** Hands over what there is, in the middle of the turn. */
  private hand(): void {
    this.stream.uncork();
    this.stream.cork();
    this.bytes = 0;
  }
}
