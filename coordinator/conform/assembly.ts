/** Puts the answer to one shard together from its messages. */
import { TreeSum } from '../../shared/pool/tree-sum.js';
import type { Gradient } from '../../shared/protocol/messages.js';
import { invalidGradientPayload, invalidResultPayload, scoreBytes } from '../../shared/protocol/payload.js';
import { type LeasedWork, routeOf, type SumRoute } from '../../shared/protocol/route.js';
import { partAt } from '../../shared/protocol/tensor.js';
import { sumFloats } from '../../shared/work/kinds.js';
import type { Oracle } from './oracle.js';

export class Assembly {
  /** The sum of the shard: the gradient, if this kind of work has one, followed by the score. */
  readonly sum: Float32Array;
  predictions = new Uint8Array(0);
  isWhole = false;
  private parts = 0;
  private readonly route: SumRoute;
  /** The tensors that have come, or are coming: the gradient of the shard, or of each of its slots. */
  private readonly tensors: Float32Array[] = [];

  /** The oracle's memory is used to decode parts. */
  constructor(
    readonly shard: LeasedWork,
    private readonly oracle: Oracle,
  ) {
    const { context, parameters } = oracle.workspace;
    this.sum = new Float32Array(sumFloats(shard.work, parameters));
    this.route = routeOf(shard, context);
  }

  /** Adds a part of the gradient. Returns a sentence that says what is wrong with it, or null. */
  addPart(message: Gradient, payload: Uint8Array): string | null {
    const { route, oracle } = this;
    const { context, parameters } = oracle.workspace;
    if (message.part !== this.parts || this.parts >= route.parts) {
      return `part ${message.part} of the gradient came where ${this.expected} should come`;
    }
    const fault = invalidGradientPayload(message, payload, route, context);
    if (fault !== null) return fault;
    const part = message.part % route.partsOfTensor;
    if (part === 0) this.tensors.push(new Float32Array(parameters));
    const { first } = partAt(part, parameters);
    this.tensors[this.tensors.length - 1].set(oracle.unpack(part, payload, route.coding), first);
    this.parts += 1;
    return null;
  }

  /** Adds the result. Returns a sentence that says what is wrong with it, or null if the answer is now complete. */
  finish(payload: Uint8Array): string | null {
    if (this.parts < this.route.parts) return `the result came where ${this.expected} should come`;
    const fault = invalidResultPayload(payload, this.shard, this.oracle.workspace.context);
    if (fault !== null) return fault;
    if (this.tensors.length > 0) this.sum.set(this.tensors[this.addTensors()]);
    new Uint8Array(this.sum.buffer).set(payload.subarray(0, scoreBytes), this.sum.byteLength - scoreBytes);
    this.predictions = payload.slice(scoreBytes);
    this.isWhole = true;
    return null;
  }

  /** Adds the tensors along the tree. Returns the place of the one that has the sum. */
  private addTensors(): number {
    const { tensors } = this;
    const whole = new TreeSum<number>((left, right) => {
      for (const [i, x] of tensors[right].entries()) tensors[left][i] += x;
    });
    for (const n of tensors.keys()) whole.push(n);
    return whole.finish();
  }

  private get expected(): string {
    return this.parts < this.route.parts ? `part ${this.parts}` : 'the result';
  }
}
