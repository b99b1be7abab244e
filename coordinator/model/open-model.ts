/**
 * Opens a trained model for those who use it: that of a run directory, or a single file of weights. Everything in the files
 * is checked. Nothing is written, and no lock is taken, so the run may still be training.
 */
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { canonicalJson } from '../../shared/canonical-json.js';
import { LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';
import type { Model } from '../../shared/model/model.js';
import { checkpointFormat, ownerOf } from '../archive/checkpoint-file.js';
import { Checkpoints } from '../archive/checkpoints.js';
import { type ConfigFile, configSha256 } from '../archive/config.js';
import { parseConfig } from '../archive/config-file.js';
import { codeOf } from '../archive/files.js';
import { floatsOf, weightsSha256 } from '../archive/floats.js';
import { decodeModel, modelIn, weightsIn } from '../archive/model-file.js';
import { runFileNames } from '../archive/run-directory.js';
import { decodeHeader, MalformedFile, type Metadata } from '../archive/safetensors.js';
import { describeFault } from '../data/fault.js';
import { openAtOnce } from '../data/ordinary-file.js';
import { parseSummary } from '../view/summary-file.js';

export interface OpenedModel {
  /** The path as the user named it. */
  readonly path: string;
  readonly model: Model;
  /** All parameters in the order of the flat vector. They are finite numbers. */
  readonly weights: Float32Array;
  readonly weightsSha256: string;
  /** Number of updates that made the weights, or null if the file does not say. */
  readonly step: number | null;
  /** The configuration of the run to which the weights belong, or null for a file that lies alone. */
  readonly config: ConfigFile | null;
  /** The data set that the model was trained on, or null if the file does not say. */
  readonly datasetSha256: string | null;
}

type Warn = (message: string) => void;

/**
 * Opens the model at `path`. A run directory gives the model that the run ended with, or its newest whole checkpoint if it
 * has not ended. A file may be a model.safetensors or a checkpoint. `warn` gets a sentence for each checkpoint that was
 * passed over. Rejects with `run-invalid` or `weights-invalid`.
 */
export async function openModel(path: string, warn: Warn = () => {}): Promise<OpenedModel> {
  const opened = await reading(path, async (file) => {
    return (await file.stat()).isDirectory() ? fromRun(path, warn) : fromFile(path, await bytesOf(file));
  });
  return checkedFinite(opened ?? missing(path));
}

async function fromRun(path: string, warn: Warn): Promise<OpenedModel> {
  const config = await configIn(path);
  const found = (await endOf(path, config)) ?? (await newestCheckpoint(path, config, warn));
  if (found !== null) return { path, model: config.model, config, datasetSha256: config.dataset.sha256, ...found };
  throw new LockstepError('run-invalid', `${path} has no weights yet: wait for the first checkpoint of the run.`);
}

type Found = Pick<OpenedModel, 'step' | 'weights' | 'weightsSha256'>;

/** The weights that a run has ended with. Null if it has not ended. */
async function endOf(path: string, config: ConfigFile): Promise<Found | null> {
  const summaryPath = join(path, runFileNames.summary);
  const text = await textIn(summaryPath);
  if (text === null) return null;
  const summary = parseSummary(text, summaryPath);
  const modelPath = join(path, runFileNames.model);
  const read = async (file: FileHandle) => floatsOf(await decodeModel(config, await bytesOf(file)));
  const weights = (await reading(modelPath, read)) ?? missing(modelPath);
  const sha256 = weightsSha256(weights);
  const step = summary.weightsStep ?? summary.steps;
  if (sha256 === summary.weightsSha256) return { step, weights, weightsSha256: sha256 };
  const other = `${summaryPath} tells of weights ${short(summary.weightsSha256)}, and ${modelPath} has ${short(sha256)}`;
  throw new LockstepError('run-invalid', `${other}: one of the two belongs to another run.`);
}

async function newestCheckpoint(path: string, config: ConfigFile, warn: Warn): Promise<Found | null> {
  const directory = join(path, runFileNames.checkpoints);
  const checkpoint = await new Checkpoints({ ...ownerOf(config), directory, warn }).loadNewest();
  if (checkpoint === null) return null;
  const { position, weights, weightsSha256: sha256 } = checkpoint;
  return { step: position.step, weights, weightsSha256: sha256 };
}

async function fromFile(path: string, file: Uint8Array): Promise<OpenedModel> {
  const layout = decodeHeader(file);
  const { metadata } = layout;
  const isCheckpoint = metadata.format === checkpointFormat;
  const model = modelIn(metadata);
  // A checkpoint also has the optimizer's vectors.
  const weights = floatsOf(weightsIn(model, layout, isCheckpoint));
  const sha256 = weightsSha256(weights);
  // A program that has changed the weights may leave the field out.
  if ((metadata.weightsSha256 ?? sha256) !== sha256) throw new MalformedFile('its SHA-256 does not match its weights');
  const config = await configBeside(path, model, metadata);
  const datasetSha256 = config?.dataset.sha256 ?? statedSha256(metadata.datasetSha256);
  return { path, model, weights, weightsSha256: sha256, step: statedStep(metadata.step), config, datasetSha256 };
}

/** The metadata of a file may be anything. */
function statedStep(text = ''): number | null {
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function statedSha256(text = ''): string | null {
  return /^[0-9a-f]{64}$/.test(text) ? text : null;
}

/** The configuration of the run directory in which a file lies, if the file belongs to that run. */
async function configBeside(path: string, model: Model, metadata: Metadata): Promise<ConfigFile | null> {
  const folder = dirname(resolve(path));
  const run = basename(folder) === runFileNames.checkpoints ? dirname(folder) : folder;
  const config = await configIn(run).catch(() => null);
  if (config === null) return null;
  const { configSha256: owner, datasetSha256 } = metadata;
  if (owner !== undefined) return owner === configSha256(config) ? config : null;
  const isSame = canonicalJson(model) === canonicalJson(config.model) && datasetSha256 === config.dataset.sha256;
  return isSame ? config : null;
}

async function configIn(directory: string): Promise<ConfigFile> {
  const path = join(directory, runFileNames.config);
  const text = await textIn(path);
  if (text !== null) return parseConfig(text, path);
  throw new LockstepError(
    'run-invalid',
    `${directory} is no run directory: it has no ${runFileNames.config}. ${remedy}`,
  );
}

/** Null if there is no such file. */
function textIn(path: string): Promise<string | null> {
  return reading(path, async (file) => Buffer.from(await bytesOf(file)).toString());
}

/** Opens a file or a directory, and closes it after `read`. Null if there is none. Any error names the path. */
async function reading<T>(path: string, read: (file: FileHandle) => Promise<T>): Promise<T | null> {
  try {
    const file = await openAtOnce(path);
    try {
      return await read(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    if (codeOf(error) === 'ENOENT') return null;
    throw unusable(path, describeFault(error));
  }
}

async function bytesOf(file: FileHandle): Promise<Uint8Array> {
  const found = await file.stat();
  if (!found.isFile()) throw new MalformedFile('it is no ordinary file');
  if (found.size <= limits.weightsFileBytesMax) return file.readFile();
  throw new MalformedFile(`it has ${found.size} bytes, more than ${limits.weightsFileBytesMax}`);
}

const remedy = 'Name a run directory, or the model.safetensors or a checkpoint of one.';

function missing(path: string): never {
  throw unusable(path, 'there is no such file or directory');
}

function unusable(path: string, fault: string): LockstepError {
  return new LockstepError('weights-invalid', `${path} cannot be used: ${fault}. ${remedy}`);
}

function checkedFinite(opened: OpenedModel): OpenedModel {
  if (opened.weights.every(Number.isFinite)) return opened;
  const sentence = `${opened.path} has weights that are not finite numbers: its training has diverged`;
  throw new LockstepError('weights-invalid', `${sentence}. Train with a smaller learning rate.`);
}

function short(sha256: string): string {
  return `${sha256.slice(0, 12)}…`;
}
