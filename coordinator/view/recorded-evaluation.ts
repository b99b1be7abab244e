/**
 * Evaluates the newest weights of a run directory, on request, and once for all viewers: on the test set, or on the
 * validation set while the run has not evaluated its test set.
 */
import type { EvaluationSet } from '../../shared/data/dataset.js';
import { LockstepError } from '../../shared/errors.js';
import { Editions } from '../web/editions.js';
import type { Edition, Refusal } from '../web/viewed-run.js';
import type { Evaluator } from './evaluator.js';
import type { RecordedRun } from './recorded-run.js';
import type { StoredWeights } from './recorded-weights.js';

export class RecordedEvaluation {
  /** The newest evaluation, which may still be under way. */
  private newest: {
    readonly of: StoredWeights;
    readonly set: EvaluationSet;
    readonly answer: Promise<Edition | Refusal>;
  } | null = null;
  private fault_: { readonly step: number; readonly message: string } | null = null;

  constructor(
    private readonly run: RecordedRun,
    private readonly evaluator: Evaluator,
    /** The directory of the data set, or null if the user names none. */
    private readonly data: string | null,
  ) {}

  /** Why the weights of this step cannot be evaluated. Null if they can, or if this was not tried yet. */
  faultAt(step: number | null): string | null {
    return this.fault_ !== null && this.fault_.step === step ? this.fault_.message : null;
  }

  /** Evaluates `weights`. Rejects if the thread fails. The next call then tries again. */
  of(weights: StoredWeights): Promise<Edition | Refusal> {
    const { set } = this;
    if (this.newest?.of !== weights || this.newest.set !== set) {
      this.newest = { of: weights, set, answer: this.evaluate(weights, set) };
    }
    return this.newest.answer;
  }

  /** Nobody shall choose a run by its test set before the run itself has evaluated it. */
  private get set(): EvaluationSet {
    const { config, summary } = this.run;
    return config.dataset.validation === undefined || summary?.testAccuracy != null ? 'test' : 'validation';
  }

  private async evaluate(weights: StoredWeights, set: EvaluationSet): Promise<Edition | Refusal> {
    const { step, floats } = weights;
    const { config } = this.run;
    const wanted = { dataset: config.dataset, data: config.data, given: this.data, set };
    try {
      return new Editions(config).evaluation(
        await this.evaluator.evaluate({ model: config.model, step, floats, wanted }),
      );
    } catch (error) {
      if (error instanceof LockstepError) {
        this.fault_ = { step, message: error.message };
        return { code: 'not-found', message: error.message };
      }
      if (this.newest?.of === weights) this.newest = null;
      throw error;
    }
  }
}
