/**
 * How a connection becomes a member of the fleet, and how it ends: greeting, preparing, member, closed. The mirror of
 * the worker's Session.
 *
 * What this is: a synchronous, deterministic state machine. An event goes in with the time, effects come out. What this
 * is not: it owns no socket and no timer, and sees no lease, weight or gradient. What a member says about its work goes
 * past it, to the transport.
 */
import type { Arithmetic } from '../arithmetic/identity.js';
import { limits } from '../limits.js';
import { type ProtocolError, protocolError } from '../protocol/errors.js';
import { type EndReason, type FromWorker, type Hello, protocolVersion } from '../protocol/messages.js';

/** What a worker must show before it is a member. */
export interface AdmissionTerms {
  /** Its specification must be the worker's, its known answer must be what the worker's kernels give. */
  readonly arithmetic: Arithmetic;
  /** Why this worker is not admitted any more, or null. */
  readonly bannedFor: (worker: Pick<Hello, 'name' | 'device'>) => string | null;
}

/** A closed set of events. All carry the time, in monotonic milliseconds. */
export type AdmissionEvent = (
  | { readonly type: 'message'; readonly message: FromWorker }
  /** The worker is at fault: what arrived is not a message, or the transport says so. */
  | { readonly type: 'failed'; readonly error: ProtocolError }
  /** A recomputation shows that it has computed something wrong. It may have left since. */
  | { readonly type: 'convicted'; readonly detail: string }
  /** The operator sends the worker away. It is not admitted again. */
  | { readonly type: 'dismissed'; readonly message: string }
  /** The run is over, or this end of it stops. */
  | { readonly type: 'ended'; readonly reason: EndReason; readonly again: boolean; readonly message: string }
  /** The connection is gone. */
  | { readonly type: 'disconnected' }
  /** About once a second, until it is a member. */
  | { readonly type: 'tick' }
) & { readonly nowMs: number };

export type AdmissionEffect =
  /** Answer its greeting with the run. */
  | { readonly type: 'welcome' }
  /** Let it join the pool. */
  | { readonly type: 'join' }
  /** Refuse every later connection of this worker. */
  | { readonly type: 'ban'; readonly reason: string }
  /** Tell it what is wrong, and close with the error's code. */
  | { readonly type: 'fail'; readonly error: ProtocolError }
  /** Tell it that it is needed no longer, and close. */
  | { readonly type: 'end'; readonly reason: EndReason; readonly again: boolean; readonly message: string }
  /** The worker is out: free what it holds. `error` is null if it left by itself. Only bans may follow. */
  | { readonly type: 'depart'; readonly wasMember: boolean; readonly error: string | null };

export type AdmissionState = 'greeting' | 'preparing' | 'member' | 'closed';

/** How long a connection may stay in a state. */
const waitMsMax = { greeting: limits.helloMsMax, preparing: limits.prepareMsMax };
/** More time than this between two ticks is our own standstill, so it does not count against the worker. */
const tickMsMax = 1_000;

export class Admission {
  /** Null until it has greeted. */
  hello: Hello | null = null;
  private current: AdmissionState = 'greeting';
  /** How long it has been in the present state, without our own standstills. */
  private waitedMs = 0;
  private effects: AdmissionEffect[] = [];

  constructor(
    private readonly terms: AdmissionTerms,
    private tickedMs: number,
  ) {}

  get state(): AdmissionState {
    return this.current;
  }

  step(event: AdmissionEvent): AdmissionEffect[] {
    this.effects = [];
    if (this.current !== 'closed') this.handle(event);
    else if (event.type === 'convicted') this.ban(wrongResult(event.detail).message);
    return this.effects;
  }

  private handle(event: AdmissionEvent): void {
    switch (event.type) {
      case 'message':
        return this.receive(event.message, event.nowMs);
      case 'failed':
        return this.fail(event.error);
      case 'convicted':
        return this.convict(wrongResult(event.detail));
      case 'dismissed':
        this.ban(event.message);
        return this.end('dropped', false, event.message);
      case 'ended':
        return this.end(event.reason, event.again, event.message);
      case 'disconnected':
        return this.depart(null);
      case 'tick':
        return this.tick(event.nowMs);
      default:
        event satisfies never;
    }
  }

  private receive(message: FromWorker, nowMs: number): void {
    switch (message.type) {
      case 'hello':
        return this.current === 'greeting' ? this.greet(message, nowMs) : this.unexpected(message.type);
      case 'ready':
        return this.current === 'preparing' ? this.admit(message.knownAnswer, nowMs) : this.unexpected(message.type);
      case 'gradient':
      case 'result':
        return this.unexpected(message.type);
      case 'pong':
        return;
      case 'leave':
        return this.end('dropped', false, 'left as asked');
      case 'failure':
        return this.fail(protocolError(message.code, message.message));
      default:
        message satisfies never;
    }
  }

  private greet(hello: Hello, nowMs: number): void {
    this.hello = hello;
    const refusal = this.refusalOf(hello);
    if (refusal !== null) return this.fail(refusal);
    this.become('preparing', nowMs);
    this.effects.push({ type: 'welcome' });
  }

  private refusalOf(hello: Hello): ProtocolError | null {
    const { protocol, version, arithmetic } = hello;
    const { terms } = this;
    if (protocol !== protocolVersion) return protocolError('version-mismatch', version);
    const reason = terms.bannedFor(hello);
    if (reason !== null) return protocolError('banned', reason);
    const { specification } = terms.arithmetic;
    if (arithmetic === specification) return null;
    return protocolError('arithmetic-mismatch', `${arithmetic} is not ${specification}`);
  }

  private admit(knownAnswer: string, nowMs: number): void {
    if (knownAnswer !== this.terms.arithmetic.knownAnswer) return this.fail(protocolError('known-answer-wrong'));
    this.become('member', nowMs);
    this.effects.push({ type: 'join' });
  }

  private tick(nowMs: number): void {
    this.waitedMs += Math.min(nowMs - this.tickedMs, tickMsMax);
    this.tickedMs = nowMs;
    const { current } = this;
    if (current !== 'greeting' && current !== 'preparing') return;
    if (this.waitedMs > waitMsMax[current]) this.fail(protocolError('heartbeat-lost', `${current} took too long`));
  }

  private unexpected(type: string): void {
    this.fail(protocolError('unexpected-message', `${type} while ${this.current}`));
  }

  private convict(error: ProtocolError): void {
    this.ban(error.message);
    this.fail(error);
  }

  private ban(reason: string): void {
    if (this.hello !== null) this.effects.push({ type: 'ban', reason });
  }

  private fail(error: ProtocolError): void {
    this.effects.push({ type: 'fail', error });
    this.depart(error.message);
  }

  private end(reason: EndReason, again: boolean, message: string): void {
    this.effects.push({ type: 'end', reason, again, message });
    this.depart(null);
  }

  private depart(error: string | null): void {
    this.effects.push({ type: 'depart', wasMember: this.current === 'member', error });
    this.current = 'closed';
  }

  private become(state: AdmissionState, nowMs: number): void {
    this.current = state;
    this.waitedMs = 0;
    this.tickedMs = nowMs;
  }
}

function wrongResult(detail: string): ProtocolError {
  return protocolError('bad-result', detail);
}
