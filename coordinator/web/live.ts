/**
 * The stream of states. One timer serves all viewers; a state is encoded once for all of them, and only while there are
 * viewers. A viewer that does not read is dropped; its page comes back by itself and is sent everything again.
 */
import type { ServerResponse } from 'node:http';
import { limits } from '../../shared/limits.js';
import type { Mark, ViewedRun } from './viewed-run.js';

export class LiveStates {
  /** Viewers that have been sent everything up to `mark`. */
  private readonly viewers = new Set<ServerResponse>();
  /** Viewers that have been sent nothing yet. */
  private readonly fresh = new Set<ServerResponse>();
  private mark: Mark | null = null;
  private last = '';
  private lastMs = 0;
  private sentMs = 0;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    /** Null until the run is loaded. */
    private readonly run: () => ViewedRun | null,
    private readonly nowMs: () => number,
  ) {}

  get count(): number {
    return this.viewers.size + this.fresh.size;
  }

  /** Begins the response; false when there are too many viewers. */
  add(response: ServerResponse): boolean {
    if (this.count >= limits.viewersMax) return false;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // A proxy must not gather the stream.
      'x-accel-buffering': 'no',
    });
    response.setTimeout(0);
    response.on('close', () => this.remove(response));
    this.fresh.add(response);
    this.schedule();
    return true;
  }

  /** Sends the last state, and ends all streams. */
  end(): void {
    this.send();
    for (const viewer of this.viewers) viewer.end();
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private remove(viewer: ServerResponse): void {
    this.viewers.delete(viewer);
    this.fresh.delete(viewer);
  }

  private schedule(): void {
    if (this.timer !== null || this.count === 0) return;
    const intervalMs = Math.max(limits.stateEveryMsMin, this.count * limits.stateMsPerViewer);
    const wait = Math.max(0, this.lastMs + intervalMs - this.nowMs());
    this.timer = setTimeout(() => {
      this.timer = null;
      this.send();
      this.schedule();
    }, wait);
  }

  private send(): void {
    this.lastMs = this.nowMs();
    const run = this.run();
    if (run !== null && this.viewers.size > 0) this.sendNews(run);
    if (run !== null && this.fresh.size > 0) this.sendAll(run);
  }

  /** Without news nothing is sent, except a sign of life every `limits.stateSilenceMsMax`. */
  private sendNews(run: ViewedRun): void {
    const state = run.state(this.count, this.mark);
    this.mark = run.mark;
    const content = JSON.stringify({ ...state, now: 0 });
    if (content === this.last && this.nowMs() - this.sentMs < limits.stateSilenceMsMax) return;
    this.last = content;
    this.sentMs = this.nowMs();
    this.deliver(this.viewers, eventOf(JSON.stringify(state)));
  }

  /** Comes after `sendNews`, so that all viewers have the same mark. */
  private sendAll(run: ViewedRun): void {
    const state = run.state(this.count, null);
    this.mark = run.mark;
    this.deliver(this.fresh, eventOf(JSON.stringify(state)));
    for (const viewer of this.fresh) this.viewers.add(viewer);
    this.fresh.clear();
  }

  private deliver(viewers: Iterable<ServerResponse>, event: Buffer): void {
    for (const viewer of viewers) {
      if (viewer.writableLength > limits.viewerQueueBytesMax) viewer.destroy();
      else viewer.write(event);
    }
  }
}

function eventOf(json: string): Buffer {
  return Buffer.from(`data: ${json}\n\n`);
}
