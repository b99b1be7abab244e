/**
 * A worker's conversation with its coordinator: connect, greet, prepare, work, leave; and connect again when the
 * connection is lost.
 *
 * What this is: a synchronous, deterministic state machine; an event goes in with the time, effects come out. What
 * this is not: it owns no socket, no timer and no thread, and never sees a weight or a pixel: a message's payload stays
 * with the driver, which is told what to do with it.
 */
import { arithmetic } from '../shared/arithmetic/identity.js';
import { limits } from '../shared/limits.js';
import { parameterCount } from '../shared/model/parameters.js';
import type { ProtocolErrorCode } from '../shared/protocol/errors.js';
import {
  type FromCoordinator,
  type FromWorker,
  type Progress,
  protocolVersion,
  type SamplesMessage,
  type ShardLease,
  type WeightsMessage,
  type Welcome,
} from '../shared/protocol/messages.js';
import { partsOf } from '../shared/protocol/tensor.js';
import type { Random } from '../shared/random.js';

export interface SessionConfig {
  readonly version: string;
  readonly name: string;
  readonly kind: string;
  readonly threads: number;
  /** What computes, for people to read: `KernelBackend.description`. */
  readonly kernels: string;
}

/** A closed set of events; all carry the time, monotonic milliseconds. */
export type SessionEvent = (
  | { readonly type: 'start' }
  | { readonly type: 'opened' }
  | { readonly type: 'message'; readonly message: FromCoordinator }
  /** What arrived is not a message, or its payload is wrong. */
  | { readonly type: 'garbage'; readonly code: ProtocolErrorCode; readonly detail: string }
  | { readonly type: 'closed' }
  /** The machine is ready for the welcome's run; `knownAnswer` is the hash of its known-answer test. */
  | { readonly type: 'prepared'; readonly knownAnswer: string }
  /** At least once a second. */
  | { readonly type: 'tick' }
  /** The network may be back, or the machine has slept. */
  | { readonly type: 'wake' }
  /** The user wants to stop. */
  | { readonly type: 'stop' }
) & { readonly nowMs: number };

export type SessionEffect =
  | { readonly type: 'connect' }
  | { readonly type: 'send'; readonly message: FromWorker }
  /** Close the connection; `closed` will follow. */
  | { readonly type: 'close'; readonly code: ProtocolErrorCode | null }
  /** Get ready for this run. */
  | { readonly type: 'prepare'; readonly welcome: Welcome }
  /** The payload of the message at hand is a part of the weights, or samples: store it. */
  | { readonly type: 'store-weights'; readonly weights: WeightsMessage }
  | { readonly type: 'store-samples'; readonly samples: SamplesMessage }
  /** Compute this shard. */
  | { readonly type: 'compute'; readonly shard: ShardLease }
  | { readonly type: 'cancel'; readonly lease: number }
  /** Whatever is being computed is of no use any more. */
  | { readonly type: 'drop-work' }
  /** The coordinator says how the run goes. */
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'status'; readonly status: SessionStatus }
  /** The session is over. */
  | { readonly type: 'exit'; readonly ok: boolean; readonly message: string };

export type SessionStatus =
  | { readonly state: 'connecting' }
  | { readonly state: 'joined'; readonly run: string; readonly member: number }
  /** Not connected; the next attempt is in so many milliseconds. */
  | {
      readonly state: 'waiting';
      readonly retryMs: number;
      readonly wasJoined: boolean;
      readonly firstAttempt: boolean;
    };

/** How long each stage may take, and how soon to try again. */
export const sessionTimes = {
  openMs: 10_000,
  welcomeMs: 10_000,
  /** Starting threads on a slow machine takes its time, during which the coordinator has nothing to say. */
  prepareMs: 0.9 * limits.prepareMsMax,
  /**
   * The coordinator sends at least its pings. After so long without any, one word from us finds out whether the
   * connection still leads somewhere: it does not when this machine slept, and then it breaks at once.
   */
  probeMs: 5_000,
  /** So long without anything means that it is gone; it may have been stopped for half a minute. */
  silenceMs: 60_000,
  /** The same after a sleep, when it may have given up: a few of its pings. */
  wakeMs: 3_000,
  retryMsMin: 250,
  retryMsMax: 15_000,
  /** No event for so long: this machine slept. */
  sleptMs: 10_000,
  /** A coordinator that does not close after `leave` is left behind. */
  leaveMs: 2_000,
} as const;

/** Refusals that no second attempt can change. */
const finalRefusals: ReadonlySet<ProtocolErrorCode> = new Set([
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
  /** The connection is being closed: what still arrives on it counts no more. */
  private closing = false;
  private deadlineMs = Number.POSITIVE_INFINITY;
  private probeAtMs = Number.POSITIVE_INFINITY;
  private lastEventMs: number | null = null;
  /** Updates that the weights have seen which the machine holds; null while it does not hold all of them. */
  private weightsStep: number | null = null;
  /** The part of the weights that must come next, while some are coming. */
  private nextWeights: WeightsMessage | null = null;
  /** Parts of the weights of the run's model. */
  private weightsParts = 0;
  private effects: SessionEffect[] = [];
  /** Leases that were not answered or cancelled yet. */
  private readonly leases = new Set<number>();
  /** One of them that was cancelled when it was under way: it may be answered until other weights come. */
  private recalled: number | null = null;

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

  /** A computed shard is to be sent only if this holds: it is still wanted on this connection. */
  answers(lease: number): boolean {
    return this.leases.delete(lease);
  }

  private handle(event: SessionEvent): void {
    const { nowMs } = event;
    // The pauses between attempts grew before it slept, and have nothing to do with now.
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
    this.weightsParts = partsOf(parameterCount(welcome.model));
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
    if (!this.isAdmitted() || !this.continues(weights)) return this.unexpected('weights');
    if (this.recalled !== null) this.drop(this.recalled);
    const { step, part } = weights;
    const isLast = part + 1 === this.weightsParts;
    this.weightsStep = isLast ? step : null;
    this.nextWeights = isLast ? null : { ...weights, part: part + 1 };
    this.effects.push({ type: 'store-weights', weights });
  }

  /** The next part of the weights that are coming, or the first of others: of all, or of what has changed in ours. */
  private continues({ step, base, part }: WeightsMessage): boolean {
    const next = this.nextWeights;
    if (next !== null) return step === next.step && base === next.base && part === next.part;
    return part === 0 && (base === null || base === this.weightsStep);
  }

  private shard(shard: ShardLease): void {
    if (this.state === 'leaving') return;
    if (this.state !== 'working' || shard.step !== this.weightsStep) return this.unexpected('shard');
    const recalled = this.recalled !== null && this.leases.has(this.recalled) ? 1 : 0;
    const isFull = this.leases.size - recalled >= limits.leasesPerMemberMax;
    if (this.leases.has(shard.lease) || isFull) return this.unexpected('shard');
    this.leases.add(shard.lease);
    this.effects.push({ type: 'compute', shard });
  }

  /** Shards are computed in order: the first is under way, and its copy is worth something if it is soon there. */
  private cancel(lease: number): void {
    const [underWay] = this.leases;
    if (lease === underWay) this.recalled = lease;
    else this.drop(lease);
  }

  private drop(lease: number): void {
    if (this.leases.delete(lease)) this.effects.push({ type: 'cancel', lease });
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
    if (finalRefusals.has(code)) this.exit(false, message);
  }

  private unexpected(type: string): void {
    this.reject('unexpected-message', `${type} while ${this.state}`);
  }

  /** Says why before it closes; the coordinator may be another version, or not a coordinator at all. */
  private reject(code: ProtocolErrorCode, detail: string): void {
    this.send({ type: 'failure', code, message: detail.slice(0, limits.messageLengthMax) });
    this.close(code);
  }

  private close(code: ProtocolErrorCode | null): void {
    this.closing = true;
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.leases.clear();
    this.effects.push({ type: 'close', code });
  }

  private closed(nowMs: number): void {
    if (this.state === 'idle' || this.state === 'waiting') return;
    if (this.state === 'leaving') return this.exit(true, 'left the run');
    const wasJoined = this.isAdmitted() || this.state === 'preparing';
    this.leases.clear();
    this.weightsStep = null;
    this.nextWeights = null;
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

  /** Nothing that was to be waited for before counts any more. */
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
    this.leases.clear();
    this.send({ type: 'leave' });
  }

  private send(message: FromWorker): void {
    this.effects.push({ type: 'send', message });
  }

  private exit(ok: boolean, message: string): void {
    this.state = 'ended';
    this.leases.clear();
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
