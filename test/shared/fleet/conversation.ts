/** A worker's session and the fleet's admissions, wired together over a line with a delay, on a clock of their own. */
import { arithmetic } from '../../../shared/arithmetic/identity.js';
import { Admission, type AdmissionEffect, type AdmissionEvent } from '../../../shared/fleet/admission.js';
import type { ProtocolErrorCode } from '../../../shared/protocol/errors.js';
import {
  type FromCoordinator,
  type FromWorker,
  protocolVersion,
  type Welcome,
} from '../../../shared/protocol/messages.js';
import { Random } from '../../../shared/random.js';
import { Session } from '../../../worker/session.js';
import type { SessionEffect, SessionEvent } from '../../../worker/session-events.js';

/** What is right or wrong with the worker, and what happens to its connections. */
export interface Course {
  readonly knowsArithmetic: boolean;
  readonly answersRightly: boolean;
  readonly isBanned: boolean;
  /** Of the line, one way. */
  readonly delayMs: number;
  readonly prepareMs: number;
  /** When whatever connection there is breaks. */
  readonly cutsMs: readonly number[];
  readonly seed: number;
}

const right = 'a'.repeat(64);
const wrong = 'b'.repeat(64);
/** Far beyond all deadlines and retries of a course. */
const horizonMs = 600_000;
const tickMs = 500;

const welcome: Welcome = {
  type: 'welcome',
  protocol: protocolVersion,
  version: '1',
  run: 'r',
  member: 1,
  model: { input: [2], layers: [{ dense: 2, activation: 'linear' }], loss: 'softmaxCrossEntropy' },
  data: { name: 'd', shape: [2], classes: 2, train: 8, test: 8, sha256: right },
  batch: 4,
  microBatch: 2,
  seed: 1,
  smoothing: 0,
  wireBits: 32,
  augment: null,
  rounds: null,
  heartbeatMs: 1_000,
};

/** Runs to the horizon. Returns "member", or "refused: CODE", or what was left undecided. */
export function converse(course: Course): string {
  const conversation = new Conversation(course);
  conversation.run();
  return conversation.outcome();
}

interface Line {
  readonly admission: Admission;
  isBroken: boolean;
}

type Untimed<Event> = Event extends unknown ? Omit<Event, 'nowMs'> : never;

class Conversation {
  private nowMs = 0;
  private readonly due: { readonly atMs: number; readonly act: () => void }[] = [];
  private readonly session: Session;
  private line: Line | null = null;
  private exit: string | null = null;
  private refusal: ProtocolErrorCode | null = null;

  constructor(private readonly course: Course) {
    const config = { version: '1', name: 'w', kind: 'node', threads: 1, kernels: 'k' } as const;
    this.session = new Session(config, new Random(course.seed));
  }

  run(): void {
    for (const atMs of this.course.cutsMs) this.due.push({ atMs, act: () => this.line && this.break(this.line) });
    for (let atMs = 0; atMs <= horizonMs; atMs += tickMs) this.due.push({ atMs, act: () => this.tick() });
    this.due.push({ atMs: 0, act: () => this.tell({ type: 'start' }) });
    while (this.due.length > 0) this.next();
  }

  outcome(): string {
    if (this.exit !== null) return this.refusal === null ? `exit: ${this.exit}` : `refused: ${this.refusal}`;
    return this.line === null ? 'no connection' : this.line.admission.state;
  }

  private next(): void {
    const first = this.due.reduce((best, each) => (each.atMs < best.atMs ? each : best));
    this.due.splice(this.due.indexOf(first), 1);
    this.nowMs = first.atMs;
    first.act();
  }

  private later(ms: number, act: () => void): void {
    this.due.push({ atMs: this.nowMs + ms, act });
  }

  private tick(): void {
    this.tell({ type: 'tick' });
    if (this.line === null) return;
    this.say(this.line, { type: 'tick' });
    if (this.line.admission.state === 'member') this.toWorker(this.line, { type: 'ping', id: 1 });
  }

  // ---- the worker ----

  private tell(event: Untimed<SessionEvent>): void {
    if (this.exit !== null) return;
    for (const effect of this.session.step({ ...event, nowMs: this.nowMs } as SessionEvent)) this.workerDoes(effect);
  }

  private workerDoes(effect: SessionEffect): void {
    const { delayMs, prepareMs, answersRightly } = this.course;
    const { line } = this;
    if (effect.type === 'connect') this.connect();
    if (effect.type === 'send' && line !== null) this.toFleet(line, effect.message);
    if (effect.type === 'close' && line !== null) this.later(delayMs, () => this.break(line));
    if (effect.type === 'exit') this.exit = effect.message;
    if (effect.type !== 'prepare') return;
    const knownAnswer = answersRightly ? right : wrong;
    this.later(prepareMs, () => line === this.line && this.tell({ type: 'prepared', knownAnswer }));
  }

  private connect(): void {
    const { delayMs, isBanned, knowsArithmetic } = this.course;
    const specification = knowsArithmetic ? arithmetic.specification : 'another-1';
    const bannedFor = () => (isBanned ? 'it lied' : null);
    this.later(2 * delayMs, () => {
      const line = {
        admission: new Admission({ arithmetic: { specification, knownAnswer: right }, bannedFor }, this.nowMs),
        isBroken: false,
      };
      this.line = line;
      this.tell({ type: 'opened' });
    });
  }

  private toFleet(line: Line, message: FromWorker): void {
    this.later(this.course.delayMs, () => this.say(line, { type: 'message', message }));
  }

  // ---- the fleet ----

  private say(line: Line, event: Untimed<AdmissionEvent>): void {
    if (line.isBroken) return;
    const effects = line.admission.step({ ...event, nowMs: this.nowMs } as AdmissionEvent);
    for (const effect of effects) this.fleetDoes(line, effect);
  }

  private fleetDoes(line: Line, effect: AdmissionEffect): void {
    if (effect.type === 'welcome') this.toWorker(line, welcome);
    if (effect.type !== 'fail') return;
    const { code, message } = effect.error;
    this.toWorker(line, { type: 'failure', code, message }, () => {
      this.refusal = code;
    });
    this.later(this.course.delayMs, () => this.break(line));
  }

  private toWorker(line: Line, message: FromCoordinator, arrived: () => void = () => {}): void {
    this.later(this.course.delayMs, () => {
      if (line.isBroken) return;
      arrived();
      this.tell({ type: 'message', message });
    });
  }

  // ---- the line ----

  /** Nothing that is on its way arrives any more. */
  private break(line: Line): void {
    if (line.isBroken) return;
    this.say(line, { type: 'disconnected' });
    line.isBroken = true;
    if (this.line !== line) return;
    this.line = null;
    this.tell({ type: 'closed' });
  }
}
