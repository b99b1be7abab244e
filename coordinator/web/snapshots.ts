/**
 * Copies of what viewers look at: the weights, and what the newest evaluation predicted. A copy is made when somebody
 * asks, not for every step, and is the same bytes for all who ask before the next one.
 */
import { imageOf } from '../../shared/compute/samples.js';
import { limits } from '../../shared/limits.js';
import { configSha256 } from '../archive/config.js';
import { littleEndianBytes } from '../archive/floats.js';
import { encodeModel } from '../archive/model-file.js';
import type { LiveRun } from '../run/conduct.js';
import { type EvaluationState, type Misclassified, weightsHeaderBytes } from './state.js';

/** Bytes and what they are: the same name, the same bytes. */
export interface Edition {
  readonly step: number;
  readonly etag: string;
  readonly bytes: Uint8Array;
}

interface Predictions {
  readonly step: number;
  readonly classes: Uint8Array;
}

export class Snapshots {
  /** The bytes after a step are a function of this and the step. */
  private readonly identity: string;
  private newestWeights: Edition | null = null;
  private copiedMs = Number.NEGATIVE_INFINITY;
  private predictions: Predictions | null = null;
  private newestEvaluation: Edition | null = null;

  constructor(
    private readonly run: LiveRun,
    private readonly nowMs: () => number,
  ) {
    this.identity = configSha256(run.setup.config).slice(0, 16);
  }

  /** An evaluation is over, and its predictions are in the workspace. */
  evaluated(step: number): void {
    const { machine, setup } = this.run;
    this.predictions = { step, classes: machine.bytes(machine.workspace.predictions, setup.run.test).slice() };
  }

  /** As `weightsHeaderBytes` says. Between two steps, always: whoever asks has a turn of the event loop of his own. */
  weights(): Edition {
    const { machine, trainer } = this.run;
    const { step } = trainer.position;
    const { newestWeights: newest } = this;
    if (newest !== null && (newest.step === step || this.nowMs() - this.copiedMs < limits.weightsCopyMsMin)) {
      return newest;
    }
    this.copiedMs = this.nowMs();
    const { weights, parameters } = machine.workspace;
    const floats = littleEndianBytes(machine.floats(weights, parameters));
    const bytes = new Uint8Array(weightsHeaderBytes + floats.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, step, true);
    view.setUint32(4, parameters, true);
    bytes.set(floats, weightsHeaderBytes);
    this.newestWeights = { step, etag: this.etag('weights', step), bytes };
    return this.newestWeights;
  }

  /** The weights as a safetensors file. */
  async model(): Promise<Edition> {
    const { step, bytes } = this.weights();
    const parts = await encodeModel(this.run.setup.config, bytes.subarray(weightsHeaderBytes));
    return { step, etag: this.etag('model', step), bytes: Buffer.concat(parts) };
  }

  /** Null before the first evaluation. */
  evaluation(): Edition | null {
    if (this.predictions === null) return null;
    if (this.newestEvaluation?.step !== this.predictions.step) {
      const bytes = Buffer.from(JSON.stringify(this.compare(this.predictions)));
      this.newestEvaluation = {
        step: this.predictions.step,
        etag: this.etag('evaluation', this.predictions.step),
        bytes,
      };
    }
    return this.newestEvaluation;
  }

  private compare({ step, classes: predicted }: Predictions): EvaluationState {
    const { machine, setup } = this.run;
    const { test, pixels } = machine.workspace;
    const samples = setup.run.test;
    const { classes } = setup.config.dataset;
    const labels = machine.bytes(test.labels, samples);
    const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
    const misclassified: Misclassified[] = [];
    const shownMax = Math.min(limits.misclassifiedMax, Math.floor(limits.misclassifiedBytesMax / pixels));
    let correct = 0;
    for (const [index, label] of labels.entries()) {
      // A model may have more outputs than there are classes.
      if (predicted[index] < classes && label < classes) confusion[label][predicted[index]] += 1;
      if (predicted[index] === label) correct += 1;
      else if (misclassified.length < shownMax) {
        const image = Buffer.from(imageOf(machine, 'test', index)).toString('base64');
        misclassified.push({ index, label, predicted: predicted[index], pixels: image });
      }
    }
    return { step, samples, correct, confusion, misclassified };
  }

  private etag(what: string, step: number): string {
    return `"${what}-${this.identity}-${step}"`;
  }
}
