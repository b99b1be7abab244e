/**
 * The worker of a tab. It joins, pauses, leaves and joins again as the visitor wishes, and counts the work of all its
 * stays. A stay is one membership in the fleet, and each stay has its own driver.
 *
 * What this is not: it owns no timer and opens no socket.
 */

import type { DriverOptions, RunProgress, SessionDriver } from '../session-driver.js';
import type { SessionStatus } from '../session-events.js';
import type { JoinState, JoinStatus } from './status.js';

/** Makes the driver of one stay, which lends `threads` cores. */
export type MakeDriver = (threads: number, calls: Pick<DriverOptions, 'onStatus' | 'onExit'>) => SessionDriver;

/** The work done during a number of stays. */
interface Totals {
  shards: number;
  samples: number;
  bytesSent: number;
  bytesReceived: number;
}

export class TabWorker {
  /** The driver of the present stay, or null if the tab is not joined. */
  private driver: SessionDriver | null = null;
  /** All drivers that have not ended. A driver that was stopped still waits for the coordinator's answer. */
  private readonly drivers = new Set<SessionDriver>();
  private state: JoinState = 'joining';
  private reason: string | null = null;
  private run: string | null = null;
  private readonly before: Totals = { shards: 0, samples: 0, bytesSent: 0, bytesReceived: 0 };
  private shardsReported = 0;
  private progress: Readonly<RunProgress> = { step: null, share: null, spare: false, testAccuracy: null };

  constructor(
    private readonly makeDriver: MakeDriver,
    private threads: number,
  ) {
    this.begin('joining');
  }

  tick(): void {
    for (const driver of [...this.drivers]) driver.tick();
  }

  wake(): void {
    this.driver?.wake();
  }

  pause(): void {
    if (this.driver !== null) this.end('paused', null);
  }

  resume(): void {
    if (this.driver === null) this.begin('joining');
  }

  leave(): void {
    this.end('left', null);
  }

  /** Sets the number of lent cores. If the tab is joined, it leaves and joins again with `threads` cores. */
  lend(threads: number): void {
    if (threads === this.threads) return;
    this.threads = threads;
    if (this.driver === null) return;
    this.end('joining', null);
    this.begin('joining');
  }

  /**
   * The status for the page, which asks for it about four times a second. The tab also counts as computing if it has
   * finished a shard since the last call.
   */
  status(): JoinStatus {
    const { reason, run, threads, driver } = this;
    const { shards, samples, bytesSent, bytesReceived } = this.totals();
    const isComputing = driver?.isComputing === true || shards !== this.shardsReported;
    this.shardsReported = shards;
    const { step, testAccuracy: accuracy, share, spare } = this.progress;
    const atRest = spare ? 'spare' : 'waiting';
    const state = this.state === 'waiting' ? (isComputing ? 'computing' : atRest) : this.state;
    return { state, reason, run, threads, step, accuracy, share, shards, samples, bytesSent, bytesReceived };
  }

  private begin(state: JoinState): void {
    this.become(state, null);
    const driver = this.makeDriver(this.threads, {
      onStatus: (status, lastError) => {
        if (this.driver === driver) this.joins(status, lastError);
      },
      onExit: ({ ok, message }) => {
        this.drivers.delete(driver);
        if (this.driver === driver) this.end(ok ? 'ended' : 'refused', message);
      },
    });
    this.driver = driver;
    this.drivers.add(driver);
    this.progress = driver.progress;
    driver.start();
  }

  private joins(status: SessionStatus, lastError: string | null): void {
    if (status.state === 'joined') {
      this.run = status.run;
      this.become('waiting', null);
    } else if (status.state === 'waiting') {
      this.become('reconnecting', lastError);
    }
  }

  private end(state: JoinState, reason: string | null): void {
    const { driver } = this;
    Object.assign(this.before, this.totals());
    this.driver = null;
    driver?.stop();
    this.become(state, reason);
  }

  private totals(): Totals {
    const { before, driver } = this;
    const now = driver?.done;
    return {
      shards: before.shards + (now?.shards ?? 0),
      samples: before.samples + (now?.samples ?? 0),
      bytesSent: before.bytesSent + (now?.bytesSent ?? 0),
      bytesReceived: before.bytesReceived + (now?.bytesReceived ?? 0),
    };
  }

  private become(state: JoinState, reason: string | null): void {
    this.state = state;
    this.reason = reason;
  }
}
