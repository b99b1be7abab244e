/** The memory of a kernel case: operands that follow from a seed, and results with margins that must not change. */

import { type KernelMemory, type KernelSizes, memoryStart } from '../../../shared/arithmetic/backend.js';
import type { ConvSizes } from '../../../shared/arithmetic/conv-sizes.js';
import type { Kernels, Pointer } from '../../../shared/arithmetic/kernels.js';
import { Random } from '../../../shared/random.js';

/** A backend's memory of at least `caseBytes` bytes, and the backend's sizes. */
export interface Implementation {
  readonly memory: KernelMemory;
  readonly sizes: KernelSizes;
}

export interface KernelCase {
  readonly name: string;
  run(implementation: Implementation): Uint8Array;
}

/** The sizes of a dense layer. */
export interface Layer {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** The bytes that the largest case needs. */
export const caseBytes = 24 * 1024 * 1024;

/** Places the operands and results of one case one after the other. The results are collected in this order. */
export class Workspace {
  private end: Pointer = memoryStart;
  private readonly outputs: [Pointer, number][] = [];
  readonly random: Random;

  constructor(
    readonly memory: KernelMemory,
    readonly sizes: KernelSizes,
    seed: number,
  ) {
    this.random = new Random(seed);
  }

  /** Bytes with a pattern that no kernel writes. So the test sees if a kernel writes a byte too many or too few. */
  room(bytes: number): Pointer {
    const at = this.end;
    this.end += Math.ceil(bytes / 16) * 16;
    new Uint8Array(this.memory.buffer, at, this.end - at).fill(0x5a);
    return at;
  }

  floats(length: number): Float32Array {
    return new Float32Array(this.memory.buffer, this.room(4 * length), length);
  }

  /** Room for a result, with a margin on both sides that must not change. */
  output(bytes: number): Pointer {
    const at = this.room(bytes + 32) + 16;
    this.outputs.push([at - 16, bytes + 32]);
    return at;
  }

  /** Room for a result that already contains these values. */
  outputOf(values: Float32Array): Pointer {
    const at = this.output(values.byteLength);
    new Float32Array(this.memory.buffer, at, values.length).set(values);
    return at;
  }

  put(values: ArrayLike<number>): Pointer {
    const view = this.floats(values.length);
    view.set(values);
    return view.byteOffset;
  }

  bytes(length: number, limit: number): Pointer {
    const at = this.room(length);
    const view = new Uint8Array(this.memory.buffer, at, length);
    for (let i = 0; i < length; i++) view[i] = this.random.below(limit);
    return at;
  }

  /** Random numbers. The share `zeros` is +0 or -0. A few numbers are subnormal, or have subnormal products. */
  numbers(length: number, zeros = 0): Pointer {
    return this.put(this.values(length, zeros));
  }

  values(length: number, zeros = 0): Float32Array {
    const { random } = this;
    return Float32Array.from({ length }, () => {
      const value = 4 * random.uniform() - 2;
      if (random.uniform() < zeros) return value < 0 ? -0 : 0;
      const kind = random.below(64);
      return kind === 0 ? value * 2 ** -130 : kind === 1 ? value * 2 ** -72 : value;
    });
  }

  /** Scratch memory, followed by a margin that must not change. */
  scratch({ rows, inputs, outputs }: Layer): Pointer {
    return this.scratchOf(this.sizes.scratchFloats(rows, inputs, outputs));
  }

  convScratch(sizes: ConvSizes): Pointer {
    return this.scratchOf(this.sizes.convScratchFloats(sizes));
  }

  private scratchOf(floats: number): Pointer {
    const at = this.room(4 * floats);
    this.output(0);
    return at;
  }

  results(): Uint8Array {
    const total = this.outputs.reduce((sum, [, bytes]) => sum + bytes, 0);
    const all = new Uint8Array(total);
    let at = 0;
    for (const [from, bytes] of this.outputs) {
      all.set(new Uint8Array(this.memory.buffer, from, bytes), at);
      at += bytes;
    }
    return all;
  }
}

/** A case whose operands follow from `seed`. */
export function kernelCase(name: string, seed: number, body: (kernels: Kernels, space: Workspace) => void): KernelCase {
  return {
    name,
    run({ memory, sizes }) {
      const space = new Workspace(memory, sizes, seed);
      body(memory.kernels, space);
      return space.results();
    },
  };
}
