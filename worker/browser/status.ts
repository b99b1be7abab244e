/** What a page and its session worker tell each other. */

/** What a tab is doing. */
export type JoinState =
  /** Connecting for the first time, or getting ready. */
  | 'joining'
  | 'computing'
  /** For others: it has nothing to compute at the moment. */
  | 'waiting'
  | 'paused'
  /** The coordinator was lost, or did not answer; it tries again by itself. */
  | 'reconnecting'
  /** The coordinator does not want this tab, or it cannot work: trying again is no use. */
  | 'refused'
  /** The coordinator needs it no longer. */
  | 'ended'
  | 'left';

export interface JoinStatus {
  readonly state: JoinState;
  /** Why, in a sentence, where there is more to say than the state. */
  readonly reason: string | null;
  /** The run's name, once it is known. */
  readonly run: string | null;
  /** Cores that are lent. */
  readonly threads: number;
  /** Updates that the weights have seen; null before the first weights. */
  readonly step: number | null;
  /** Of the run's last evaluation, as a fraction; null before it. */
  readonly accuracy: number | null;
  /** Of the samples that the whole fleet has computed since this tab joined, as a fraction. */
  readonly share: number | null;
  readonly shards: number;
  readonly samples: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** To the session worker. `start` comes first, once. */
export type ToSession =
  | {
      readonly type: 'start';
      readonly url: string;
      readonly token: string | null;
      readonly threads: number;
      readonly name: string;
    }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'leave' }
  | { readonly type: 'threads'; readonly threads: number }
  /** The page is seen again, or the network is back. */
  | { readonly type: 'wake' };

export type FromSession = JoinStatus;
