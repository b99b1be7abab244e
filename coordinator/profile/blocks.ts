/**
 * How long the event loop is blocked, and why. A timer is due every millisecond; when it comes late, the loop was
 * blocked. Some of that time goes to the garbage collector. Some goes to other processes that had the core. In a virtual
 * machine, some goes to other guests of the host: the guest has no counter for it, but Linux does not count it as
 * processor time of the process.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { PerformanceObserver } from 'node:perf_hooks';

/** One block of the event loop. */
export interface Block {
  readonly ms: number;
  /** Part of `ms`: collecting garbage. */
  readonly gcMs: number;
  /** Part of `ms`: waiting for a core; some of it may also be in `gcMs`. Null where the platform does not measure it. */
  readonly coreWaitMs: number | null;
  /** Processor time of the whole process during the block: all threads, and the tick itself. */
  readonly processorMs: number;
}

interface Span {
  readonly beginMs: number;
  readonly endMs: number;
}

const periodMs = 1;
/** Collections are reported shortly after they happen. A block waits for at most this many ticks for reports. */
const collectionsKept = 256;

export class Blocks {
  private readonly collections: Span[] = [];
  private readonly observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) this.collected(startTime, duration);
  });
  private readonly core = new CoreWait();
  private timer: NodeJS.Timeout | null = null;
  private lastMs = 0;
  private lastWaitMs: number | null = null;
  private lastProcessorMs = 0;
  private longest_: Candidate = { beginMs: 0, endMs: 0, ms: 0, gcMs: 0, coreWaitMs: null, processorMs: 0 };
  private longestOnCore_: Candidate = this.longest_;

  begin(): void {
    this.observer.observe({ entryTypes: ['gc'] });
    this.look();
    this.timer = setInterval(() => this.tick(), periodMs);
    this.timer.unref();
  }

  end(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.observer.disconnect();
    this.core.close();
  }

  get longest(): Block {
    return blockOf(this.longest_);
  }

  /** The longest block when only time on a core counts. */
  get longestOnCore(): Block {
    return blockOf(this.longestOnCore_);
  }

  private look(): void {
    this.lastWaitMs = this.core.totalMs();
    this.lastProcessorMs = processorMs();
    this.lastMs = performance.now();
  }

  private tick(): void {
    const { lastMs: beginMs, lastWaitMs: waitMs, lastProcessorMs } = this;
    this.look();
    const block = {
      beginMs,
      endMs: this.lastMs,
      ms: this.lastMs - beginMs - periodMs,
      gcMs: 0,
      coreWaitMs: waitMs === null || this.lastWaitMs === null ? null : this.lastWaitMs - waitMs,
      processorMs: this.lastProcessorMs - lastProcessorMs,
    };
    const longer = block.ms > this.longest_.ms;
    const longerOnCore = onCoreMs(block) > onCoreMs(this.longestOnCore_);
    if (!longer && !longerOnCore) return;
    for (const collection of this.collections) block.gcMs += overlapMs(block, collection);
    if (longer) this.longest_ = block;
    if (longerOnCore) this.longestOnCore_ = block;
  }

  private collected(beginMs: number, durationMs: number): void {
    const collection = { beginMs, endMs: beginMs + durationMs };
    if (this.collections.push(collection) > collectionsKept) this.collections.shift();
    for (const block of new Set([this.longest_, this.longestOnCore_])) block.gcMs += overlapMs(block, collection);
  }
}

interface Candidate extends Omit<Block, 'gcMs'>, Span {
  gcMs: number;
}

/** An upper limit of the time on a core during a block. Time spent waiting for a disk is not part of it. */
export function onCoreMs({ ms, coreWaitMs, processorMs }: Omit<Block, 'gcMs'>): number {
  return Math.min(ms - (coreWaitMs ?? 0), processorMs);
}

function blockOf({ ms, gcMs, coreWaitMs, processorMs }: Candidate): Block {
  return { ms, gcMs, coreWaitMs, processorMs };
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function overlapMs(a: Span, b: Span): number {
  return Math.max(0, Math.min(a.endMs, b.endMs) - Math.max(a.beginMs, b.beginMs));
}

/** Time that this thread was ready and waited for a core: the second number of Linux's schedstat, in nanoseconds. */
class CoreWait {
  private readonly file: number | null = openIfThere('/proc/self/schedstat');
  private readonly bytes = Buffer.alloc(128);

  totalMs(): number | null {
    if (this.file === null) return null;
    const length = readSync(this.file, this.bytes, 0, this.bytes.length, 0);
    return Number(this.bytes.toString('latin1', 0, length).split(' ')[1]) / 1e6;
  }

  close(): void {
    if (this.file !== null) closeSync(this.file);
  }
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch {
    return null;
  }
}
