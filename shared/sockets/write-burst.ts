/**
 * Hands the frames of one turn of the event loop to the system together. A call for each frame would cost the sender a
 * fifth more system time, and wake the reader for little. But a reader that waits for a whole large model begins late,
 * so a burst has a limited length.
 */

/** One call hands over about this much well. The reader unpacks one burst while the next one is made. */
const BURST_BYTES = 256 * 1024;

/** The part of a Node stream that is needed here. */
export interface CorkableStream {
  cork(): void;
  uncork(): void;
}

export class WriteBurst {
  /** Bytes of the burst so far; null while there is no burst. */
  private bytes: number | null = null;

  constructor(
    private readonly stream: CorkableStream,
    /** Calls back when the writer is done, before any other event: `process.nextTick`. */
    private readonly afterwards: (call: () => void) => void,
  ) {}

  /** Call this before each write, with the number of bytes. */
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

  /** Hands over what there is, in the middle of a turn. */
  private hand(): void {
    this.stream.uncork();
    this.stream.cork();
    this.bytes = 0;
  }
}
