/** What a run needs from this machine, in addition to the platform: files, processes, a clock, and data sets. */
import { nodeFiles } from '../archive/files.js';
import { nodeProcesses } from '../archive/lock.js';
import { loadDataset } from '../data/load.js';
import { nodeClock } from './clock.js';
import type { RunMeans } from './conduct.js';

export const nodeMeans: Pick<RunMeans, 'files' | 'processes' | 'clock' | 'loadDataset'> = {
  files: nodeFiles,
  processes: nodeProcesses,
  clock: nodeClock,
  loadDataset,
};
