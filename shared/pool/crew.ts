/**
 * Decides which remote members have a part of the training steps: the crew. The others are spares, which compute late
 * shards and evaluations.
 *
 * A member brings its processor, and it costs time: the weights go to it and its sum comes back, perhaps over a link that
 * all members share. No member's own times can say what it costs the others. So whole steps are timed. The crew in force
 * is timed all the time. Now and then another crew is tried for some steps, and takes over if its steps take less time.
 * What the trials cost is limited to a small part of the run's time. This is a hill climb whose steps are measured. For
 * example, eight phones on a slow link take 400 ms for a step. The four that would be done first are tried: 250 ms, so they
 * are the crew. Two: 270 ms, so the four stay, and the others are spares until another trial has its turn.
 *
 * What this is not: it does not divide the work among the crew (distribution.ts), and it hands out no lease.
 */
import type { WorkName } from '../work/kinds.js';
import { type Idea, type Proposal, propose, type Situation, type SizeIdea, wantedOf } from './crew-ideas.js';
import type { Member } from './member.js';
import { Pace } from './pace.js';

/** The first steps of a crew are not timed: they carry all weights, and samples that move from member to member. */
const settlingSteps = 2;

/** After a trial, nothing is tried for this many times the time that it cost, and that it took. */
const restPerExtra = 80;
const restPerTrial = 8;
/** The shortest time without a trial, also in steps. */
const restMsMin = 4_000;
const restStepsMin = 100;
/** The longest time without a trial, if it is not shorter than `restStepsMin`: after that, a network may be another. */
const restMsMax = 120_000;
/** The same for members that have just joined, whom the run wants to know. */
const newcomersRestPerExtra = 30;

/** If less time than this is left of a run, only newcomers are tried: samples would move for nothing. */
const leftMsMin = 10_000;
/** The same for newcomers, who want to take part. */
const newcomersLeftMsMin = 2_000;

/** What is tried when nothing is known. */
const allIdeas: readonly SizeIdea[] = ['other', 'half', 'double', 'one-less', 'one-more', 'third'];
/** What is tried after a crew has taken over, first the same again. To go back at once would be a waste. */
const ideasAfter: Readonly<Record<Idea, readonly SizeIdea[]>> = {
  without: allIdeas,
  newcomers: allIdeas,
  third: ['third', 'half', 'one-less', 'other', 'one-more'],
  half: ['half', 'one-less', 'other', 'one-more', 'third'],
  other: allIdeas,
  double: ['double', 'one-more', 'other', 'one-less', 'half', 'third'],
  'one-less': ['one-less'],
  'one-more': ['one-more'],
};

/** A step of training that is about to be divided among the members. */
export interface CrewStep {
  readonly job: number;
  readonly work: WorkName;
  readonly slots: number;
  /** Steps that are planned after this one; undefined if nobody knows. */
  readonly stepsLeft?: number | undefined;
  readonly nowMs: number;
}

interface Trial extends Omit<Proposal, 'crew'> {
  readonly crew: Set<Member>;
  readonly pace: Pace;
  settling: number;
  tookMs: number;
  /** How much longer its steps took than those of the crew in force. */
  extraMs: number;
}

export class Crew {
  private inForce = new Set<Member>();
  private pace = new Pace();
  private settling = settlingSteps;
  private trial: Trial | null = null;
  /** Members that were in a crew that was timed. */
  private judged = new WeakSet<Member>();
  /** What is tried now, one after the other; when it is empty, what is tried now and then. */
  private ideas: readonly SizeIdea[] = allIdeas;
  private newcomersWereLast = false;
  /** The newest step of a crew that is not timed yet. */
  private roughMs = Number.POSITIVE_INFINITY;
  /** Members that seem to keep the others waiting, although whole steps take longer without them. */
  private readonly kept = new Set<Member>();
  private turn = 0;
  private restUntilMs = 0;
  private newcomersFromMs = 0;
  private slots = 0;
  private timed: CrewStep | null = null;

  /** The members that have a part of this step. It is timed if it is the only one that is under way. */
  muster(step: CrewStep, members: readonly Member[], isAlone: boolean): readonly Member[] {
    const remote = members.filter((member) => member.remote);
    if (remote.length === 0) return members;
    this.forgetAbsent(new Set(remote));
    this.noticeSize(step);
    this.timed = isAlone ? step : null;
    if (step.nowMs >= this.restUntilMs) this.kept.clear();
    if (this.trial === null) {
      if (!this.pace.isSettled) this.admit(remote, members.length - remote.length, step.slots);
      else if (step.slots === this.slots) this.consider(step, members);
    }
    const crew = this.trial?.crew ?? this.inForce;
    for (const member of remote) {
      if (crew.has(member)) member.becomeWorking(step.nowMs);
      else member.becomeSpare(step.nowMs);
    }
    const present = members.filter((member) => !member.isSpare);
    return relieved(present, members, step);
  }

  /** Whether this member is measured now, and must have a part of the step for that. */
  isTried(member: Member, work: WorkName): boolean {
    if (!member.remote) return false;
    if (this.trial !== null) return !this.inForce.has(member);
    return !member.costs[work].isSure || this.kept.has(member);
  }

  /** How long a step of the crew in force takes; infinite before that is known. */
  get stepMs(): number {
    return this.pace.isSettled ? this.pace.ms : this.roughMs;
  }

  /** This member has no part of the step, since it would only keep the others waiting, as far as its times say. */
  leftOut(member: Member, work: WorkName, nowMs: number): void {
    if (!member.remote) return;
    member.becomeSpare(nowMs);
    const crew = [...this.inForce];
    if (this.trial === null) this.begin({ idea: 'without', crew, wanted: wantedOf(crew, work).smaller });
    this.trial?.crew.delete(member);
  }

  /** The job is done. */
  completed(job: number, nowMs: number): void {
    const { timed } = this;
    if (timed?.job !== job) return;
    this.timed = null;
    if (timed.slots !== this.slots) return;
    const ms = nowMs - timed.nowMs;
    if (this.trial !== null) this.tried(this.trial, ms, nowMs);
    else if (this.settling > 0) {
      this.settling -= 1;
      this.roughMs = ms;
    } else this.pace.add(ms);
  }

  /** What was measured with members that have left is worth nothing. */
  private forgetAbsent(present: ReadonlySet<Member>): void {
    const isAbsent = (member: Member) => !present.has(member);
    for (const member of this.kept) if (isAbsent(member)) this.kept.delete(member);
    if (this.trial !== null && [...this.trial.crew].some(isAbsent)) {
      this.ideas = allIdeas;
      this.trial = null;
    }
    const absent = [...this.inForce].filter(isAbsent);
    if (absent.length === 0) return;
    for (const member of absent) this.inForce.delete(member);
    this.ideas = allIdeas;
    this.restart();
  }

  /** The last step of an epoch is smaller than the others, and is not timed. */
  private noticeSize({ slots }: CrewStep): void {
    if (slots <= this.slots) return;
    this.slots = slots;
    this.restart();
  }

  /** The crew has changed before it was timed. */
  private restart(): void {
    this.trial = null;
    this.pace = new Pace();
    this.settling = settlingSteps;
    this.roughMs = Number.POSITIVE_INFINITY;
  }

  /**
   * While nothing is known about the crew in force, newcomers belong to it, as long as there are slots for them. Without
   * `local` members, somebody has to compute.
   */
  private admit(remote: readonly Member[], local: number, slots: number): void {
    if (this.inForce.size === 0 && local === 0) this.judged = new WeakSet();
    const free = Math.max(0, slots - local - this.inForce.size);
    const newcomers = remote.filter((member) => !this.judged.has(member)).slice(0, free);
    if (newcomers.length === 0) return;
    for (const member of newcomers) {
      this.inForce.add(member);
      this.judged.add(member);
    }
    this.restart();
  }

  /** Begins a trial, if there is another crew to try. */
  private consider(step: CrewStep, members: readonly Member[]): void {
    const { work, slots, stepsLeft = Number.POSITIVE_INFINITY, nowMs } = step;
    const leftMs = stepsLeft * this.pace.ms;
    const local = members.filter(({ remote }) => !remote);
    const crew = [...this.inForce];
    const spares = members.filter((member) => member.remote && !this.inForce.has(member));
    const unknown = nowMs < this.newcomersFromMs ? [] : spares.filter((member) => !this.judged.has(member));
    const newcomers = unknown.slice(0, Math.max(1, slots - crew.length));
    const isResting = nowMs < this.restUntilMs;
    if (isResting && this.ideas.length === 0 && newcomers.length === 0) return;
    const situation = { work, slots, paceMs: this.pace.ms, local, crew, spares, newcomers, isOld: false };
    if (leftMs < leftMsMin) return leftMs < newcomersLeftMsMin ? undefined : this.tryNewcomers(situation);
    // Newcomers and other ideas take turns, or a class that joins one by one would keep a run from getting faster.
    const ideas: readonly SizeIdea[] = this.newcomersWereLast
      ? [...this.ideas, 'newcomers']
      : ['newcomers', ...this.ideas];
    for (const [tried, idea] of ideas.entries()) {
      const proposal = propose(idea, situation);
      this.ideas = ideas.slice(tried + 1).filter((other) => other !== 'newcomers');
      this.newcomersWereLast = idea === 'newcomers';
      if (this.newcomersWereLast) for (const member of newcomers) this.judged.add(member);
      if (proposal !== null) return this.begin(proposal);
    }
    if (!isResting) this.tryNext({ ...situation, isOld: true }, nowMs);
  }

  private tryNewcomers(situation: Situation): void {
    const proposal = propose('newcomers', situation);
    for (const member of situation.newcomers) this.judged.add(member);
    if (proposal !== null) this.begin(proposal);
  }

  /** Networks change, so each idea has its turn again. */
  private tryNext(situation: Situation, nowMs: number): void {
    for (let i = 0; i < allIdeas.length; i++) {
      const proposal = propose(allIdeas[this.turn], situation);
      this.turn = (this.turn + 1) % allIdeas.length;
      if (proposal !== null) return this.begin(proposal);
    }
    this.rest(0, nowMs);
  }

  private begin({ idea, crew, wanted }: Proposal): void {
    const settling = this.stepMs > 1_000 ? 1 : settlingSteps;
    this.trial = { idea, crew: new Set(crew), wanted, pace: new Pace(), settling, tookMs: 0, extraMs: 0 };
  }

  private tried(trial: Trial, ms: number, nowMs: number): void {
    trial.tookMs += ms;
    trial.extraMs += Math.max(0, ms - this.stepMs);
    if (trial.settling > 0) {
      trial.settling -= 1;
      return;
    }
    trial.pace.add(ms);
    const isFaster = trial.pace.isFaster(this.stepMs, trial.wanted, this.pace.variance);
    if (isFaster === null) return;
    this.trial = null;
    if (trial.idea === 'newcomers') this.newcomersFromMs = nowMs + newcomersRestPerExtra * trial.extraMs;
    if (isFaster) this.takeOver(trial);
    else this.remain(trial);
    this.rest(restPerExtra * trial.extraMs + restPerTrial * trial.tookMs, nowMs);
  }

  private takeOver({ idea, crew, pace }: Trial): void {
    this.inForce = crew;
    this.pace = pace;
    this.settling = 0;
    const others = idea === 'one-less' || idea === 'one-more' ? this.ideas : [];
    const back: SizeIdea | null = idea === 'one-less' ? 'one-more' : idea === 'one-more' ? 'one-less' : null;
    this.ideas = [...ideasAfter[idea], ...others.filter((other) => other !== back && other !== idea)];
  }

  /** Among newcomers that are too many or too slow together, one may still be of use. */
  private remain({ idea, crew }: Trial): void {
    this.settling = settlingSteps;
    for (const member of this.inForce) if (idea === 'without' && !crew.has(member)) this.kept.add(member);
    if (idea === 'newcomers') this.ideas = [...new Set<SizeIdea>([...this.ideas, 'double', 'one-more'])];
  }

  private rest(ms: number, nowMs: number): void {
    const leastMs = Math.max(restMsMin, Number.isFinite(this.stepMs) ? restStepsMin * this.stepMs : 0);
    const wantedMs = Math.max(this.restUntilMs, nowMs) + Math.max(ms, leastMs);
    this.restUntilMs = Math.min(wantedMs, nowMs + Math.max(restMsMax, leastMs));
  }
}

/** The same members. In place of each one that may be asleep, a spare that is awake, first the one that would be done first. */
function relieved(crew: readonly Member[], members: readonly Member[], { work, nowMs }: CrewStep): readonly Member[] {
  const isQuiet = (member: Member) => member.isQuiet(nowMs);
  if (!crew.some(isQuiet)) return crew;
  const ms = (member: Member) => (member.isMeasured(work) ? member.estimateMs(work, 1) : Number.MAX_VALUE);
  const canRelieve = (member: Member) => member.isSpare && !member.isStranger && member.isIdle && !isQuiet(member);
  const reliefs = members.filter(canRelieve).sort((a, b) => ms(a) - ms(b) || a.id - b.id);
  return crew.map((member) => (isQuiet(member) ? (reliefs.shift() ?? member) : member));
}
