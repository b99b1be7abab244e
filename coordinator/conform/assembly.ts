/** Puts the answer to one shard together from its messages. */
import type { Gradient } from '../../shared/protocol/messages.js';
import {
  invalidResultPayload,
  invalidTensorPayload,
  type LeasedWork,
  type PayloadContext,
  scoreBytes,
} from '../../shared/protocol/payload.js';
import { partAt, partsOf, unpackPart } from '../../shared/protocol/tensor.js';
import { sumFloats, tensorFloats } from '../../shared/work/kinds.js';

export class Assembly {
  /** The sum of the shard: the gradient, if this kind of work has one, followed by the score. */
  readonly sum: Float32Array;
  predictions = new Uint8Array(0);
  isWhole = false;
  private parts = 0;
  private readonly partsWanted: number;

  constructor(
    readonly shard: LeasedWork,
    private readonly context: PayloadContext,
  ) {
    this.sum = new Float32Array(sumFloats(shard.work, context.parameters));
    this.partsWanted = partsOf(tensorFloats(shard.work, context.parameters));
  }

  /** Adds a part of the gradient. Returns a sentence that says what is wrong with it, or null. */
  addPart(message: Gradient, payload: Uint8Array): string | null {
    if (message.part !== this.parts || this.parts >= this.partsWanted) {
      return `part ${message.part} of the gradient came where ${this.expected} should come`;
    }
    const fault = invalidTensorPayload(message, payload, this.context);
    if (fault !== null) return fault;
    const { first, count } = partAt(message.part, this.context.parameters);
    const target = new Uint8Array(this.sum.buffer, 4 * first, 4 * count);
    unpackPart(payload, count, { present: (from, bytes) => target.set(bytes, 4 * from), absent: () => {} });
    this.parts += 1;
    return null;
  }

  /** Adds the result. Returns a sentence that says what is wrong with it, or null if the answer is now complete. */
  finish(payload: Uint8Array): string | null {
    if (this.parts < this.partsWanted) return `the result came where ${this.expected} should come`;
    const fault = invalidResultPayload(payload, this.shard, this.context);
    if (fault !== null) return fault;
    new Uint8Array(this.sum.buffer).set(payload.subarray(0, scoreBytes), this.sum.byteLength - scoreBytes);
    this.predictions = payload.slice(scoreBytes);
    this.isWhole = true;
    return null;
  }

  private get expected(): string {
    return this.parts < this.partsWanted ? `part ${this.parts}` : 'the result';
  }
}
