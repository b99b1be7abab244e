/**
 * A worker's conversation with its coordinator: connect, greet, prepare, work, leave; and connect again when the
 * connection is lost. The mirror of the fleet's Admission.
 *
 * What this is: a synchronous, deterministic state machine. An event goes in with the time, effects come out. What this
 * is not: it owns no socket, no timer and no thread, and it sees no weight and no pixel. A message's payload stays with
 * the driver; the session only says what to do with it.
 */
import { arithmetic } from '../shared/arithmetic/identity.js';
import { limits } from '../shared/limits.js';
import { parameterCount } from '../shared/model/parameters.js';
import type { ProtocolErrorCode } from '../shared/protocol/errors.js';
import {
  type FromCoordinator,
  type FromWorker,
  protocolVersion,
  type ShardLease,
  type WeightsMessage,
  type Welcome,
} from '../shared/protocol/messages.js';
import { partsOf } from '../shared/protocol/tensor.js';
import type { Random } from '../shared/random.js';
import { HeldWork } from './held-work.js';
import type { SessionConfig, SessionEffect, SessionEvent } from './session-events.js';

/** How long each stage may take, and how soon to try again. */
export const sessionTimes = {
  openMs: 10_000,
  welcomeMs: 10_000,
  /** Starting threads takes time on a slow machine. The coordinator sends nothing meanwhile. */
  prepareMs: 0.9 * limits.prepareMsMax,
  /**
   * The coordinator sends at least its pings. If nothing has come for this long, the worker sends a message: if this
   * machine slept and the connection leads nowhere any more, it breaks at once.
   */
  probeMs: 5_000,
  /** A coordinator that was silent for this long is gone. One that was only stopped comes back earlier. */
  silenceMs: 60_000,
  /** The same after this machine has slept, when the coordinator may have given it up: a few pings. */
  wakeMs: 3_000,
  retryMsMin: 250,
  retryMsMax: 15_000,
  /** If no event came for this long, this machine slept. */
  sleptMs: 10_000,
  /** A coordinator that does not close for this long after `leave` is left behind. */
  leaveMs: 2_000,
} as const;

/** Errors that no second attempt can change, whichever side found them. */
const finalErrors: ReadonlySet<ProtocolErrorCode> = new Set([
  'version-mismatch',
  'arithmetic-mismatch',
  'known-answer-wrong',
  'token-wrong',
  'bad-result',
  'banned',
]);

type State = 'idle' | 'waiting' | 'connecting' | 'greeting' | 'preparing' | 'working' | 'leaving' | 'ended';

export class Session {
  private state: State = 'idle';
  private attempts = 0;
  private retryAtMs = 0;
  /** The connection is being closed: messages that still arrive on it are ignored. */
  private closing = false;
  private deadlineMs = Number.POSITIVE_INFINITY;
  private probeAtMs = Number.POSITIVE_INFINITY;
  private lastEventMs: number | null = null;
  private effects: SessionEffect[] = [];
  private readonly work = new HeldWork();

  /** `random` spreads the attempts of many workers that lost the same coordinator. */
  constructor(
    private readonly config: SessionConfig,
    private readonly random: Random,
  ) {}

  step(event: SessionEvent): SessionEffect[] {
    this.effects = [];
    if (this.state !== 'ended') this.handle(event);
    return this.effects;
  }

  /** Whether a shard is still wanted on this connection, so that a part of its gradient is to be sent. */
  wants(lease: number): boolean {
    return this.work.has(lease);
  }

  /** Ends a lease whose shard is computed. Its result is to be sent only if this holds: it was still wanted. */
  answers(lease: number): boolean {
    return this.work.end(lease);
  }

  private handle(event: SessionEvent): void {
    const { nowMs } = event;
    // This machine slept: the pauses between attempts begin anew.
    if (this.lastEventMs !== null && nowMs - this.lastEventMs > sessionTimes.sleptMs) this.attempts = 0;
    this.lastEventMs = nowMs;
    switch (event.type) {
      case 'start':
        return this.connect(nowMs);
      case 'opened':
        return this.greet(nowMs);
      case 'message':
        return this.receive(event.message, nowMs);
      case 'garbage':
        return this.isConnected() ? this.reject(event.code, event.detail) : undefined;
      case 'closed':
        return this.closed(nowMs);
      case 'prepared':
        return this.prepared(event.knownAnswer, nowMs);
      case 'tick':
        return this.tick(nowMs);
      case 'wake':
        return this.wake(nowMs);
      case 'stop':
        return this.stop(nowMs);
      default:
        event satisfies never;
    }
  }

  private connect(nowMs: number): void {
    if (this.state !== 'idle' && this.state !== 'waiting') return;
    this.closing = false;
    this.become('connecting', nowMs + sessionTimes.openMs);
    this.effects.push({ type: 'status', status: { state: 'connecting' } }, { type: 'connect' });
  }

  private greet(nowMs: number): void {
    if (this.state !== 'connecting' || this.closing) return;
    this.become('greeting', nowMs + sessionTimes.welcomeMs);
    const { specification } = arithmetic;
    this.send({ type: 'hello', protocol: protocolVersion, arithmetic: specification, ...this.config });
  }

  private receive(message: FromCoordinator, nowMs: number): void {
    if (!this.isConnected()) return;
    if (this.state === 'working') this.becomeWorking(nowMs);
    switch (message.type) {
      case 'welcome':
        return this.welcomed(message, nowMs);
      case 'weights':
        return this.weights(message);
      case 'samples':
        return this.isAdmitted()
          ? void this.effects.push({ type: 'store-samples', samples: message })
          : this.unexpected(message.type);
      case 'shard':
        return this.shard(message);
      case 'cancel':
        return this.cancel(message.lease);
      case 'ping':
        return this.send({ type: 'pong', id: message.id });
      case 'progress':
        return void this.effects.push({ type: 'progress', progress: message });
      case 'end':
        return this.ended(message.again, message.message);
      case 'failure':
        return this.refused(message.code, message.message);
      default:
        message satisfies never;
    }
  }

  private welcomed(welcome: Welcome, nowMs: number): void {
    if (this.state !== 'greeting') return this.unexpected('welcome');
    this.become('preparing', nowMs + sessionTimes.prepareMs);
    this.work.begin(partsOf(parameterCount(welcome.model)));
    this.effects.push({ type: 'prepare', welcome });
    const { run, member } = welcome;
    this.effects.push({ type: 'status', status: { state: 'joined', run, member } });
  }

  private prepared(knownAnswer: string, nowMs: number): void {
    if (this.state !== 'preparing' || this.closing) return;
    this.becomeWorking(nowMs);
    this.attempts = 0;
    this.send({ type: 'ready', knownAnswer });
  }

  private weights(weights: WeightsMessage): void {
    if (!this.isAdmitted() || !this.work.continues(weights)) return this.unexpected('weights');
    const recalled = this.work.endRecalled();
    if (recalled !== null) this.effects.push({ type: 'cancel', lease: recalled });
    this.work.store(weights);
    this.effects.push({ type: 'store-weights', weights });
  }

  private shard(shard: ShardLease): void {
    if (this.state === 'leaving') return;
    if (this.state !== 'working' || !this.work.lease(shard)) return this.unexpected('shard');
    this.effects.push({ type: 'compute', shard });
  }

  private cancel(lease: number): void {
    if (this.work.cancel(lease)) this.effects.push({ type: 'cancel', lease });
  }

  private isConnected(): boolean {
    return this.state !== 'idle' && this.state !== 'waiting' && !this.closing;
  }

  private isAdmitted(): boolean {
    return this.state === 'working' || this.state === 'leaving';
  }

  private ended(again: boolean, message: string): void {
    this.close(null);
    if (!again) this.exit(true, message);
  }

  private refused(code: ProtocolErrorCode, message: string): void {
    this.close(null);
    if (finalErrors.has(code)) this.exit(false, message);
  }

  private unexpected(type: string): void {
    this.reject('unexpected-message', `${type} while ${this.state}`);
  }

  /** Says why before it closes; the coordinator may be another version, or not a coordinator at all. */
  private reject(code: ProtocolErrorCode, detail: string): void {
    const message = detail.slice(0, limits.messageLengthMax);
    this.send({ type: 'failure', code, message });
    this.close(code);
    if (finalErrors.has(code)) this.exit(false, message);
  }

  private close(code: ProtocolErrorCode | null): void {
    this.closing = true;
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.work.endLeases();
    this.effects.push({ type: 'close', code });
  }

  private closed(nowMs: number): void {
    if (this.state === 'idle' || this.state === 'waiting') return;
    if (this.state === 'leaving') return this.exit(true, 'left the run');
    const wasJoined = this.isAdmitted() || this.state === 'preparing';
    this.work.clear();
    this.effects.push({ type: 'drop-work' });
    const firstAttempt = this.attempts === 0;
    const retryMs = this.retryDelayMs();
    this.retryAtMs = nowMs + retryMs;
    this.become('waiting', Number.POSITIVE_INFINITY);
    this.effects.push({ type: 'status', status: { state: 'waiting', retryMs, wasJoined, firstAttempt } });
  }

  /** Exponential backoff with jitter over its upper half (Brooker, "Exponential Backoff And Jitter", 2015). */
  private retryDelayMs(): number {
    const { retryMsMin, retryMsMax } = sessionTimes;
    const fullMs = Math.min(retryMsMin * 2 ** Math.min(this.attempts, 16), retryMsMax);
    this.attempts += 1;
    return fullMs * (0.5 + 0.5 * this.random.uniform());
  }

  private tick(nowMs: number): void {
    if (this.state === 'waiting' && nowMs >= this.retryAtMs) return this.connect(nowMs);
    if (nowMs > this.deadlineMs) return this.close(null);
    if (this.state !== 'working' || this.closing || nowMs < this.probeAtMs) return;
    this.probeAtMs = nowMs + sessionTimes.probeMs;
    this.send({ type: 'pong', id: 0 });
  }

  /** Tries at once: the network may be back, or the machine has slept. */
  private wake(nowMs: number): void {
    if (this.state === 'working') this.deadlineMs = Math.min(this.deadlineMs, nowMs + sessionTimes.wakeMs);
    if (this.state !== 'waiting') return;
    this.attempts = 0;
    this.connect(nowMs);
  }

  private stop(nowMs: number): void {
    if ((this.state !== 'working' && this.state !== 'preparing') || this.closing) {
      this.close(null);
      return this.exit(true, 'stopped');
    }
    this.become('leaving', nowMs + sessionTimes.leaveMs);
    this.work.endLeases();
    this.send({ type: 'leave' });
  }

  private send(message: FromWorker): void {
    this.effects.push({ type: 'send', message });
  }

  private exit(ok: boolean, message: string): void {
    this.state = 'ended';
    this.work.endLeases();
    this.effects.push({ type: 'exit', ok, message });
  }

  private becomeWorking(nowMs: number): void {
    this.become('working', nowMs + sessionTimes.silenceMs);
    this.probeAtMs = nowMs + sessionTimes.probeMs;
  }

  private become(state: State, deadlineMs: number): void {
    this.state = state;
    this.deadlineMs = deadlineMs;
  }
}
