/**
 * Frames that wait to be handed to the members' sockets. A step of a large model is megabytes for each member. Encoding
 * all of them and handing them over would block the event loop for too long. So each turn of the event loop hands over
 * as many frames as it has time for, in the order of sending. The frames of a small model all go in one turn.
 *
 * What this is not: it does not wait for the sockets. Bytes that a slow reader leaves in its socket pile up there;
 * remote-member.ts limits them. The outbox itself is bounded by the leases of all members: every turn hands over some
 * frames, and a member is sent only its leases, their weights and samples, and one ping a second.
 */
import type { Platform } from '../compute/platform.js';

/** A frame that waits. */
export interface Parcel {
  /** Reading it may make the frame. */
  readonly bytes: Uint8Array;
  /** To be called once, when it was sent or is not wanted any more. */
  letGo(): void;
}

export interface Recipient {
  /** Lets go of the parcel once it was sent. */
  handOver(parcel: Parcel): void;
}

/** How long a turn may take, with receiving, before frames wait for the next one. */
const TURN_MS = 1;
/**
 * If a turn has no time left, its frames wait for the next turn, so that they do not make a long turn longer. The next
 * turn gives frames at least this much, however long receiving takes.
 */
const SHARE_MS = 0.5;

export class Outbox {
  private readonly waiting: { readonly recipient: Recipient; readonly parcels: Iterator<Parcel> }[] = [];
  private isHandingOver = false;
  /** When this turn of the event loop should end; null before the first call in it. */
  private untilMs: number | null = null;
  /** Whether the turn before had no time left for the frames that wait. */
  private haveWaited = false;

  constructor(private readonly platform: Pick<Platform, 'nowMs' | 'defer'>) {}

  /** To be called before work that takes time. The turn has less time for frames then. */
  turnBegins(): void {
    if (this.untilMs !== null) return;
    this.untilMs = this.platform.nowMs() + TURN_MS;
    this.platform.defer(() => this.turnEnds());
  }

  /** `parcels` is read lazily, at this recipient's turn. */
  send(recipient: Recipient, parcels: Iterable<Parcel>): void {
    this.waiting.push({ recipient, parcels: parcels[Symbol.iterator]() });
    this.turnBegins();
    this.handOver(this.untilMs ?? 0, 0);
  }

  private turnEnds(): void {
    const nowMs = this.platform.nowMs();
    const untilMs = this.untilMs ?? 0;
    const mayHandOver = this.haveWaited || nowMs < untilMs;
    if (mayHandOver) this.handOver(Math.max(untilMs, nowMs + SHARE_MS), 1);
    this.untilMs = null;
    this.haveWaited = !mayHandOver && this.waiting.length > 0;
    if (this.waiting.length > 0) this.turnBegins();
  }

  /**
   * Hands over frames while there is time, and at least `least` of them. What is sent meanwhile, by a recipient or
   * because of it, waits in line.
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
