import { describe, expect, it } from 'vitest';
import { limits } from '../../../shared/limits.js';
import { PartialBuffers } from '../../../shared/pool/partials.js';

const PAGE_BYTES = 65_536;

/** Buffers of a page each, in a memory of at most `pagesMax` pages. */
function buffersIn(pagesMax: number) {
  const memory = {
    buffer: new ArrayBuffer(PAGE_BYTES),
    grow(bytes: number): void {
      const pages = Math.ceil((this.buffer.byteLength + bytes) / PAGE_BYTES);
      if (pages > pagesMax) throw new RangeError('no more pages');
      this.buffer = new ArrayBuffer(pages * PAGE_BYTES);
    },
  };
  return { memory, buffers: new PartialBuffers(memory, 64, PAGE_BYTES / 4) };
}

describe('buffers for partial sums', () => {
  it('do not overlap, and are used again', () => {
    const { memory, buffers } = buffersIn(100);
    const acquired = Array.from({ length: 20 }, () => buffers.acquire()).sort((a, b) => a - b);
    acquired.forEach((at, i) => {
      if (i > 0) expect(at - acquired[i - 1]).toBeGreaterThanOrEqual(PAGE_BYTES);
    });
    expect(memory.buffer.byteLength).toBeGreaterThanOrEqual((acquired.at(-1) ?? 0) + PAGE_BYTES);
    for (const at of acquired) buffers.release(at);
    const size = memory.buffer.byteLength;
    for (let i = 0; i < 20; i++) expect(acquired).toContain(buffers.acquire());
    expect(memory.buffer.byteLength).toBe(size);
  });

  it('let the memory grow seldom', () => {
    const { memory, buffers } = buffersIn(200);
    const sizes = new Set(Array.from({ length: 100 }, () => buffers.acquire() && memory.buffer.byteLength));
    expect(sizes.size).toBeLessThanOrEqual(6);
  });

  it('have room for many steps once they are prepared: the memory grows no more', () => {
    const { memory, buffers } = buffersIn(200);
    buffers.prepare();
    expect(buffers.inUse).toBe(0);
    const { buffer } = memory;
    for (let i = 0; i < limits.partialsPrepared; i++) buffers.acquire();
    expect(memory.buffer).toBe(buffer);
  });

  it('use what is left when several more do not fit, and then say so', () => {
    const { buffers } = buffersIn(11);
    for (let i = 0; i < 10; i++) buffers.acquire();
    expect(() => buffers.acquire()).toThrow(/no memory for another partial sum/);
  });
});
