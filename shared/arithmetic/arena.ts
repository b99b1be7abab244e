/// <reference path="./webassembly/webassembly.d.ts" preserve="true" />
/**
 * Lays out a memory that never grows: first the regions, which are only addresses, then the memory that holds them.
 */
import { assert } from '../assert.js';
import type { Pointer } from './kernels.js';
import { reservedBytes } from './webassembly/binary.js';

/** A cache line: no two regions share one, so that threads do not slow each other down. */
const ALIGNMENT = 64;
const PAGE_BYTES = 65_536;
const PAGES_MAX = 65_536;

export class Arena {
  private end_ = reservedBytes;

  /** First byte that is not taken. */
  get end(): Pointer {
    return this.end_;
  }

  floats(length: number): Pointer {
    return this.bytes(4 * length);
  }

  uint32(length: number): Pointer {
    return this.bytes(4 * length);
  }

  bytes(length: number): Pointer {
    const at = this.end_;
    this.end_ += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
    return at;
  }

  /** The memory for all regions taken so far, filled with zeros. */
  createMemory(shared: boolean): WebAssembly.Memory {
    const pages = Math.ceil(this.end / PAGE_BYTES);
    assert(pages <= PAGES_MAX, pages, 'pages do not fit a memory');
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  }
}
