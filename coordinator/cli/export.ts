/** `lockstep export`: a trained model for other programs. */
import { join } from 'node:path';
import { grouped } from '../../shared/figures.js';
import type { FormatName } from '../export/export-format.js';
import { exportModel } from '../export/export-model.js';

export interface ExportOptions {
  readonly model: string;
  readonly format: FormatName;
  readonly out?: string | undefined;
}

/** Resolves with the exit code. */
export async function runExport({ model: path, format, out }: ExportOptions): Promise<number> {
  const onWarning = (message: string) => process.stderr.write(`lockstep: ${message}\n`);
  const { directory, files, weightsSha256 } = await exportModel({ path, format, out, onWarning });
  for (const { name, bytes } of files) {
    process.stdout.write(`${join(directory, name)}: ${grouped(bytes)} bytes\n`);
  }
  process.stdout.write(`weights ${weightsSha256}\n`);
  return 0;
}
