/** What a machine needs from its platform: Node, a browser, a simulation. */
import type { KernelBackend } from '../arithmetic/backend.js';
import type { Profile } from '../profile.js';
import type { FromThread, Port, ToThread } from './thread.js';

/** The machine's end of a thread. */
export interface ThreadHandle extends Port<FromThread, ToThread> {
  /** `report` is called once if the thread ends without `terminate`. */
  whenFailed(report: (error: Error) => void): void;
  terminate(): void;
}

export interface Platform {
  /** The kernels that this machine and its threads use. */
  readonly backend: KernelBackend;
  /** Threads that can run at the same time. */
  readonly cores: number;
  /** Whether threads can compute in one memory. */
  readonly sharesMemory: boolean;
  spawnThread(): ThreadHandle;
  /** The time on a clock that never goes back, in milliseconds. */
  nowMs(): number;
  /** Calls back when the event loop has done what it has to do now. */
  defer(call: () => void): void;
  /** Lowercase hex. */
  sha256(bytes: Uint8Array): string;
  readonly profile: Profile;
}
