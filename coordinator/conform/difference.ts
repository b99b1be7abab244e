/** Describes the first difference between two sums: the tensor, the index, and the bits. */
import type { EvaluationSet } from '../../shared/data/dataset.js';
import type { Model } from '../../shared/model/model.js';
import { parameterCount, tensorSpans } from '../../shared/model/parameters.js';

/**
 * Returns a sentence about the first difference, or null if all bits are the same. Each sum is a gradient of the model
 * followed by its score, or only a score.
 */
export function difference(model: Model, wanted: Float32Array, got: Float32Array): string | null {
  const [wantedBits, gotBits] = [bitsOf(wanted), bitsOf(got)];
  const at = wantedBits.findIndex((bits, i) => bits !== gotBits[i]);
  if (at < 0) return null;
  const count = wantedBits.reduce((sum, bits, i) => sum + (bits === gotBits[i] ? 0 : 1), 0);
  const ulps = Math.abs(rank(wantedBits[at]) - rank(gotBits[at]));
  const off = Number.isNaN(got[at]) ? 'not a number' : `${ulps} ulp off`;
  return (
    `${placeOf(model, at, wanted.length)}: wanted ${shown(wantedBits[at], wanted[at])}, ` +
    `got ${shown(gotBits[at], got[at])}, ${off}; ${count} of ${wanted.length} numbers differ`
  );
}

/** Returns a sentence about the first predicted class that differs, or null. */
export function differentPrediction(set: EvaluationSet, wanted: Uint8Array, got: Uint8Array): string | null {
  const at = wanted.findIndex((predicted, i) => predicted !== got[i]);
  return at < 0 ? null : `the predicted class of ${set} sample ${at}: wanted ${wanted[at]}, got ${got[at]}`;
}

/** The name of a place in a sum, such as `layers.0.weight[3, 1]`. */
function placeOf(model: Model, at: number, floats: number): string {
  const parameters = parameterCount(model);
  const fromEnd = floats - at;
  if (fromEnd <= 2) return fromEnd === 2 ? 'the loss sum' : 'the count of correct predictions';
  const spans = tensorSpans(model).filter(({ offset }) => offset <= at);
  const { name, shape, offset } = spans[spans.length - 1];
  const inTensor = at - offset;
  const index = shape.length === 1 ? [inTensor] : [Math.floor(inTensor / shape[1]), inTensor % shape[1]];
  return `${name}[${index.join(', ')}] (float ${at} of ${parameters})`;
}

function shown(bits: number, value: number): string {
  return `${bits.toString(16).padStart(8, '0')} (${value.toPrecision(9)})`;
}

function bitsOf(floats: Float32Array): Uint32Array {
  return new Uint32Array(floats.slice().buffer);
}

/** Numbers all floats so that neighbouring floats have neighbouring ranks. The ranks of +0 and -0 differ by one. */
function rank(bits: number): number {
  return bits < 0x80000000 ? bits : 0x7fffffff - bits;
}
