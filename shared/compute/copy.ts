/**
 * Copies between ordinary and shared memory. Engines copy to and from shared memory word by word when both ends are
 * aligned alike, but byte by byte when they are not, which is several times slower; between ordinary memory any
 * alignment is fast. So a source that lies askew is first put right in ordinary memory.
 */
const WORD = 8;

export class AlignedCopier {
  /** Ordinary memory, as large as the largest source so far. */
  private straight = new Uint8Array(0);

  /** As `target.set(source, at)`; `target` is in shared memory, `source` is not. */
  copy(source: Uint8Array, target: Uint8Array, at: number): void {
    const shift = (target.byteOffset + at) % WORD;
    target.set(source.byteOffset % WORD === shift ? source : this.straighten(source, shift), at);
  }

  private straighten(source: Uint8Array, shift: number): Uint8Array {
    const bytes = source.length + WORD;
    if (this.straight.length < bytes) this.straight = new Uint8Array(bytes);
    const straight = this.straight.subarray(shift, shift + source.length);
    straight.set(source);
    return straight;
  }
}
