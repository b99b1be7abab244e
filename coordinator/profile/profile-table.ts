/** A profile as a table in Markdown, for people and for documents. Pure. */
import { atWork } from '../../shared/at-work.js';
import { type PhaseProfile, phases } from '../../shared/profile.js';
import { type Block, onCoreMs } from './blocks.js';

/** `profile.json`. */
export interface ProfileFile {
  readonly steps: number;
  readonly workers: number;
  /** The coordinator's own. Absent where workers cannot join. */
  readonly threads?: number | undefined;
  readonly microsecondsPerStep: PhaseProfile['report'];
  /** The longest block of the event loop, and the longest one when only time on a core counts. */
  readonly longestBlock: Block;
  readonly longestOnCore: Block;
}

const meanings: Readonly<Record<string, string>> = { ...phases, rest: 'the event loop, and waiting' };

export function profileTable({
  steps,
  workers,
  threads,
  microsecondsPerStep,
  longestBlock,
  longestOnCore,
}: ProfileFile): string {
  const entries = Object.entries(microsecondsPerStep);
  const total = entries.reduce((sum, [, us]) => sum + us, 0);
  const row = (...cells: string[]) => `| ${cells.join(' | ')} |`;
  const share = (us: number) => `${((100 * us) / Math.max(total, 1)).toFixed(1)} %`;
  return [
    row('phase', 'what', 'µs per step', 'share'),
    row('---', '---', '---:', '---:'),
    ...entries.map(([phase, us]) => row(phase, meanings[phase] ?? '', us.toFixed(1), share(us))),
    row('all', `mean of ${steps} steps, ${atWork({ workers, threads })}`, total.toFixed(1), share(total)),
    '',
    `Longest block of the event loop: ${described(longestBlock)}.`,
    `Longest when only the time on a core counts, ${onCoreMs(longestOnCore).toFixed(1)} ms: ${described(longestOnCore)}.`,
    '',
  ].join('\n');
}

function described({ ms, gcMs, coreWaitMs, processorMs }: Block): string {
  const wait = coreWaitMs === null ? '' : `, ${coreWaitMs.toFixed(1)} ms waiting for a core`;
  const times = `of which ${gcMs.toFixed(1)} ms collecting garbage${wait}`;
  return `${ms.toFixed(1)} ms, ${times}; ${processorMs.toFixed(1)} ms of processor time`;
}
