/**
 * Ideas for another crew than the one in force. An idea that cannot make a step shorter, as far as the members' costs
 * say, is not worth a trial.
 */
import type { WorkName } from '../work/kinds.js';
import type { TaskCost } from './cost.js';
import { costsOf } from './distribution.js';
import type { Member } from './member.js';
import { earliestEndMs, wholeSlots } from './shares.js';

/**
 * The name says how many remote members have a part, compared with the crew in force. `other`: as many. `without`: those
 * are left out that would only keep the others waiting.
 */
export type Idea = 'without' | 'newcomers' | 'third' | 'half' | 'one-less' | 'other' | 'one-more' | 'double';

/** What an idea is that can be had at any time. */
export type SizeIdea = Exclude<Idea, 'without'>;

/** Another crew takes over if its steps take less than this many times as long. The smaller crew wins a draw. */
const wantedOnWire = { smaller: 0.99, larger: 0.97 };
/**
 * The same where a slot takes much longer to compute than to carry. There, the larger crew wins a draw: it costs nothing, and
 * it loses less when somebody falls asleep.
 */
const wantedInComputing = { smaller: 0.95, larger: 1.05 };
/** A slot takes this many times as long to compute as to carry. */
const muchLonger = 4;

/** How much faster another crew than this one must be. */
export function wantedOf(crew: readonly Member[], work: WorkName): { smaller: number; larger: number } {
  const costs = crew.map((member) => member.costs[work]).filter(({ isKnown }) => isKnown);
  const computed = costs.filter(({ slotMs, leadMs }) => slotMs >= muchLonger * leadMs).length;
  return costs.length > 0 && computed >= costs.length / 2 ? wantedInComputing : wantedOnWire;
}

export interface Situation {
  readonly work: WorkName;
  readonly slots: number;
  /** The mean time of a step of the crew in force. */
  readonly paceMs: number;
  /** Members of this machine. They always take part. */
  readonly local: readonly Member[];
  readonly crew: readonly Member[];
  readonly spares: readonly Member[];
  /** The spares about which nothing was decided yet. */
  readonly newcomers: readonly Member[];
  /** Whether what is known of the spares may be old. */
  readonly isOld: boolean;
}

export interface Proposal {
  readonly idea: Idea;
  readonly crew: readonly Member[];
  /** It takes over if its steps take less than this many times as long as those of the crew in force. */
  readonly wanted: number;
}

/** The crew of an idea; null if there is no such crew, or if it cannot be faster. */
export function propose(idea: SizeIdea, situation: Situation): Proposal | null {
  const { crew, spares, newcomers, isOld } = situation;
  if (idea === 'newcomers') return joinedBy(idea, newcomers, situation);
  const size = sizeOf(idea, crew.length);
  if (isOld && size > crew.length) return joinedBy(idea, untried(spares).slice(0, size - crew.length), situation);
  return quickest(idea, size, situation);
}

function sizeOf(idea: Exclude<SizeIdea, 'newcomers'>, now: number): number {
  const sizes = {
    third: Math.ceil(now / 3),
    half: Math.ceil(now / 2),
    'one-less': now - 1,
    other: now,
    'one-more': now + 1,
    double: 2 * now,
  };
  return sizes[idea];
}

/** The remote members that would be done first together, at most so many: members of the crew, and spares. */
function quickest(idea: Idea, sizeMax: number, situation: Situation): Proposal | null {
  const { crew, spares, local, work, slots, paceMs, isOld } = situation;
  const size = Math.min(sizeMax, slots - local.length, crew.length + spares.length);
  if (size < 0 || size + local.length === 0) return null;
  const own = costsOf(local, work);
  const isKnown = (member: Member) => member.costs[work].isKnown;
  // For a smaller crew, nobody is exchanged who has the samples, except now and then.
  const isLarger = size > crew.length;
  const others = size >= crew.length || isOld ? spares : [];
  const [working, waiting] = [crew.filter(isKnown), others.filter(isKnown)];
  const known = [...working, ...waiting];
  const costs = [...costsOf(working, work, size), ...costsOfSpares(waiting, crew, work, size)];
  const { smaller, larger } = wantedOf(crew, work);
  const wanted = size < crew.length ? smaller : larger;
  const endMs = earliestEndMs(slots, own, costs, size);
  if (!(endMs < wanted * paceMs)) return null;
  const use = costs.map((cost) => wholeSlots(cost, endMs));
  const stays = (i: number) => Number(isLarger && i < working.length);
  const order = known.map((_, i) => i).sort((a, b) => stays(b) - stays(a) || use[b] - use[a] || a - b);
  const chosen = order.slice(0, size).filter((i) => use[i] > 0);
  const isSame = chosen.length === crew.length && chosen.every((i) => crew.includes(known[i]));
  return isSame ? null : { idea, crew: chosen.map((i) => known[i]), wanted };
}

/**
 * What spares would cost in a crew of this size. Their leads were measured in an earlier crew. The leads of those who were
 * in it, too, say how leads have changed since.
 */
function costsOfSpares(spares: readonly Member[], crew: readonly Member[], work: WorkName, size: number): TaskCost[] {
  const plain = costsOf(spares, work, size);
  return spares.map((spare, i) => {
    const { among, leadMs } = spare.costs[work];
    const changes = crew.flatMap(({ costs: { [work]: cost } }) => {
      const before = cost.leadAmong(among);
      return before === undefined || before === 0 ? [] : [cost.amongst(size).leadMs / before];
    });
    if (changes.length === 0) return plain[i];
    const change = changes.reduce((sum, each) => sum + each, 0) / changes.length;
    return { ...plain[i], leadMs: leadMs * change };
  });
}

/** The crew in force and some spares. If these cost no more than the others, the crew must be faster with them. */
function joinedBy(idea: Idea, added: readonly Member[], situation: Situation): Proposal | null {
  const { crew, local, work, slots, paceMs } = situation;
  if (added.length === 0) return null;
  const now = costsOf([...local, ...crew], work);
  const best = {
    leadMs: Math.min(...now.map(({ leadMs }) => leadMs)),
    slotMs: Math.min(...now.map(({ slotMs }) => slotMs)),
  };
  const endMs = earliestEndMs(slots, [...now, ...added.map(() => best)]);
  const wanted = wantedOf(crew, work).larger;
  if (!(endMs < wanted * paceMs) && now.length > 0) return null;
  const places = Math.max(0, slots - local.length - added.length);
  const use = new Map(crew.map((member) => [member, member.estimateMs(work, 1)]));
  const kept = [...crew].sort((a, b) => (use.get(a) ?? 0) - (use.get(b) ?? 0) || a.id - b.id).slice(0, places);
  return { idea, crew: [...kept, ...added], wanted };
}

/** The spares, first those that were tried longest ago. */
function untried(spares: readonly Member[]): Member[] {
  return [...spares].sort((a, b) => (a.triedMs ?? 0) - (b.triedMs ?? 0) || a.id - b.id);
}
