/**
 * Copies between ordinary and shared memory. Engines copy to and from shared memory word by word if source and target
 * have the same alignment. If not, they copy byte by byte, which is several times slower. Between ordinary memory, any
 * alignment is fast. So a source with another alignment is first copied within ordinary memory.
 */
const WORD = 8;

export class AlignedCopier {
  /** Ordinary memory, as large as the largest source so far. */
  private aligned = new Uint8Array(0);

  /** Like `target.set(source, at)`. `target` is in shared memory, `source` is not. */
  copy(source: Uint8Array, target: Uint8Array, at: number): void {
    const shift = (target.byteOffset + at) % WORD;
    target.set(source.byteOffset % WORD === shift ? source : this.align(source, shift), at);
  }

  private align(source: Uint8Array, shift: number): Uint8Array {
    const bytes = source.length + WORD;
    if (this.aligned.length < bytes) this.aligned = new Uint8Array(bytes);
    const aligned = this.aligned.subarray(shift, shift + source.length);
    aligned.set(source);
    return aligned;
  }
}
