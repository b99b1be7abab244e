/** The weights as `/api/weights` sends them. */
import { weightsHeaderBytes } from '../web/state.js';

export interface Weights {
  /** Number of updates that made these weights. */
  readonly step: number;
  readonly floats: Float32Array;
}

/** Null if these are not the weights of a model with this number of parameters. */
export function parseWeights(bytes: ArrayBuffer, parameters: number): Weights | null {
  if (bytes.byteLength !== weightsHeaderBytes + 4 * parameters) return null;
  const view = new DataView(bytes);
  if (view.getUint32(4, true) !== parameters) return null;
  return { step: view.getUint32(0, true), floats: new Float32Array(bytes, weightsHeaderBytes, parameters) };
}
