/** Reads the memory of processes from the operating system. */
import { readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { parseMetrics } from './metrics.js';

export interface MemorySample {
  /** Number of steps in the metrics so far. */
  readonly step: number;
  readonly residentMb: number;
  /** The highest resident memory so far. */
  readonly peakMb: number;
}

/** The last bytes of the metrics. This many bytes contain at least one whole line. */
const tailBytes = 4096;

/** Parses VmRSS and VmHWM of /proc/PID/status. Pure. */
export function parseStatus(status: string): { readonly residentMb: number; readonly peakMb: number } | null {
  const kilobytes = (name: string) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))?.[1]);
  const [resident, peak] = [kilobytes('VmRSS'), kilobytes('VmHWM')];
  return Number.isFinite(resident + peak) ? { residentMb: resident / 1024, peakMb: peak / 1024 } : null;
}

/** The memory of a process, or null if the process has ended. */
export function memoryOf(pid: number): { readonly residentMb: number; readonly peakMb: number } | null {
  try {
    return parseStatus(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return null;
  }
}

/** The newest step in a `metrics.jsonl`, or 0 if there is no step yet. */
export async function lastStep(path: string): Promise<number> {
  try {
    const from = Math.max(0, statSync(path).size - tailBytes);
    const file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(tailBytes), 0, tailBytes, from);
    await file.close();
    const text = buffer.toString('utf8', 0, bytesRead);
    // The tail usually begins in the middle of a line, which is left out.
    return parseMetrics(from === 0 ? text : text.slice(text.indexOf('\n') + 1)).at(-1)?.step ?? 0;
  } catch {
    return 0;
  }
}

/**
 * The growth in megabytes, from the mean over 25-40 % of the steps to the mean over 85-100 %. Means are compared
 * because single samples vary with the garbage collector. Pure.
 */
export function growth(
  samples: readonly { readonly step: number; readonly megabytes: number }[],
  steps: number,
): number {
  const mean = (from: number, to: number) => {
    const there = samples.filter(({ step }) => step >= from * steps && step <= to * steps);
    return there.reduce((sum, { megabytes }) => sum + megabytes, 0) / there.length;
  };
  return mean(0.85, 1) - mean(0.25, 0.4);
}
