/**
 * What a task costs one member, as measured: a task of n slots takes `leadMs + n * slotMs` milliseconds.
 *
 * The lead is everything but computing: latency, the weights on their way there, the sum on its way back, and the
 * member's processor time for both. A local member has no lead. A remote member says how long it computed; the rest of
 * the time from the lease to the result is its lead.
 */

/** Weight of the newest measurement: of a member that does not say how long it computed, and of any member at most. */
const GAIN = 0.25;

/**
 * A measurement that took less than this counts less. A device that shares its processor stands still every few
 * milliseconds, so that only a mean over many short tasks says how fast it is.
 */
const memoryMs = 1_000;
const GAIN_MIN = 0.02;

/** A device that shares its processor may stand still for so long by chance. */
const chanceMs = 100;

/** A member's leads that are remembered, of crews of different sizes. */
const leadsKept = 8;

/** What is late grows by such a factor: at least, so that the member soon gets less, and at most, for it may be chance. */
const growthMin = 2;
const growthMax = 4;

/** The shortest time for one slot: results that arrive together would otherwise give a speed without bound. */
const SLOT_MS_MIN = 1e-4;

/** What decides how many slots a member gets. */
export interface TaskCost {
  readonly leadMs: number;
  readonly slotMs: number;
}

/** How much the measurements of a number say, in milliseconds: time that cannot be chance. */
class Proof {
  private ms = 0;
  private leastMs = Number.POSITIVE_INFINITY;

  /** `count` things have taken `ms` milliseconds. */
  add(ms: number, count: number): void {
    this.leastMs = Math.min(this.leastMs, ms / count);
    this.ms += Math.min(ms, this.leastMs * count) + Math.max(0, ms - chanceMs);
  }

  forget(): void {
    this.ms = 0;
    this.leastMs = Number.POSITIVE_INFINITY;
  }

  /** A mean of both, with weights that say how much is proven: of the times or, if that is less, of the speeds. */
  between(average: number, measured: number): number {
    if (average === 0 || measured === 0) return measured;
    const proven = this.ms / (this.ms + chanceMs);
    if (measured > average) return average + proven * (measured - average);
    return 1 / ((1 - proven) / average + proven / measured);
  }
}

export class Cost implements TaskCost {
  leadMs = 0;
  /** 0 as long as nothing is known. */
  slotMs = 0;
  /** Slots of the newest task. */
  private slots = 1;
  /** How many remote members had a part of that task. */
  among = 1;
  /** The newest lead by that number. */
  private readonly leads = new Map<number, number>();
  /** Measurements of each of the two numbers since the first task, and since `renewed`. */
  private computed = 0;
  private led = 0;
  /** How much these measurements say. */
  private readonly computedProof = new Proof();
  private readonly ledProof = new Proof();
  /** Steps in which it was measured since `renewed`. */
  private tasks = 0;

  get isKnown(): boolean {
    return this.slotMs > 0;
  }

  /**
   * Whether there are measurements enough to decide that the member gets nothing. The first task brings samples and all
   * weights, which the next ones do not.
   */
  get isSure(): boolean {
    return this.tasks > 1;
  }

  /** Everything included, for tasks like the newest one. 0 as long as nothing is known. */
  get msPerSlot(): number {
    return this.slotMs + this.leadMs / this.slots;
  }

  /**
   * The cost if so many remote members take part. If they were more when the lead was measured, they shared the network,
   * and nobody knows how much of the lead that was: it may have been all of it.
   */
  amongst(members: number): TaskCost {
    const { leadMs, slotMs, among } = this;
    return members >= among || leadMs === 0 ? this : { leadMs: (leadMs * members) / among, slotMs };
  }

  /** Its lead when so many remote members had a part; undefined if that is not known any more. */
  leadAmong(members: number): number | undefined {
    return this.leads.get(members);
  }

  /**
   * What is believed of it if others cost `average`: little was measured yet, so it may have stood still by chance. `own` is
   * its own cost.
   */
  believed(own: TaskCost, average: TaskCost): TaskCost {
    return {
      leadMs: this.ledProof.between(average.leadMs, own.leadMs),
      slotMs: this.computedProof.between(average.slotMs, own.slotMs),
    };
  }

  /** A task took `ms` milliseconds, and nobody says for what. However short it was, it counts. */
  took(ms: number, slots: number): void {
    const measured = Math.max(ms / slots, SLOT_MS_MIN);
    this.leadMs = 0;
    this.slotMs += gain(this.computed, Number.POSITIVE_INFINITY) * (measured - this.slotMs);
    this.computed += 1;
    this.computedProof.add(ms, slots);
    this.taskEnds();
  }

  /** The member computed for `ms` milliseconds. */
  computedFor(ms: number, slots: number): void {
    const measured = Math.max(ms / slots, SLOT_MS_MIN);
    this.slotMs += gain(this.computed, this.slotMs * slots) * (measured - this.slotMs);
    this.computed += 1;
    this.computedProof.add(ms, slots);
  }

  /**
   * All leases that the member had are done, with `slots` slots. Besides computing, they took `ms` milliseconds, while
   * `among` remote members took part.
   */
  ledFor(ms: number, slots: number, among: number): void {
    if (among !== this.among) this.led = 0;
    this.among = among;
    this.leadMs += gain(this.led, this.leadMs) * (ms - this.leadMs);
    this.led += 1;
    this.leads.delete(among);
    this.leads.set(among, this.leadMs);
    if (this.leads.size > leadsKept) this.leads.delete(this.leads.keys().next().value ?? among);
    this.ledProof.add(ms, 1);
    this.slots = slots;
    this.taskEnds();
  }

  /** The first task brings all weights and samples, and finds cold code, so the second one's measurements replace its own. */
  private taskEnds(): void {
    if (this.tasks === 0) this.forget();
    this.tasks += 1;
  }

  /**
   * A task of so many slots has taken `ms` milliseconds and is not done. Nobody knows why, so both numbers grow, and the
   * next measurement of each counts more than all before it.
   */
  late(ms: number, slots: number): void {
    if (this.leadMs === 0) {
      this.leadMs = ms / 2;
      this.slotMs = ms / 2 / slots;
    } else {
      this.scale(Math.min(Math.max(ms / (this.leadMs + slots * this.slotMs), growthMin), growthMax));
    }
    this.computed = 0;
    this.led = 0;
    this.tasks += 1;
  }

  scale(times: number): void {
    this.leadMs *= times;
    this.slotMs *= times;
  }

  /** From now on, new measurements count more than all before. */
  renewed(): void {
    this.forget();
    this.tasks = 0;
  }

  private forget(): void {
    this.computed = 0;
    this.led = 0;
    this.computedProof.forget();
    this.ledProof.forget();
  }
}

/** The mean of the first measurements becomes one that forgets. `ms` is what a measurement takes. */
function gain(measurements: number, ms: number): number {
  return Math.max(1 / (measurements + 1), Math.min(Math.max(ms / memoryMs, GAIN_MIN), GAIN));
}
