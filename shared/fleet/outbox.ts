/**
 * What waits to be handed to the members' sockets. A step of a large model is megabytes for each member: to encode them
 * and to hand them over takes longer than the event loop should stand still. So they go out in the order in which they
 * were sent, as many at a time as a turn of the event loop has time for; those of a small model all at once.
 *
 * What this is not: it does not wait for the sockets. What a slow reader leaves there piles up as if there were no
 * outbox, and is limited in remote-member.ts. Its own length is bounded by the leases of all members: some of it
 * goes in every turn, and nobody is sent more than those, their weights and samples, and a ping a second.
 */
import type { Platform } from '../compute/platform.js';

/** A frame that waits. */
export interface Parcel {
  /** May be made only now. */
  readonly bytes: Uint8Array;
  /** It was sent, or nobody wants it any more. */
  letGo(): void;
}

export interface Recipient {
  /** Lets go of the parcel once it was sent. */
  handOver(parcel: Parcel): void;
}

/** What a turn may take in all, receiving included, before frames wait for the next one. */
const TURN_MS = 1;
/** However long receiving takes, frames have so much of every turn. */
const SHARE_MS = 0.5;

export class Outbox {
  private readonly waiting: { readonly recipient: Recipient; readonly parcels: Iterator<Parcel> }[] = [];
  private isHandingOver = false;
  /** When this turn of the event loop has to be over; null while nothing was done in it. */
  private untilMs: number | null = null;

  constructor(private readonly platform: Pick<Platform, 'nowMs' | 'defer'>) {}

  /** To be called at the beginning of whatever may take its time: the turn is that much shorter for frames. */
  turnBegins(): void {
    if (this.untilMs !== null) return;
    this.untilMs = this.platform.nowMs() + TURN_MS;
    this.platform.defer(() => this.turnEnds());
  }

  /** What it takes to know the parcels may be done only when it is their turn. */
  send(recipient: Recipient, parcels: Iterable<Parcel>): void {
    this.waiting.push({ recipient, parcels: parcels[Symbol.iterator]() });
    this.turnBegins();
    this.handOver(this.untilMs ?? 0, 0);
  }

  private turnEnds(): void {
    this.handOver(Math.max(this.untilMs ?? 0, this.platform.nowMs() + SHARE_MS), 1);
    this.untilMs = null;
    if (this.waiting.length > 0) this.turnBegins();
  }

  /**
   * As many as there is time for, and `least` in any case. A recipient may send, or have others send, while it is handed
   * something: that waits in line.
   */
  private handOver(untilMs: number, least: number): void {
    if (this.isHandingOver) return;
    this.isHandingOver = true;
    let done = 0;
    let handed = 0;
    try {
      while (done < this.waiting.length && (handed < least || this.platform.nowMs() < untilMs)) {
        const { recipient, parcels } = this.waiting[done];
        const next = parcels.next();
        if (next.done) done += 1;
        else {
          recipient.handOver(next.value);
          handed += 1;
        }
      }
    } finally {
      this.waiting.splice(0, done);
      this.isHandingOver = false;
    }
  }
}
