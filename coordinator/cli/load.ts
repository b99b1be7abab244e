/** Loads the data set that was asked for, and shows a download's progress. */
import { type LoadedDataset, loadDataset } from '../data/load.js';
import type { RunSettings } from '../run/settings.js';
import type { Log } from './log.js';

/** Rejects with `interrupted` when the signal comes first. */
export async function loadWithProgress(
  { data, dataset }: Pick<RunSettings, 'data' | 'dataset'>,
  { logger, bar }: Log,
  signal: AbortSignal,
): Promise<LoadedDataset> {
  try {
    return await loadDataset({
      dataset,
      signal,
      ...(data !== undefined && { directory: data }),
      onWarning: (message) => logger.warn(message),
      onProgress: ({ file, bytes, bytesTotal }) =>
        bar?.update(`downloading ${file}`, bytesTotal ?? bytes, bytes, megabytes(bytes)),
    });
  } finally {
    bar?.stop();
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
