/** Reads the newest weights of a run directory from its newest undamaged checkpoint, or from `model.safetensors`. */
import { join } from 'node:path';
import { type CheckpointOwner, decodeCheckpoint, ownerOf } from '../archive/checkpoint-file.js';
import { stepOf } from '../archive/checkpoints.js';
import { codeOf } from '../archive/files.js';
import { littleEndianBytes } from '../archive/floats.js';
import { decodeModel } from '../archive/model-file.js';
import { runFileNames } from '../archive/run-directory.js';
import { describeFault } from '../data/fault.js';
import type { RecordedRun } from './recorded-run.js';

export interface StoredWeights {
  /** Number of updates that made these weights. */
  readonly step: number;
  /** Float32 parameters, little-endian. */
  readonly floats: Uint8Array;
}

/** A file that should contain weights. */
interface Candidate {
  readonly step: number;
  /** A text that differs for different weights. */
  readonly identity: string;
  readonly path: string;
  read(file: Uint8Array): Promise<Uint8Array>;
}

export class RecordedWeights {
  private newest_: { readonly identity: string; readonly weights: StoredWeights } | null = null;
  /** The identities of damaged files, which are not read again. */
  private readonly damaged = new Set<string>();
  /** The read that is under way. Further requests wait for the same weights. */
  private reading: Promise<StoredWeights | null> | null = null;

  constructor(
    private readonly run: RecordedRun,
    private readonly faulty: (message: string) => void,
  ) {}

  /** The step of the newest file with weights, or null if there is none. The file may turn out to be damaged. */
  get newestStep(): number | null {
    return this.candidates()[0]?.step ?? null;
  }

  /** The newest weights, or null if there are no weights. */
  newest(): Promise<StoredWeights | null> {
    this.reading ??= this.read().finally(() => {
      this.reading = null;
    });
    return this.reading;
  }

  private async read(): Promise<StoredWeights | null> {
    for (const candidate of this.candidates()) {
      const { identity, step } = candidate;
      if (this.newest_?.identity === identity) return this.newest_.weights;
      const floats = await this.readOrReport(candidate);
      if (floats === null) continue;
      this.newest_ = { identity, weights: { step, floats } };
      return this.newest_.weights;
    }
    return null;
  }

  /**
   * From the newest to the oldest. A checkpoint comes before the model of the same step. A model that is older than the
   * last step has the best weights, which the run has ended with: it comes first.
   */
  private candidates(): Candidate[] {
    const owner = ownerOf(this.run.config);
    const candidates = this.run.checkpoints.map((name) => this.checkpoint(name, owner)).reverse();
    const model = this.model();
    if (model !== null && model.step < (this.run.summary?.steps ?? 0)) candidates.unshift(model);
    else if (model !== null) {
      const older = candidates.findIndex(({ step }) => step < model.step);
      candidates.splice(older === -1 ? candidates.length : older, 0, model);
    }
    return candidates.filter(({ identity }) => !this.damaged.has(identity));
  }

  private checkpoint(name: string, owner: CheckpointOwner): Candidate {
    return {
      step: stepOf(name),
      identity: `${owner.configSha256}/${name}`,
      path: join(this.run.path, runFileNames.checkpoints, name),
      read: async (file) => littleEndianBytes((await decodeCheckpoint(owner, name, file)).weights),
    };
  }

  /** Null without a summary, because then the model may be left from before the run was resumed. */
  private model(): Candidate | null {
    const { config, path, summary } = this.run;
    if (summary === null) return null;
    return {
      step: summary.weightsStep ?? summary.steps,
      identity: summary.weightsSha256,
      path: join(path, runFileNames.model),
      read: (file) => decodeModel(config, file),
    };
  }

  private async readOrReport({ path, identity, read }: Candidate): Promise<Uint8Array | null> {
    try {
      return await read(await this.run.files.read(path));
    } catch (error) {
      // The run has removed this checkpoint because it has newer ones. The next look finds those.
      if (codeOf(error) === 'ENOENT') return null;
      this.damaged.add(identity);
      this.faulty(`${path} cannot be used: ${describeFault(error)}; the weights before it are shown`);
      return null;
    }
  }
}
