/**
 * Data that changes with the run and is too large for the stream of states. It is fetched when there is a newer edition,
 * while the elements that show it are in view, and at most every `weightsEveryMs`.
 */
import type { Credentials } from '../../shared/protocol/handshake.js';
import type { RunState } from '../web/state.js';
import { request } from './access.js';

export interface LatestOptions {
  readonly path: string;
  /** The elements that show it. */
  readonly watched: readonly Element[];
  /** Whether the first edition is fetched before the elements are in view. Default: no. */
  readonly isFetchedUnseen?: (state: RunState) => boolean;
  readonly credentials: () => Credentials;
  /** The edition that can be fetched now: another number means newer data; null means that there is none. */
  readonly edition: (state: RunState) => number | null;
  /** Shows an answer, and returns its edition; null if the answer cannot be used. */
  readonly receive: (response: Response, state: RunState) => Promise<number | null>;
}

const NOT_MODIFIED = 304;
/** After a refusal, the wait before the next request is this many times longer. */
const PATIENCE = 4;

export class Latest {
  private readonly seen = new Set<Element>();
  private etag: string | null = null;
  private edition: number | null = null;
  private run = '';
  private isFetching = false;
  private notBeforeMs = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private state: RunState | null = null;

  constructor(private readonly options: LatestOptions) {
    const observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) this.seen.add(target);
        else this.seen.delete(target);
      }
      this.consider();
    });
    for (const element of options.watched) observer.observe(element);
  }

  follow(state: RunState): void {
    if (state.run !== this.run) {
      this.etag = null;
      this.edition = null;
    }
    this.run = state.run;
    this.state = state;
    this.consider();
  }

  private consider(): void {
    const { state } = this;
    clearTimeout(this.timer);
    if (state === null || this.isFetching) return;
    const isFetchedUnseen = this.edition === null && this.options.isFetchedUnseen?.(state) === true;
    if (this.seen.size === 0 && !isFetchedUnseen) return;
    const wanted = this.options.edition(state);
    if (wanted === null || wanted === this.edition) return;
    const wait = this.notBeforeMs - performance.now();
    if (wait > 0) this.timer = setTimeout(() => this.consider(), wait);
    else void this.fetch(state, wanted);
  }

  private async fetch(state: RunState, wanted: number): Promise<void> {
    const { path, credentials, receive } = this.options;
    this.isFetching = true;
    this.notBeforeMs = performance.now() + state.weightsEveryMs;
    try {
      const headers: Record<string, string> = this.etag === null ? {} : { 'If-None-Match': this.etag };
      const response = await request(credentials(), path, { headers, cache: 'no-store' });
      if (response.ok) {
        this.edition = (await receive(response, state)) ?? this.edition;
        this.etag = response.headers.get('ETag');
      } else if (response.status === NOT_MODIFIED) this.edition = wanted;
      else this.notBeforeMs += PATIENCE * state.weightsEveryMs;
    } catch {
      // The stream of states reports a server that does not answer. The next state causes another try.
    } finally {
      this.isFetching = false;
    }
    this.consider();
  }
}
