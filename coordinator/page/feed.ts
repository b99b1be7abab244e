/**
 * The stream of states: open while the page is visible, and opened again when it breaks. Only the newest state counts, so
 * a slow page never falls behind.
 */
import type { Credentials } from '../../shared/protocol/handshake.js';
import type { RunState } from '../web/state.js';
import { request } from './access.js';
import { EventReader } from './sse.js';

/** Receives the events of the stream. */
export type FeedStatus =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** The other side does not answer; the page tries again. */
  | { readonly kind: 'gone'; readonly since: number }
  /** The other side wants a token, or another one. */
  | { readonly kind: 'refused' };

/** A stream that is silent for this long is opened again: a network may be gone without a sign. */
const SILENCE_MAX_MS = 20_000;
const EVENT_CHARACTERS_MAX = 4 * 1024 * 1024;
const RETRY_MS = [500, 1000, 2000, 4000];

export class Feed {
  private stream: AbortController | null = null;
  private attempts = 0;
  private goneSince: number | null = null;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private credentials: Credentials,
    private readonly onState: (state: RunState) => void,
    private readonly onStatus: (status: FeedStatus) => void,
  ) {
    document.addEventListener('visibilitychange', () => this.follow());
    addEventListener('online', () => this.restart());
    addEventListener('pageshow', (event) => event.persisted && this.restart());
  }

  /** Opens the stream again, with another token if one is given. */
  restart(credentials: Credentials = this.credentials): void {
    this.credentials = credentials;
    this.close();
    this.attempts = 0;
    this.follow();
  }

  /** A hidden page has no stream. */
  private follow(): void {
    if (document.visibilityState === 'hidden') this.close();
    else if (this.stream === null) void this.open();
  }

  private close(): void {
    clearTimeout(this.retry);
    this.stream?.abort();
    this.stream = null;
  }

  private async open(): Promise<void> {
    clearTimeout(this.retry);
    const stream = new AbortController();
    this.stream = stream;
    try {
      const refused = await this.read(stream);
      if (this.stream !== stream) return;
      this.stream = null;
      if (refused) return this.onStatus({ kind: 'refused' });
    } catch {
      if (this.stream !== stream) return;
      this.stream = null;
    }
    this.tryAgain();
  }

  private tryAgain(): void {
    // The first try comes at once and says nothing: a stream may end while the run goes on.
    if (this.attempts > 0) {
      this.goneSince ??= Date.now();
      this.onStatus({ kind: 'gone', since: this.goneSince });
    }
    const wait = this.attempts === 0 ? 0 : RETRY_MS[Math.min(this.attempts, RETRY_MS.length) - 1];
    this.attempts += 1;
    this.retry = setTimeout(() => this.follow(), wait);
  }

  /** Reads to the end of the stream. Resolves with true if the token was refused. */
  private async read(stream: AbortController): Promise<boolean> {
    let silence = setTimeout(() => stream.abort(), SILENCE_MAX_MS);
    try {
      const response = await request(this.credentials, 'api/events', { signal: stream.signal, cache: 'no-store' });
      if (response.status === 401 || response.status === 403) return true;
      if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const events = new EventReader(EVENT_CHARACTERS_MAX);
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return false;
        clearTimeout(silence);
        silence = setTimeout(() => stream.abort(), SILENCE_MAX_MS);
        for (const data of events.push(value)) this.receive(data);
      }
    } finally {
      clearTimeout(silence);
    }
  }

  private receive(data: string): void {
    const state = JSON.parse(data) as RunState;
    this.attempts = 0;
    this.goneSince = null;
    this.onStatus({ kind: 'live' });
    this.onState(state);
  }
}
