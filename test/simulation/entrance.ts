/** Accepts the connections of workers over the simulated network. In production, gateway.ts does this. */
import type { Entrance, Entrant } from '../../coordinator/fleet/entrance.js';
import type { MemberConnection } from '../../shared/fleet/member-connection.js';
import { limits } from '../../shared/limits.js';
import { encodeFrame } from '../../shared/protocol/codec.js';
import type { End as EndMessage } from '../../shared/protocol/messages.js';
import type { End, EndObserver, Network } from './network.js';
import type { Process } from './process.js';

export class SimulatedEntrance implements Entrance {
  private readonly ends = new Set<End>();
  private farewell: EndMessage | null = null;

  /**
   * The models here are too small to fill a queue of production. So `queueBytesMax` waiting bytes count as many as the
   * limit of production, `limits.sendQueueBytesMax`.
   */
  constructor(
    private readonly process: Process,
    private readonly network: Network,
    private readonly queueBytesMax: number,
  ) {}

  get connections(): number {
    return this.ends.size;
  }

  open(_: number, admit: (connection: MemberConnection) => Entrant): void {
    this.network.listener = { process: this.process, accept: (open) => this.accept(open, admit) };
  }

  close(end: EndMessage, graceMs: number): Promise<void> {
    this.farewell = end;
    this.process.after(graceMs, () => {
      for (const left of this.ends) left.reset('the coordinator goes');
    });
    return new Promise((resolve) => {
      const look = () => (this.ends.size === 0 ? resolve() : this.process.after(lookMs, look));
      look();
    });
  }

  /** Ends all connections, because the process was killed. */
  vanish(): void {
    for (const end of this.ends) end.vanish();
  }

  private accept(open: (observer: EndObserver) => End, admit: (connection: MemberConnection) => Entrant): void {
    if (this.ends.size >= limits.membersMax) return;
    let entrant: Entrant | null = null;
    const end = open({
      received: (frame) => entrant?.receive(frame),
      closed: () => {
        this.ends.delete(end);
        entrant?.disconnected();
      },
    });
    this.ends.add(end);
    if (this.farewell === null) entrant = admit(this.connectionOf(end));
    else {
      end.send(encodeFrame(this.farewell), () => {});
      end.close();
    }
  }

  private connectionOf(end: End): MemberConnection {
    const bytesPerByte = limits.sendQueueBytesMax / this.queueBytesMax;
    return {
      address: end.peerAddress,
      send: (frame, whenSent = () => {}) => end.send(frame, whenSent),
      close: () => end.close(),
      get queuedBytes() {
        return bytesPerByte * end.queuedBytes;
      },
    };
  }
}

/** Time between two checks whether the last connection is gone. */
const lookMs = 10;
