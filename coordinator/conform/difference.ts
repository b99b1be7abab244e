/** Where two sums differ first: the tensor, the index, and the bits. */
import type { Model } from '../../shared/model/model.js';
import { parameterCount, tensorSpans } from '../../shared/model/parameters.js';

/** One sentence, or null if every bit is the same. Both are a gradient of the model and its score, or a score alone. */
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

/** The first predicted class that is another one, or null. */
export function differentPrediction(first: number, wanted: Uint8Array, got: Uint8Array): string | null {
  const at = wanted.findIndex((predicted, i) => predicted !== got[i]);
  return at < 0 ? null : `the predicted class of test sample ${first + at}: wanted ${wanted[at]}, got ${got[at]}`;
}

/** As in `layers.0.weight[3, 1]`. */
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

/** Neighbouring floats have neighbouring ranks; +0 and -0 are one apart. */
function rank(bits: number): number {
  return bits < 0x80000000 ? bits : 0x7fffffff - bits;
}
