/**
 * The turns of a machine's own thread: when it computes, collects what its lanes have finished, watches them, and goes
 * back to the event loop.
 */
import type { LeaseOrder } from '../pool/pool-driver.js';
import type { Lane, Placed } from './lanes.js';

/** Longest time without a look at the event loop, except for one shard that takes longer. */
const TURN_MS = 1;

/** What a machine's own thread does in its turns. */
export interface TurnWork {
  nowMs(): number;
  /** Calls back when the event loop has done what it has to do now. */
  defer(call: () => void): void;
  /** Whether this thread computes shards at present, and is not needed by others. */
  isFree(): boolean;
  /** Whether it computes this one. */
  isFreeFor(order: LeaseOrder): boolean;
  /** Computes a shard here and now; returns how long it took, in milliseconds. */
  compute(placed: Placed): number;
  /** A shard of this lane is done. It may bring new work. */
  finished(lane: Lane, placed: Placed, tookMs: number): void;
  /** Calls `look` up to `spins` times, until it returns true; returns whether it did. */
  watch(spins: number, look: () => boolean): boolean;
}

export class Turns {
  private readonly lanes: Lane[] = [];
  private state: 'none' | 'deferred' | 'running' = 'none';
  private readonly anyFinished = (): boolean => {
    for (const lane of this.lanes) if (lane.hasFinished) return true;
    return false;
  };

  constructor(
    private readonly work: TurnWork,
    private readonly spins: number,
  ) {}

  add(lane: Lane): void {
    this.lanes.push(lane);
  }

  /** Idle threads of the same memory, which can help with an update. */
  idleHelpers(): Lane[] {
    return this.lanes.filter((lane) => lane.canHelp);
  }

  /** There is something to compute or to collect: a turn begins when the caller is done. */
  wake(): void {
    if (this.state !== 'none') return;
    this.state = 'deferred';
    this.work.defer(() => this.run());
  }

  /** Computes and collects until nothing more is to be expected at once, or until the event loop is due. */
  private run(): void {
    this.state = 'running';
    const { work } = this;
    const untilMs = work.nowMs() + TURN_MS;
    while (work.nowMs() < untilMs) {
      if (this.collect() || this.computeReclaimed()) continue;
      if (!(work.isFree() && this.isBusy() && work.watch(this.spins, this.anyFinished))) return this.rest();
    }
    this.state = 'none';
    if (this.isBusy()) this.wake();
  }

  /** Hands on what the lanes have finished; false if there was nothing. */
  private collect(): boolean {
    let any = false;
    for (const lane of this.lanes) {
      const finished = lane.finished();
      if (finished === undefined) continue;
      this.work.finished(lane, finished.placed, finished.tookMs);
      any = true;
    }
    return any;
  }

  private isBusy(): boolean {
    return this.lanes.some((lane) => lane.isExpected);
  }

  /**
   * This thread has nothing to compute, so it computes a shard that another thread has not begun. The system may not have
   * found a core for that thread yet. False if there is no such shard.
   */
  private computeReclaimed(): boolean {
    if (!this.work.isFree()) return false;
    for (const lane of this.lanes) {
      const placed = lane.reclaim(this.work.isFreeFor);
      if (placed === undefined) continue;
      this.work.finished(lane, placed, this.work.compute(placed));
      return true;
    }
    return false;
  }

  /** Back to the event loop, until a message says that there is something to collect. */
  private rest(): void {
    this.state = 'none';
    for (const lane of this.lanes) lane.wantMessage();
    // A lane may have finished before it saw that a message is wanted.
    if (this.anyFinished()) this.wake();
  }
}
