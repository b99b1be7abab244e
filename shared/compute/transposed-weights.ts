/** The weights of a workspace as the backward pass reads them, transposed, and a count of their changes. */
import type { Kernels } from '../arithmetic/kernels.js';
import { transposeWeights } from '../model/network.js';
import type { Workspace } from './workspace.js';

export class TransposedWeights {
  private changes = 0;
  /** The value of `changes` when the weights were transposed. transposedAt <= changes. */
  private transposedAt = 0;

  constructor(
    private readonly kernels: Kernels,
    private readonly workspace: Workspace,
  ) {}

  /** Another number after each change of the weights. */
  get version(): number {
    return this.changes;
  }

  /** The weights in the workspace have changed. */
  changed(): void {
    this.changes += 1;
  }

  /** Transposes the weights if they have changed since. */
  refresh(): void {
    if (this.transposedAt === this.changes) return;
    this.transposedAt = this.changes;
    const { weights, transposed, chain } = this.workspace;
    transposeWeights(this.kernels, chain, weights, transposed);
  }
}
