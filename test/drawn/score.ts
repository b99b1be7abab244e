/** What a finished run makes of the drawings: the pad's way from strokes to an image, and the network's answer to it. */

import { penImage } from '../../coordinator/page/ink.js';
import { imageSize } from '../../coordinator/page/neurons.js';
import type { FinishedRun } from '../../coordinator/view/finished-run.js';
import { runnerUp, withCertainties } from '../../shared/model/certainty.js';
import { type Drawing, drawingExtent, drawings } from './drawings.js';

export interface Verdict {
  readonly drawing: Drawing;
  readonly answer: number;
  /** Its share of the certainty, from 0 to 1. */
  readonly certainty: number;
  /** The other class that the pad names. Null where the pad says nothing of a doubt. */
  readonly other: number | null;
}

/** The answers to all drawings, in their order. */
export function verdictsOf({ model, classify }: FinishedRun): Verdict[] {
  const { rows, columns } = imageSize(model.input);
  const images = drawings.map(({ strokes }) => penImage(strokes, drawingExtent, rows, columns)!);
  return classify(images).map(({ answer, outputs }, i) => {
    const { layers } = withCertainties({ step: 0, answer, layers: [outputs] }, model.loss);
    const certainties = layers[0];
    return { drawing: drawings[i], answer, certainty: certainties[answer], other: runnerUp(certainties) };
  });
}

export function isRight({ drawing, answer }: Verdict): boolean {
  return answer === drawing.digit;
}
