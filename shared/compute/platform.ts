/** What a machine needs from its platform: Node, a browser, a simulation. */
import type { KernelBackend } from '../arithmetic/backend.js';
import type { Profile } from '../profile.js';
import type { FromThread, Port, ToThread } from './thread.js';

/** A thread as its machine sees it. */
export interface ThreadHandle extends Port<FromThread, ToThread> {
  /** Called once if the thread dies of itself. */
  whenFailed(report: (error: Error) => void): void;
  terminate(): void;
}

/** What a machine needs from its platform. */
export interface Platform {
  /** Carries out the arithmetic. Threads open it by its name. */
  readonly backend: KernelBackend;
  /** Threads that can run at the same time. */
  readonly cores: number;
  /** Whether threads can compute in one memory. */
  readonly sharesMemory: boolean;
  spawnThread(): ThreadHandle;
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** Calls back after what the event loop has to do now. */
  defer(call: () => void): void;
  /** Lowercase hex. */
  sha256(bytes: Uint8Array): string;
  readonly profile: Profile;
}
