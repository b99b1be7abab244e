/**
 * One worker's connection, at the fleet's end. It carries frames between the connection and the two who read them: the
 * admission, which decides whether the worker is a member, and the transport, which has the member's work.
 *
 * What this is not: it owns no socket. A connection is handed in that can send and close, so that the same code runs
 * over ws and over a simulated network.
 */
import { decodeFromWorker, encodeFrame } from '../protocol/codec.js';
import { type ProtocolErrorCode, protocolError } from '../protocol/errors.js';
import type { EndReason, FromWorker, Hello } from '../protocol/messages.js';
import { Admission, type AdmissionEffect, type AdmissionEvent } from './admission.js';
import type { Fleet, Traffic } from './fleet.js';
import type { MemberConnection } from './member-connection.js';
import type { Parcel } from './outbox.js';
import { type MemberLink, RemoteTransport, type ResultObserver, type WorkMessage } from './remote-transport.js';

/** What the owner of a fleet hears of its members. */
export interface MemberObserver extends ResultObserver {
  joined(member: RemoteMember): void;
  /** The fleet does not admit it any more. `left` follows if it is still connected. */
  banned(member: RemoteMember, reason: string): void;
  /** It is out; `error` is the reason when it was not its own wish. */
  left(member: RemoteMember, error: string | null): void;
}

export class RemoteMember implements MemberLink {
  /** Its number among all members of the pool. The worker, the log and the table use the same number. */
  readonly id: number;
  readonly transport: RemoteTransport;
  readonly traffic: Traffic = { bytesSent: 0, bytesReceived: 0 };
  /** Whether the worker was ever admitted. */
  wasMember = false;
  /** Leases that it had when it left. */
  shardsLeft = 0;
  private readonly admission: Admission;
  /** Null until it has joined. It keeps this name after it has left. */
  private shownName: string | null = null;

  constructor(
    private readonly fleet: Fleet,
    private readonly connection: MemberConnection,
    private readonly observer: MemberObserver,
    private readonly nowMs: () => number,
  ) {
    this.id = fleet.machine.pool.newMember();
    this.transport = new RemoteTransport(fleet, this, observer);
    this.admission = new Admission(fleet.termsFor(connection.address), nowMs());
  }

  get hello(): Hello | null {
    return this.admission.hello;
  }

  /** What the log, the dashboard and other workers call it. */
  get name(): string {
    return this.shownName ?? this.hello?.name ?? `connection ${this.id}`;
  }

  get address(): string {
    return this.connection.address;
  }

  get isMember(): boolean {
    return this.admission.state === 'member';
  }

  // ---- from the connection ----

  /** A frame, which may be anything at all. */
  receive(frame: Uint8Array): void {
    if (this.admission.state === 'closed') return;
    const { outbox, traffic, machine } = this.fleet;
    outbox.turnBegins();
    traffic.bytesReceived += frame.length;
    this.traffic.bytesReceived += frame.length;
    machine.profile.enter('receive');
    const decoded = decodeFromWorker(frame);
    if ('error' in decoded) this.step({ type: 'failed', error: decoded.error, nowMs: this.nowMs() });
    else this.handle(decoded.message, decoded.payload);
    machine.profile.leave();
  }

  /** The connection is gone. */
  disconnected(): void {
    this.step({ type: 'disconnected', nowMs: this.nowMs() });
  }

  // ---- from the owner of the fleet ----

  /** To be called about once a second. */
  tick(): void {
    this.step({ type: 'tick', nowMs: this.nowMs() });
  }

  /** The run is over, or this end of it stops. Frames that still wait for their turn are not sent. */
  end(reason: EndReason, again: boolean, message: string): void {
    this.step({ type: 'ended', reason, again, message, nowMs: this.nowMs() });
  }

  /** Sends the worker away. It is not admitted again while the fleet lives. */
  dismiss(message: string): void {
    this.step({ type: 'dismissed', message, nowMs: this.nowMs() });
  }

  // ---- from the transport ----

  joined(): void {
    this.wasMember = true;
    this.shownName = this.fleet.shownNames.take(this.name);
    this.observer.joined(this);
  }

  fail(code: ProtocolErrorCode, detail?: string): void {
    this.step({ type: 'failed', error: protocolError(code, detail), nowMs: this.nowMs() });
  }

  expel(detail: string): void {
    this.step({ type: 'convicted', detail, nowMs: this.nowMs() });
  }

  // ---- from the outbox ----

  handOver(parcel: Parcel): void {
    if (this.admission.state === 'closed') return parcel.letGo();
    const { bytes } = parcel;
    this.fleet.machine.profile.enter('send');
    this.connection.send(bytes, () => parcel.letGo());
    this.fleet.machine.profile.leave();
    this.fleet.traffic.bytesSent += bytes.length;
    this.traffic.bytesSent += bytes.length;
    const { queuedBytes } = this.connection;
    if (queuedBytes > this.fleet.queueBytesMax) this.fail('slow-reader', `${queuedBytes} bytes are waiting for it`);
  }

  private handle(message: FromWorker, payload: Uint8Array): void {
    if (this.isMember) {
      this.fleet.machine.pool.heard(this.id);
      if (isWork(message)) return this.transport.receive(message, payload);
    }
    this.step({ type: 'message', message, nowMs: this.nowMs() });
  }

  private step(event: AdmissionEvent): void {
    for (const effect of this.admission.step(event)) this.carryOut(effect);
  }

  private carryOut(effect: AdmissionEffect): void {
    switch (effect.type) {
      case 'welcome':
        return this.transport.send(this.fleet.welcome(this.id));
      case 'join':
        return void this.fleet.machine.pool.join(this.transport, true, this.id);
      case 'ban':
        return this.ban(effect.reason);
      case 'fail': {
        const { code, closeCode, message } = effect.error;
        this.connection.send(encodeFrame({ type: 'failure', code, message }));
        return this.connection.close(closeCode, code);
      }
      case 'end':
        return this.sayEnd(effect.reason, effect.again, effect.message);
      case 'depart':
        return this.depart(effect.wasMember, effect.error);
      default:
        effect satisfies never;
    }
  }

  private ban(reason: string): void {
    if (this.hello !== null) this.fleet.bans.add(this.address, this.hello, reason);
    this.observer.banned(this, reason);
  }

  private sayEnd(reason: EndReason, again: boolean, message: string): void {
    // The last progress: no heartbeat would tell it any more.
    if (this.wasMember) this.connection.send(encodeFrame(this.transport.progress()));
    this.connection.send(encodeFrame({ type: 'end', reason, again, message }));
    this.connection.close(1000, reason);
  }

  private depart(wasMember: boolean, error: string | null): void {
    this.shardsLeft = this.transport.release();
    if (wasMember) this.fleet.machine.pool.leave(this.id);
    if (this.shownName !== null) this.fleet.shownNames.giveBack(this.shownName);
    if (wasMember || error !== null) this.observer.left(this, error);
  }
}

function isWork(message: FromWorker): message is WorkMessage {
  return message.type === 'gradient' || message.type === 'result' || message.type === 'pong';
}
