/** What the presets reach on MNIST: the mean of three seeds, as the report on the presets has it. Pure. */
import type { WireBits } from '../../shared/model/coding.js';
import type { PresetName } from '../../shared/model/presets.js';
import { completeSettings } from '../run/settings.js';
import type { StepCut } from './step-work.js';

/** In ordinary steps, with the preset's own settings. */
export const usualAccuracies: Readonly<Record<PresetName, number>> = {
  mlp: 0.9785,
  'sigmoid-16': 0.9466,
  'sigmoid-100': 0.9555,
  softmax: 0.92,
  'cnn-small': 0.9933,
  lenet5: 0.9927,
  cnn: 0.9957,
};

/** In rounds, with this many local steps and the usual replicas, by the bits of a number on the wire. */
export const roundAccuracySteps = 16;
export const roundAccuracies: { readonly [P in PresetName]?: { readonly [B in WireBits]?: number } } = {
  mlp: { 32: 0.9825, 8: 0.9818, 4: 0.9806 },
  'cnn-small': { 32: 0.9927, 8: 0.9926, 4: 0.9924 },
  lenet5: { 32: 0.992, 8: 0.992, 4: 0.9916 },
};

/** The usual accuracy of these settings. Null: it was not measured. */
export function usualAccuracy(request: StepCut & { readonly preset: string; readonly epochs: number }): number | null {
  const { preset, epochs, batch, microBatch, localSteps, wireBits } = request;
  const usual = completeSettings({ preset, localSteps }, null);
  if (epochs !== usual.epochs || batch !== usual.batch || microBatch !== usual.microBatch) return null;
  if (localSteps === 1) return wireBits === 32 ? (usualAccuracies[preset as PresetName] ?? null) : null;
  const byBits = localSteps === roundAccuracySteps ? roundAccuracies[preset as PresetName] : undefined;
  return byBits?.[wireBits] ?? null;
}
