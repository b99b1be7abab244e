/** A worker's connection at the fleet's end: one WebSocket, or what stands for one. */
export interface MemberConnection {
  /** Where the worker connects from, without the port: it tells two workers of the same name apart. */
  readonly address: string;
  /** The frame must not change until `whenSent`, which is called once in any case. */
  send(frame: Uint8Array, whenSent?: () => void): void;
  /** Sends what is queued, then closes. */
  close(closeCode: number, reason: string): void;
  /** Bytes that were sent but have not left this machine. */
  readonly queuedBytes: number;
}
