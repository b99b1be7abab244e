/** What viewers download of a run, under ETags: the configuration and the step determine the bytes. */
import { type ConfigFile, configSha256 } from '../archive/config.js';
import { encodeModel } from '../archive/model-file.js';
import { type EvaluationState, weightsHeaderBytes } from './state.js';
import type { Edition } from './viewed-run.js';

export class Editions {
  private readonly identity: string;

  constructor(private readonly config: ConfigFile) {
    this.identity = configSha256(config).slice(0, 16);
  }

  /** `floats` are the float32 parameters, little-endian; they are copied. */
  weights(step: number, floats: Uint8Array): Edition {
    const bytes = new Uint8Array(weightsHeaderBytes + floats.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, step, true);
    view.setUint32(4, floats.length / 4, true);
    bytes.set(floats, weightsHeaderBytes);
    return { step, etag: this.etag('weights', step), bytes };
  }

  /** The same weights as a safetensors file. */
  async model({ step, bytes }: Edition): Promise<Edition> {
    const parts = await encodeModel(this.config, bytes.subarray(weightsHeaderBytes));
    return { step, etag: this.etag('model', step), bytes: Buffer.concat(parts) };
  }

  evaluation(evaluation: EvaluationState): Edition {
    const { step, set } = evaluation;
    return {
      step,
      etag: this.etag(set === 'test' ? 'evaluation' : set, step),
      bytes: Buffer.from(JSON.stringify(evaluation)),
    };
  }

  private etag(what: string, step: number): string {
    return `"${what}-${this.identity}-${step}"`;
  }
}
