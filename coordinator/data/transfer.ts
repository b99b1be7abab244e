/** The stages through which a download flows, and the watchdog that ends one that has stopped flowing. */
import { createHash } from 'node:crypto';
import type { PublishedFile } from './mnist.js';

export interface DownloadProgress {
  readonly file: string;
  /** Received so far. */
  readonly bytes: number;
  /** If the mirror states it. */
  readonly bytesTotal?: number;
}

type Chunks = AsyncIterable<Uint8Array>;

/** Passes on what the network brings, reports it, and refuses more than the file could need. */
export function received(
  { name: file, bytes: unpackedBytes }: PublishedFile,
  statedBytes: number,
  watchdog: Watchdog,
  onProgress: (progress: DownloadProgress) => void = () => {},
) {
  const total = statedBytes > 0 ? { bytesTotal: statedBytes } : {};
  // Deflate stores what it cannot compress, in blocks with 5 bytes of header per 16 KiB or more.
  const bytesMax = unpackedBytes * 1.001 + 4096;
  return async function* (chunks: Chunks): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    onProgress({ file, bytes, ...total });
    for await (const chunk of chunks) {
      watchdog.feed();
      bytes += chunk.length;
      if (bytes > bytesMax) throw tooLong(unpackedBytes);
      onProgress({ file, bytes, ...total });
      yield chunk;
    }
    // What is left to do depends on the disk, not on the mirror.
    watchdog.stop();
  };
}

/** Passes on decompressed bytes, and fails at the latest at their end unless they are the published ones. */
export function verified(file: PublishedFile) {
  return async function* (chunks: Chunks): AsyncGenerator<Uint8Array> {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > file.bytes) throw tooLong(file.bytes);
      hash.update(chunk);
      yield chunk;
    }
    if (bytes < file.bytes) throw new Error(`the file is truncated: ${bytes} of ${file.bytes} bytes`);
    const sha256 = hash.digest('hex');
    if (sha256 !== file.sha256) throw new Error(`the SHA-256 of the file is ${sha256}, expected ${file.sha256}`);
  };
}

function tooLong(bytes: number): Error {
  return new Error(`the file is longer than ${bytes} bytes, so it is another one`);
}

/** Aborts its signal when it has not been fed for `stallMs`. */
export class Watchdog {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;
  readonly signal: AbortSignal = this.controller.signal;
  /** Why the signal is aborted, if it is. */
  expired: Error | undefined;

  constructor(private readonly stallMs: number) {
    this.timer = setTimeout(() => this.bark(), stallMs);
  }

  feed(): void {
    this.timer.refresh();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  /** Also lets go of what is left of a response, such as an error page, whose connection would keep the process up. */
  close(): void {
    this.stop();
    this.controller.abort();
  }

  private bark(): void {
    this.expired = new Error(`no data for ${this.stallMs / 1000} s`);
    this.controller.abort(this.expired);
  }
}
