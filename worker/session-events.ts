/** The events of a worker's session, and the effects that its driver performs. */
import type { ProtocolErrorCode } from '../shared/protocol/errors.js';
import type {
  FromCoordinator,
  FromWorker,
  Progress,
  SamplesMessage,
  ShardLease,
  WeightsMessage,
  Welcome,
} from '../shared/protocol/messages.js';

export interface SessionConfig {
  readonly version: string;
  readonly name: string;
  /** See `Hello`. */
  readonly device?: string | undefined;
  readonly kind: string;
  readonly threads: number;
  /** The kernels, for people: `KernelBackend.description`. */
  readonly kernels: string;
}

/** All events. Each carries the time in monotonic milliseconds. */
export type SessionEvent = (
  | { readonly type: 'start' }
  | { readonly type: 'opened' }
  | { readonly type: 'message'; readonly message: FromCoordinator }
  /** What arrived is not a message, or its payload is wrong. */
  | { readonly type: 'garbage'; readonly code: ProtocolErrorCode; readonly detail: string }
  | { readonly type: 'closed' }
  /** The machine is ready for the welcome's run; `knownAnswer` is the hash of its known-answer test. */
  | { readonly type: 'prepared'; readonly knownAnswer: string }
  /** At least once a second. */
  | { readonly type: 'tick' }
  /** The network may be back, or the machine has slept. */
  | { readonly type: 'wake' }
  /** The user wants to stop. */
  | { readonly type: 'stop' }
) & { readonly nowMs: number };

export type SessionEffect =
  | { readonly type: 'connect' }
  | { readonly type: 'send'; readonly message: FromWorker }
  /** Close the connection; `closed` will follow. */
  | { readonly type: 'close'; readonly code: ProtocolErrorCode | null }
  /** Get ready for this run. */
  | { readonly type: 'prepare'; readonly welcome: Welcome }
  /** The payload of the message at hand is a part of the weights, or samples: store it. */
  | { readonly type: 'store-weights'; readonly weights: WeightsMessage }
  | { readonly type: 'store-samples'; readonly samples: SamplesMessage }
  /** Compute this shard. */
  | { readonly type: 'compute'; readonly shard: ShardLease }
  | { readonly type: 'cancel'; readonly lease: number }
  /** Stop computing: the results are not needed any more. */
  | { readonly type: 'drop-work' }
  /** The coordinator has sent the progress of the run. */
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'status'; readonly status: SessionStatus }
  /** The session is over. */
  | { readonly type: 'exit'; readonly ok: boolean; readonly message: string };

export type SessionStatus =
  | { readonly state: 'connecting' }
  | { readonly state: 'joined'; readonly run: string; readonly member: number }
  /** Not connected. The next attempt is after this many milliseconds. */
  | {
      readonly state: 'waiting';
      readonly retryMs: number;
      readonly wasJoined: boolean;
      readonly firstAttempt: boolean;
    };
