/**
 * Copies of what viewers look at in a live run: the weights, and what the newest evaluation predicted. A copy is made
 * when a viewer asks, not for every step. All viewers who ask before the next copy get the same bytes.
 */
import { imageOf } from '../../shared/compute/samples.js';
import { type EvaluationSet, sizeOf } from '../../shared/data/dataset.js';
import { limits } from '../../shared/limits.js';
import { littleEndianBytes } from '../archive/floats.js';
import type { LiveRun } from '../run/live-run.js';
import { compareAnswers } from './confusion.js';
import { Editions } from './editions.js';
import type { EvaluationState } from './state.js';
import type { Edition } from './viewed-run.js';

interface Predictions {
  readonly set: EvaluationSet;
  readonly step: number;
  readonly classes: Uint8Array;
}

export class Snapshots {
  private readonly editions: Editions;
  private newestWeights: Edition | null = null;
  private copiedMs = Number.NEGATIVE_INFINITY;
  private predictions: Predictions | null = null;
  private newestEvaluation: { readonly of: Predictions; readonly edition: Edition } | null = null;

  constructor(
    private readonly run: LiveRun,
    private readonly nowMs: () => number,
  ) {
    this.editions = new Editions(run.setup.config);
  }

  /** Keeps the predictions of the evaluation that has just ended: the workspace holds them until the next one. */
  evaluated(set: EvaluationSet, step: number): void {
    const { machine, setup } = this.run;
    const classes = machine.bytes(machine.workspace.predictions, sizeOf(setup.run, set)).slice();
    this.predictions = { set, step, classes };
  }

  /**
   * The weights as `weightsHeaderBytes` says, copied at most every `limits.weightsCopyMsMin`. Requests have turns of the
   * event loop of their own, so a copy is always made between two steps.
   */
  weights(): Edition {
    const { machine, trainer } = this.run;
    const step = trainer.weightsStep;
    const { newestWeights: newest } = this;
    if (newest !== null && (newest.step === step || this.nowMs() - this.copiedMs < limits.weightsCopyMsMin)) {
      return newest;
    }
    this.copiedMs = this.nowMs();
    const { weights, parameters } = machine.workspace;
    this.newestWeights = this.editions.weights(step, littleEndianBytes(machine.floats(weights, parameters)));
    return this.newestWeights;
  }

  /** The weights as a safetensors file. */
  model(): Promise<Edition> {
    return this.editions.model(this.weights());
  }

  /** The step of the newest evaluation; null before the first one. */
  get evaluatedStep(): number | null {
    return this.predictions?.step ?? null;
  }

  /** Null before the first evaluation. */
  evaluation(): Edition | null {
    const { predictions } = this;
    if (predictions === null) return null;
    if (this.newestEvaluation?.of !== predictions) {
      this.newestEvaluation = { of: predictions, edition: this.editions.evaluation(this.compare(predictions)) };
    }
    return this.newestEvaluation.edition;
  }

  private compare({ set, step, classes: predicted }: Predictions): EvaluationState {
    const { machine, setup } = this.run;
    const { pixels, [set]: store } = machine.workspace;
    return compareAnswers({
      set,
      step,
      classes: setup.config.dataset.classes,
      labels: machine.bytes(store.labels, predicted.length),
      predicted,
      pixels,
      imageOf: (index) => imageOf(machine, set, index),
    });
  }
}
