/** The messages between a page and its session worker. */

/** The state of a tab. */
export type JoinState =
  /** Connecting for the first time, or getting ready. */
  | 'joining'
  | 'computing'
  /** It has nothing to compute at the moment, and waits for other workers. */
  | 'waiting'
  /** The steps are made without it. It gets work when another worker is late or leaves. */
  | 'spare'
  | 'paused'
  /** The connection was lost, or the coordinator did not answer. The tab tries again by itself. */
  | 'reconnecting'
  /** The coordinator refused this tab, or the tab cannot work. It does not try again by itself. */
  | 'refused'
  /** The coordinator does not need this tab any more. */
  | 'ended'
  | 'left';

export interface JoinStatus {
  readonly state: JoinState;
  /** A sentence that explains the state, or null if the state says enough. */
  readonly reason: string | null;
  /** The name of the run, or null while it is not known. */
  readonly run: string | null;
  /** Number of lent cores. */
  readonly threads: number;
  /** Number of updates in the newest weights, or null before the first weights. */
  readonly step: number | null;
  /** Test accuracy of the run's last evaluation, as a fraction. Null before the first evaluation. */
  readonly accuracy: number | null;
  /**
   * This tab's fraction of all samples that the fleet has computed since the tab joined. Null while it is not known.
   */
  readonly share: number | null;
  readonly shards: number;
  readonly samples: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** A message from the page to its session worker. `start` is the first one, and is sent once. */
export type ToSession =
  | {
      readonly type: 'start';
      readonly url: string;
      readonly token: string | null;
      readonly threads: number;
      readonly name: string;
      readonly device: string;
    }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'leave' }
  | { readonly type: 'threads'; readonly threads: number }
  /** The page has become visible, or the network has come back. */
  | { readonly type: 'wake' };

export type FromSession = JoinStatus;
