/** A memory with a few weights, the vectors of an optimizer, and sums to update them from. */
import { memoryStart } from '../../../shared/arithmetic/backend.js';
import type { Span } from '../../../shared/model/chain.js';
import { codingOf, type WireBits } from '../../../shared/model/coding.js';
import type { OptimizerPlace } from '../../../shared/optimizer/optimizer.js';
import { rememberedBy } from '../../../shared/optimizer/optimizers.js';
import { scaleOf, type UpdateRules, updateAll, updateWeights } from '../../../shared/optimizer/update.js';
import type { Random } from '../../../shared/random.js';
import { scalar } from '../arithmetic/backends.js';

export class UpdateBench {
  private readonly memory;
  private readonly at: OptimizerPlace;
  private readonly sum: number;
  private step = 0;

  constructor(
    private readonly rules: UpdateRules,
    weights: readonly number[],
    private readonly statistics: readonly Span[] = [],
    bits: WireBits = 32,
  ) {
    this.floats = weights.length;
    const names = rememberedBy({ ...rules, wireBits: bits });
    this.memory = scalar.createMemory(memoryStart + 4 * this.floats * (3 + names.length), false);
    const place = (n: number) => memoryStart + 4 * this.floats * n;
    this.sum = place(0);
    const vectors = names.map((_, n) => place(3 + n));
    const coding = codingOf(bits, statistics);
    const coded = coding === null ? undefined : { coding, change: place(2), residual: vectors[vectors.length - 1] };
    this.at = { weights: place(1), vectors, coded };
    this.view(this.at.weights).set(weights);
  }

  private readonly floats: number;

  get weights(): number[] {
    return [...this.view(this.at.weights)];
  }

  /** What a coded update has subtracted from the weights. */
  get change(): number[] {
    return [...this.view(this.at.coded?.change ?? 0)];
  }

  get vectors(): number[][] {
    return this.at.vectors.map((at) => [...this.view(at)]);
  }

  /** Updates the weights in parts that end at `cuts`, or all at once. The sum has `samples` samples. */
  update(sum: readonly number[], samples: number, cuts: readonly number[] | null = null): void {
    const { rules, memory, at, floats, statistics } = this;
    this.view(this.sum).set(sum);
    const whole = { sum: this.sum, terms: samples, step: this.step, floats };
    this.step += 1;
    if (cuts === null) return updateAll(rules, memory, at, whole, statistics);
    const scale = scaleOf(rules, memory, whole, statistics);
    for (const [i, first] of [0, ...cuts].entries()) {
      const part = { ...whole, ...scale, first, floats: (cuts[i] ?? floats) - first };
      updateWeights(rules, memory, at, part, statistics);
    }
  }

  private view(at: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, this.floats);
  }
}

/** Float32 numbers in [-scale, scale). */
export function randomFloats(count: number, scale: number, random: Random): number[] {
  return Array.from({ length: count }, () => Math.fround((2 * random.uniform() - 1) * scale));
}
