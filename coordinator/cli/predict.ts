/** `lockstep predict`: what a trained model takes pictures for. */
import { LockstepError } from '../../shared/errors.js';
import { certainties } from '../../shared/model/certainty.js';
import { Classifier } from '../../shared/model/classifier.js';
import { nodePlatform } from '../../worker/node-platform.js';
import { openModel } from '../model/open-model.js';
import type { Fit } from '../picture/fit.js';
import { readSamples } from '../picture/read-samples.js';
import { classNamesOf } from './class-names.js';
import { jsonOf, type Predicted, textOf } from './predict-report.js';

export interface PredictOptions {
  /** A run directory, or a file of weights. */
  readonly model: string;
  readonly images: readonly string[];
  readonly fit: Fit;
  /** Whether to show the activations of all layers, and the image that the network gets. */
  readonly layers: boolean;
  readonly show: boolean;
  readonly json: boolean;
}

/** Resolves with the exit code: 1 if a picture could not be read. The others are predicted all the same. */
export async function runPredict(options: PredictOptions): Promise<number> {
  const opened = await openModel(options.model, (message) => process.stderr.write(`lockstep: ${message}\n`));
  const { model, weights, step } = opened;
  const names = classNamesOf(opened);
  const classifier = new Classifier(nodePlatform().backend, model);
  classifier.setWeights(step ?? 0, weights);
  const print = (predicted: Predicted) => {
    process.stdout.write(options.json ? jsonOf(predicted, options) : textOf(predicted, model, options));
  };
  let exitCode = 0;
  for (const file of options.images) {
    try {
      const samples = await readSamples(file, model.input, options.fit);
      samples.forEach((sample, index) => {
        const { layers, answer } = classifier.classify(sample);
        const shares = certainties(layers[layers.length - 1], model.loss);
        print({ file, index: samples.length > 1 ? index : null, sample, answer, names, certainties: shares, layers });
      });
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error;
      process.stderr.write(`lockstep: ${error.message}\n`);
      exitCode = 1;
    }
  }
  return exitCode;
}
