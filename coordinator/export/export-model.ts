/** Exports a trained model: reads it, and writes the files of a format and a model card into a directory. */
import { join } from 'node:path';
import { LockstepError } from '../../shared/errors.js';
import { atomicWrite, ensureDirectory, type Files, listIfThere, nodeFiles } from '../archive/files.js';
import { runFileNames } from '../archive/run-directory.js';
import { describeFault } from '../data/fault.js';
import { openModel } from '../model/open-model.js';
import { modelCard, publicConfig } from './card.js';
import { type FormatName, formatNames } from './export-format.js';
import { type ExportedModel, exportedModel } from './exported-model.js';
import { formats } from './formats.js';
import type { Pieces } from './protobuf.js';
import { recordedScore } from './recorded-score.js';

export interface ExportRequest {
  /** A run directory, or a file with weights: a model.safetensors or a checkpoint. */
  readonly path: string;
  readonly format: FormatName;
  /** The directory to write to. Default: `exports/NAME-FORMAT`. */
  readonly out?: string | undefined;
  /** Called with a sentence for each damaged checkpoint that was passed over. */
  readonly onWarning?: (message: string) => void;
}

/** What was written. */
export interface Exported {
  readonly directory: string;
  /** The names of the files and their lengths in bytes. */
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  readonly weightsSha256: string;
}

/**
 * Rejects with `usage` for an unknown format, with an error of `openModel`, with `format-unsupported` if the format lacks a
 * kind of layer, with `output-taken` if one of the files exists, or with `output-unwritable`.
 */
export async function exportModel(request: ExportRequest, files: Files = nodeFiles): Promise<Exported> {
  const { path, format, onWarning } = request;
  // A program without types may ask for anything.
  if (!formatNames.includes(format)) {
    throw new LockstepError('usage', `there is no format "${format}": use one of ${formatNames.join(', ')}`);
  }
  const opened = await openModel(path, onWarning);
  const exported = exportedModel(opened, await recordedScore(path, opened.weightsSha256));
  const directory = request.out ?? join('exports', `${exported.name}-${format}`);
  const contents = Object.entries(contentsOf(exported, format));
  await writeAll(directory, contents, files);
  const written = contents.map(([name, pieces]) => ({ name, bytes: lengthOf(pieces) }));
  return { directory, files: written, weightsSha256: opened.weightsSha256 };
}

function contentsOf(exported: ExportedModel, format: FormatName): Record<string, Pieces> {
  const { config } = exported;
  return {
    ...formats[format].files(exported),
    ...(config === null ? {} : { [runFileNames.config]: [jsonFile(publicConfig(config))] }),
    'README.md': [Buffer.from(modelCard(exported, formats[format]))],
  };
}

async function writeAll(directory: string, contents: readonly [string, Pieces][], files: Files): Promise<void> {
  try {
    const present = await listIfThere(files, directory);
    const taken = contents.find(([name]) => present.includes(name));
    if (taken !== undefined) throw alreadyThere(directory, taken[0]);
    await ensureDirectory(files, directory);
    for (const [name, pieces] of contents) await atomicWrite(files, join(directory, name), pieces);
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    const sentence = `The output directory ${directory} cannot be written: ${describeFault(error)}.`;
    throw new LockstepError('output-unwritable', `${sentence} Choose another directory with --out.`);
  }
}

function alreadyThere(directory: string, name: string): LockstepError {
  const sentence = `${directory} already has a file ${name}`;
  return new LockstepError('output-taken', `${sentence}. Remove it, or choose another directory with --out.`);
}

function jsonFile(content: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(content, null, 2)}\n`);
}

function lengthOf(pieces: Pieces): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}
