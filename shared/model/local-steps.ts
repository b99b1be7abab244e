/**
 * A slot of a round: from the weights of the round, it makes an optimizer step for each of its micro-batches. Its result is
 * what these steps have taken away from the weights. So it stands where the gradient of an ordinary slot stands: it is summed
 * along the tree (E3), and an outer optimizer applies the mean (E4). This is local SGD (Stich 2019) with the outer momentum
 * of DiLoCo (Douillard et al. 2023).
 *
 * What this is not: a training that goes on. The optimizer begins anew in every round, so nothing outlives a slot, and it
 * does not matter which thread or worker computes it.
 */
import type { KernelMemory } from '../arithmetic/backend.js';
import { type Pointer, Write } from '../arithmetic/kernels.js';
import { rateOf, type SlotRules, updateAll } from '../optimizer/update.js';
import { scoreFloats } from '../work/kinds.js';
import type { Chain, Span } from './chain.js';
import type { Pass } from './layers/layer.js';
import { type Network, type Operands, transposedFloats, transposeWeights } from './network.js';
import { parametersOf } from './parameters.js';

/** The addresses of what a thread changes in the course of a slot. */
export interface LocalPlace {
  /** The weights of the next step, and the same transposed. */
  readonly weights: Pointer;
  readonly transposed: Pointer;
  /** The vectors of the optimizer. */
  readonly vectors: readonly Pointer[];
  /** The gradient and the score of a micro-batch. */
  readonly gradient: Pointer;
}

export interface LocalParts {
  readonly memory: KernelMemory;
  readonly network: Network;
  readonly chain: Chain;
  /** Where the flat vector has statistics instead of weights. */
  readonly statistics: readonly Span[];
  readonly rules: SlotRules;
  /** Samples of a local step. The last one of a slot may have fewer. */
  readonly microBatch: number;
  readonly at: LocalPlace;
}

export class LocalSteps {
  private readonly floats: number;
  private readonly transposedFloats: number;

  constructor(private readonly parts: LocalParts) {
    this.floats = parametersOf(parts.chain);
    this.transposedFloats = transposedFloats(parts.chain);
  }

  /**
   * Makes the steps of a slot, whose samples are those of `pass`. Stores its difference and its score in `out`: as many
   * floats as a partial gradient has. `round` is the number of rounds before this one.
   */
  difference(from: Operands, pass: Pass, round: number, out: Pointer): void {
    const { rules, microBatch } = this.parts;
    // All steps of a round have one rate: that of the round.
    const { clip } = rules;
    const stepRules = { optimizer: { ...rules.optimizer, rate: rateOf(rules, round) }, clip };
    const score = new Float32Array(scoreFloats);
    this.begin(from);
    for (let [first, step] = [0, 0]; first < pass.rows; first += microBatch, step++) {
      const rows = Math.min(microBatch, pass.rows - first);
      this.step(from, { ...pass, rows, ids: pass.ids + 4 * first }, stepRules, step, score);
    }
    this.end(from.weights, score, out);
  }

  /** Begins with the weights of the round, and with an optimizer that remembers nothing. */
  private begin({ weights, transposed }: Operands): void {
    const { at } = this.parts;
    const { floats } = this;
    this.view(at.weights, floats).set(this.view(weights, floats));
    this.view(at.transposed, this.transposedFloats).set(this.view(transposed, this.transposedFloats));
    for (const vector of at.vectors) this.view(vector, floats).fill(0);
  }

  /** One local step. `score` is that of the samples so far. */
  private step(
    from: Operands,
    pass: Pass,
    rules: Pick<SlotRules, 'optimizer' | 'clip'>,
    step: number,
    score: Float32Array,
  ): void {
    const { memory, network, chain, statistics, at } = this.parts;
    const { floats } = this;
    if (step > 0) transposeWeights(memory.kernels, chain, at.weights, at.transposed);
    network.gradient({ ...from, ...at }, pass, at.gradient, Write.store);
    for (const [i, term] of this.view(at.gradient + 4 * floats, scoreFloats).entries()) score[i] += term;
    updateAll(rules, memory, at, { floats, sum: at.gradient, terms: pass.rows, step }, statistics);
  }

  /** Takes the weights after the last step away from those of the round. */
  private end(weights: Pointer, score: Float32Array, out: Pointer): void {
    const { memory, at } = this.parts;
    const { floats } = this;
    this.view(out, floats).set(this.view(weights, floats));
    // The kernel of plain SGD with a rate of 1: w = w - 1 * (local / 1), which is w - local, rounded once.
    memory.kernels.sgd(out, at.weights, at.weights, floats, 1, 1, 0, 1, 0, 0);
    this.view(out + 4 * floats, scoreFloats).set(score);
  }

  /** A view of the memory, made anew each time: the memory may grow. */
  private view(at: Pointer, floats: number): Float32Array {
    return new Float32Array(this.parts.memory.buffer, at, floats);
  }
}
