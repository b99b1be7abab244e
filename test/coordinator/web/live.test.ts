import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveStates } from '../../../coordinator/web/live.js';
import type { Mark, ViewedRun } from '../../../coordinator/web/viewed-run.js';
import { limits } from '../../../shared/limits.js';

/** A viewer's response. It keeps what is written to it, and a test can set the length of its queue. */
class Viewer extends EventEmitter {
  readonly written: Buffer[] = [];
  writableLength = 0;
  destroyed = false;
  writeHead(): void {}
  setTimeout(): void {}
  write(event: Buffer): void {
    this.written.push(event);
  }
  end(): void {
    this.emit('close');
  }
  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
  get states(): { complete: boolean; step: number }[] {
    return this.written.map((event) => JSON.parse(event.toString().replace(/^data: /, '')));
  }
}

const asResponse = (viewer: Viewer) => viewer as unknown as ServerResponse;

/** A run whose state has only a step. It counts how often the state is requested. */
function counting() {
  const run = { step: 0, asked: 0 };
  const mark: Mark = { curve: { generation: 0, points: 0 }, event: 1 };
  const state = (_: number, since: Mark | null) => {
    run.asked += 1;
    return { complete: since === null, step: run.step };
  };
  return { run, viewed: { mark, state } as unknown as ViewedRun };
}

describe('the stream of states', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function begin() {
    const { run, viewed } = counting();
    const live = new LiveStates(
      () => viewed,
      () => Date.now(),
    );
    const join = () => {
      const viewer = new Viewer();
      return live.add(asResponse(viewer)) ? viewer : null;
    };
    return { run, live, join };
  }

  it('begins with everything, goes on with news, and says nothing while nothing happens', () => {
    const { run, join } = begin();
    const viewer = join();
    vi.advanceTimersByTime(limits.stateEveryMsMin);
    run.step = 5;
    vi.advanceTimersByTime(limits.stateEveryMsMin);
    vi.advanceTimersByTime(4 * limits.stateEveryMsMin);
    expect(viewer?.states.filter(({ complete }) => complete)).toHaveLength(1);
    expect(viewer?.states[0].complete).toBe(true);
    expect(viewer?.states.at(-1)).toEqual({ complete: false, step: 5 });
    expect(viewer?.written.length).toBeLessThanOrEqual(3);
    const quiet = viewer?.written.length ?? 0;
    vi.advanceTimersByTime(2 * limits.stateSilenceMsMax);
    expect(viewer?.written.length).toBeGreaterThan(quiet);
  });

  it('comes no more often than the limit, however fast the run is, and is encoded once for all', () => {
    const { run, join } = begin();
    const viewers = Array.from({ length: 20 }, join);
    vi.advanceTimersByTime(limits.stateEveryMsMin);
    const [before, asked] = [viewers[0]?.written.length ?? 0, run.asked];
    for (let ms = 0; ms < 1000; ms++) {
      run.step += 7;
      vi.advanceTimersByTime(1);
    }
    const events = (viewers[0]?.written.length ?? 0) - before;
    expect(events).toBeGreaterThan(0);
    expect(events).toBeLessThanOrEqual(1000 / limits.stateEveryMsMin);
    expect(run.asked - asked).toBe(events);
    for (const viewer of viewers) expect(viewer?.written.at(-1)).toBe(viewers[0]?.written.at(-1));
  });

  it('drops a viewer that does not read, and only that one', () => {
    const { run, live, join } = begin();
    const [slow, other] = [join(), join()];
    vi.advanceTimersByTime(limits.stateEveryMsMin);
    if (slow !== null) slow.writableLength = limits.viewerQueueBytesMax + 1;
    run.step = 1;
    vi.advanceTimersByTime(limits.stateEveryMsMin);
    expect([slow?.destroyed, other?.destroyed, live.count]).toEqual([true, false, 1]);
  });

  it('has room for so many, and no timer when all have gone', () => {
    const { live, join } = begin();
    const viewers = Array.from({ length: limits.viewersMax }, join);
    expect(join()).toBe(null);
    for (const viewer of viewers) viewer?.end();
    expect(live.count).toBe(0);
    vi.runAllTimers();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends with the last state', () => {
    const { run, live, join } = begin();
    const viewer = join();
    vi.advanceTimersByTime(limits.stateEveryMsMin);
    run.step = 99;
    live.end();
    expect(viewer?.states.at(-1)?.step).toBe(99);
    expect(live.count).toBe(0);
  });
});
