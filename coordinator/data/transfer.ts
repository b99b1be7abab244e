/** The stages of a download's stream, and the watchdog that ends a download when no more data arrives. */
import { createHash } from 'node:crypto';
import { isPacked, type PublishedFile } from './published-dataset.js';

export interface DownloadProgress {
  readonly file: string;
  /** Bytes received so far, compressed. */
  readonly bytes: number;
  /** The size of the whole download, if the mirror states it. */
  readonly bytesTotal?: number;
}

type Chunks = AsyncIterable<Uint8Array>;

/**
 * Passes on the bytes from the network and reports progress. Fails when there are more bytes than the file can need.
 */
export function received(
  { name: file, bytes: unpackedBytes }: PublishedFile,
  statedBytes: number,
  watchdog: Watchdog,
  onProgress: (progress: DownloadProgress) => void = () => {},
) {
  const total = statedBytes > 0 ? { bytesTotal: statedBytes } : {};
  // Deflate stores incompressible data as it is, in blocks of 16 KiB or more with a header of 5 bytes each.
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
    // From here on, only the disk can be slow, and that is not the mirror's fault.
    watchdog.stop();
  };
}

/** Passes on the bytes that the hash is of. Fails, at the latest after the last byte, if they are not the published file. */
export function verified(file: PublishedFile) {
  return async function* (chunks: Chunks): AsyncGenerator<Uint8Array> {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > file.bytes && !isPacked(file)) throw tooLong(file.bytes);
      hash.update(chunk);
      yield chunk;
    }
    if (bytes < file.bytes && !isPacked(file))
      throw new Error(`the file is truncated: ${bytes} of ${file.bytes} bytes`);
    const sha256 = hash.digest('hex');
    if (sha256 !== file.sha256) throw new Error(`the SHA-256 of the file is ${sha256}, expected ${file.sha256}`);
  };
}

function tooLong(bytes: number): Error {
  return new Error(`the file is longer than ${bytes} bytes, so it is another one`);
}

/** Aborts its signal when `feed` is not called for `stallMs`. */
export class Watchdog {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;
  readonly signal: AbortSignal = this.controller.signal;
  /** The reason, once the watchdog itself has aborted the signal. */
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

  /**
   * Ends the watchdog, and aborts what is left of the response. An unread response, such as an error page, would keep
   * its connection open and so keep the process running.
   */
  close(): void {
    this.stop();
    this.controller.abort();
  }

  private bark(): void {
    this.expired = new Error(`no data for ${this.stallMs / 1000} s`);
    this.controller.abort(this.expired);
  }
}
