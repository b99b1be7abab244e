/** What is known of a trained model that is exported. Every format and the model card are made from this. */
import { basename, dirname, extname, resolve } from 'node:path';
import type { Model } from '../../shared/model/model.js';
import { runFileNames } from '../archive/run-directory.js';
import type { OpenedModel } from '../model/open-model.js';
import type { RecordedScore } from './recorded-score.js';
import { type TrainedLayer, trainedLayers } from './trained-layer.js';

export interface ExportedModel extends OpenedModel {
  /** A short name for titles and files. */
  readonly name: string;
  readonly layers: readonly TrainedLayer[];
  /** How these very weights did on the test set, if the run has recorded it. */
  readonly score: RecordedScore | null;
}

export function exportedModel(opened: OpenedModel, score: RecordedScore | null): ExportedModel {
  const layers = trainedLayers(opened.model, opened.weights);
  // The model file of a run does not say its step, but the run does.
  const step = opened.step ?? score?.step ?? null;
  return { ...opened, name: nameOf(opened.path), layers, score, step };
}

/** A run's model is named after the directory of the run, any other file after itself. */
function nameOf(path: string): string {
  const whole = resolve(path);
  if (basename(whole) === runFileNames.model) return basename(dirname(whole));
  return extname(whole) === '.safetensors' ? basename(whole, '.safetensors') : basename(whole);
}

/** What the outputs of the last layer become, if they are to be the probability of each class. */
export const probabilities: Readonly<Record<Model['loss'], 'softmax' | 'sigmoid' | 'linear'>> = {
  softmaxCrossEntropy: 'softmax',
  sigmoidCrossEntropy: 'sigmoid',
  // The outputs are trained to be the probabilities themselves.
  quadratic: 'linear',
};

/** Facts for programs, which each format keeps in its own way. */
export function metadataOf({ model, weightsSha256, datasetSha256, step }: OpenedModel): Record<string, string> {
  return {
    model: JSON.stringify(model),
    weightsSha256,
    ...(datasetSha256 === null ? {} : { datasetSha256 }),
    ...(step === null ? {} : { step: String(step) }),
  };
}
