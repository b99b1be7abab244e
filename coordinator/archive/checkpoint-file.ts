/**
 * One checkpoint as a safetensors file. The file holds the weights and the optimizer's vectors, under the names of the
 * model's tensors. Its metadata holds the position of the run, and a SHA-256 of everything in the file. These functions
 * touch no disk. They are asynchronous only because hashing yields to the event loop.
 */
import type { Model } from '../../shared/model/model.js';
import { parameterCount, tensorSpans } from '../../shared/model/parameters.js';
import { rememberedBy } from '../../shared/optimizer/optimizers.js';
import type { Position, TrainerState } from '../run/trainer.js';
import { type ConfigFile, configSha256 } from './config.js';
import { floatsOf, littleEndianBytes, sha256OfParts } from './floats.js';
import {
  decodeHeader,
  encodeHeader,
  type Layout,
  MalformedFile,
  type Metadata,
  type TensorShape,
} from './safetensors.js';

/** The state of a run between two steps. */
export interface Snapshot {
  readonly position: Position;
  readonly weights: Float32Array;
  /** The vectors that updates remember, in the order of the owner's names. Empty if the optimizer begins anew. */
  readonly vectors: readonly Float32Array[];
  /** The rest of the trainer's state, which it needs to continue from here. */
  readonly state: TrainerState;
  /** Whether the caller says that these are the best weights so far. They are kept until better ones are saved. */
  readonly best: boolean;
}

/** A snapshot that was read from a file and found complete. */
export interface Checkpoint extends Snapshot {
  /** Name of its file, without directories. */
  readonly name: string;
  readonly weightsSha256: string;
}

/** The run to which a checkpoint must belong. */
export interface CheckpointOwner {
  readonly model: Model;
  /** Names of the vectors that updates remember. */
  readonly vectors: readonly string[];
  readonly configSha256: string;
}

export function ownerOf(config: ConfigFile): CheckpointOwner {
  const { model, optimizer, rounds, wireBits } = config;
  // The optimizer of local steps remembers nothing from round to round.
  const vectors = rememberedBy({ optimizer: rounds?.outer ?? optimizer, wireBits });
  return { model, vectors, configSha256: configSha256(config) };
}

/** The field `format` in the metadata of a checkpoint. */
export const checkpointFormat = 'lockstep-checkpoint-1';

/** A copy of a snapshot. Training does not change it. */
export interface FrozenSnapshot extends Omit<Snapshot, 'weights' | 'vectors'> {
  readonly weights: Uint8Array;
  readonly vectors: readonly Uint8Array[];
}

/** Copies a snapshot, so that training can go on while the copy is written. */
export function freeze(snapshot: Snapshot): FrozenSnapshot {
  const { weights, vectors, position, state } = snapshot;
  return {
    ...snapshot,
    position: { ...position },
    state: { ...state },
    weights: littleEndianBytes(weights),
    vectors: vectors.map(littleEndianBytes),
  };
}

/** Makes the parts of the file. The caller writes them one after the other. */
export async function encodeCheckpoint(owner: CheckpointOwner, snapshot: FrozenSnapshot): Promise<Uint8Array[]> {
  const { position, state, best, weights, vectors } = snapshot;
  const data = [weights, ...vectors];
  const metadata = {
    format: checkpointFormat,
    step: String(position.step),
    epoch: String(position.epoch),
    stepInEpoch: String(position.stepInEpoch),
    best: String(best),
    state: JSON.stringify(state),
    model: JSON.stringify(owner.model),
    configSha256: owner.configSha256,
    weightsSha256: await sha256OfParts([weights]),
  };
  const header = encodeHeader(tensorsOf(owner, vectors.length > 0), {
    ...metadata,
    sha256: await seal(metadata, data),
  });
  return [header, ...data];
}

/** Reads a checkpoint. Throws `MalformedFile` if the file is damaged or belongs to another run. */
export async function decodeCheckpoint(owner: CheckpointOwner, name: string, file: Uint8Array): Promise<Checkpoint> {
  const layout = decodeHeader(file);
  const { sha256, ...metadata } = layout.metadata;
  if (metadata.format !== checkpointFormat) throw new MalformedFile(`its format is not ${checkpointFormat}`);
  if (sha256 !== (await seal(metadata, [layout.data])))
    throw new MalformedFile('its SHA-256 does not match its content');
  if (metadata.configSha256 !== owner.configSha256) throw new MalformedFile('it belongs to another configuration');
  const { weights, vectors } = checkedVectors(owner, layout);
  // The SHA-256 matched, so this program wrote the content: it needs no further checks.
  const position = {
    step: Number(metadata.step),
    epoch: Number(metadata.epoch),
    stepInEpoch: Number(metadata.stepInEpoch),
  };
  const state: TrainerState = JSON.parse(metadata.state);
  return {
    name,
    position,
    state,
    best: metadata.best === 'true',
    weightsSha256: metadata.weightsSha256,
    weights,
    vectors,
  };
}

/** The SHA-256 of the metadata and the tensors' bytes. */
function seal(metadata: Metadata, data: readonly Uint8Array[]): Promise<string> {
  const entries = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256OfParts([Buffer.from(JSON.stringify(entries)), ...data]);
}

function tensorsOf({ model, vectors }: CheckpointOwner, withVectors: boolean): TensorShape[] {
  const weights = tensorSpans(model).map(({ name, shape }) => ({ name, shape }));
  const named = (vector: string) => weights.map(({ name, shape }) => ({ name: `${vector}.${name}`, shape }));
  return withVectors ? [...weights, ...vectors.flatMap(named)] : weights;
}

function checkedVectors(owner: CheckpointOwner, { tensors, data }: Layout): Pick<Snapshot, 'weights' | 'vectors'> {
  const bytes = 4 * parameterCount(owner.model);
  const withVectors = data.length > bytes;
  if (JSON.stringify(tensors) !== JSON.stringify(tensorsOf(owner, withVectors))) {
    throw new MalformedFile("its tensors are not the model's");
  }
  const vector = (n: number) => floatsOf(data.subarray(n * bytes, (n + 1) * bytes));
  return { weights: vector(0), vectors: withVectors ? owner.vectors.map((_, n) => vector(n + 1)) : [] };
}
