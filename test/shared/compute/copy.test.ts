/** Bytes are copied unchanged, whatever the alignment of source and target. */
import { expect, test } from 'vitest';
import { AlignedCopier } from '../../../shared/compute/copy.js';

test('copies into shared memory from and to any alignment', () => {
  const copier = new AlignedCopier();
  const source = Uint8Array.from({ length: 300 }, (_, i) => (i * 7) & 255);
  for (let from = 0; from < 9; from++) {
    for (let to = 0; to < 9; to++) {
      const shared = new Uint8Array(new SharedArrayBuffer(400), to, 200 + 10 * to);
      const at = 3 * to;
      const part = source.subarray(from, from + 100 + 5 * to);
      copier.copy(part, shared, at);
      expect([...shared.subarray(at, at + part.length)]).toEqual([...part]);
      expect([...shared.subarray(0, at), ...shared.subarray(at + part.length)].every((byte) => byte === 0)).toBe(true);
    }
  }
});
