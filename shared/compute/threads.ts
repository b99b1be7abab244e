/** Starts and ends a machine's compute threads, and makes the lane to each. */
import { buffersOf } from './carrier.js';
import { CarrierLane, type Store } from './carrier-lane.js';
import { type Lane, ThreadLane } from './lanes.js';
import { Mailbox } from './mailbox.js';
import type { Platform, ThreadHandle } from './platform.js';

export interface ThreadsOptions {
  /** Whether the threads compute in the machine's memory. */
  readonly shareMemory: boolean;
  /** How often a thread looks for its next work before it sleeps. */
  readonly looks: () => number;
  /** How often the machine looks for the end of a thread's work before it sleeps. */
  readonly spins: number;
}

/** Receives the events of the threads. */
export interface ThreadsObserver {
  /** A lane's thread is ready for work. Threads are numbered from 0. */
  ready(lane: Lane, thread: number): void;
  /** A lane may have finished something. */
  wake(): void;
  /** A thread died. */
  failed(error: Error): void;
}

export class Threads {
  private readonly handles: ThreadHandle[] = [];

  constructor(
    private readonly platform: Platform,
    private readonly store: Store,
    private readonly options: ThreadsOptions,
  ) {}

  /** Resolves when the threads 0 to `count - 1` are ready, rejects if one fails. */
  async start(count: number, observer: ThreadsObserver): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, thread) => this.startOne(thread, observer)));
  }

  stop(): void {
    for (const handle of this.handles) handle.terminate();
    this.handles.length = 0;
  }

  private startOne(thread: number, observer: ThreadsObserver): Promise<void> {
    const handle = this.platform.spawnThread();
    this.handles.push(handle);
    const lane = this.laneTo(handle, thread, () => observer.wake());
    return new Promise((resolve, reject) => {
      handle.whenFailed((error) => {
        reject(error);
        observer.failed(error);
      });
      handle.listen((message) => {
        if (message === 'ready') {
          observer.ready(lane, thread);
          resolve();
        } else if (message === 'answered') {
          observer.wake();
        } else {
          lane.arrived(message);
        }
      });
      const { run, threads } = this.store.workspace;
      const backend = this.platform.backend.handOver;
      const memory = this.options.shareMemory ? this.store.memory.handOver : null;
      handle.post({ kind: 'start', backend, memory, run, threads: threads.length, thread });
    });
  }

  private laneTo(handle: ThreadHandle, thread: number, wake: () => void): Lane {
    const { store, options } = this;
    if (!options.shareMemory) {
      return new CarrierLane(store, (order) => handle.post(order, buffersOf(order)), wake);
    }
    const mailbox = new Mailbox(store.memory, store.workspace.threads[thread].mailbox);
    return new ThreadLane(store.buffers, mailbox, options, wake);
  }
}
