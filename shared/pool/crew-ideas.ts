/**
 * Ideas for another crew than the one in force. An idea that cannot make a step shorter, as far as the members' costs
 * say, is not worth a trial.
 */
import type { WorkName } from '../work/kinds.js';
import type { TaskCost } from './cost.js';
import { costsOf } from './distribution.js';
import type { Member } from './member.js';
import { earliestEndMs } from './shares.js';

export type Idea = 'newcomers' | 'third' | 'half' | 'double' | 'one-less' | 'one-more';

/** Another crew takes over if its steps take less than this many times as long. The smaller crew wins a draw. */
const wantedSmaller = 0.99;
const wantedLarger = 0.97;

/**
 * A spare that needs this many times a step for one slot is not tried before it is its turn. What is known of it may come
 * from a larger crew, which shared the network.
 */
const hopelessSpare = 3;

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
export function propose(idea: Idea, situation: Situation): Proposal | null {
  const { crew, spares, newcomers, isOld } = situation;
  switch (idea) {
    case 'newcomers':
      return newcomers.length === 0 ? null : larger(idea, newcomers, situation);
    case 'third':
      return smaller(idea, Math.ceil(crew.length / 3), situation);
    case 'half':
      return smaller(idea, Math.ceil(crew.length / 2), situation);
    case 'one-less':
      return smaller(idea, crew.length - 1, situation);
    case 'double':
      return larger(
        idea,
        (isOld ? byUse(spares, situation) : promising(spares, situation)).slice(0, crew.length),
        situation,
      );
    case 'one-more':
      return larger(idea, (isOld ? untried(spares) : promising(spares, situation)).slice(0, 1), situation);
    default:
      return idea satisfies never;
  }
}

/**
 * The most useful members of the crew. Without leads at all, they must be faster than the crew in force. A lead may be
 * mostly a wait for the others on a shared link: then it is shorter in a crew that is much smaller.
 */
function smaller(idea: Idea, size: number, situation: Situation): Proposal | null {
  const { crew, local, work, slots, paceMs } = situation;
  if (size >= crew.length || size + local.length < 1) return null;
  const kept = byUse(crew, situation, idea === 'one-less' ? 1 : size / crew.length).slice(0, size);
  const costs = costsOf([...local, ...kept], work).map(({ slotMs }) => ({ leadMs: 0, slotMs }));
  const isPossible = earliestEndMs(slots, costs) < wantedSmaller * paceMs;
  return isPossible ? { idea, crew: kept, wanted: wantedSmaller } : null;
}

/** The crew in force and some spares. If these cost no more than the others, the crew must be faster with them. */
function larger(idea: Idea, added: readonly Member[], situation: Situation): Proposal | null {
  const { crew, local, work, slots } = situation;
  if (added.length === 0) return null;
  const now = costsOf([...local, ...crew], work);
  const leadMs = Math.min(...now.map((cost) => cost.leadMs));
  const slotMs = Math.min(...now.map((cost) => cost.slotMs));
  const best = costsOf([...crew, ...added], work)
    .slice(crew.length)
    .map((cost) => ({ leadMs: Math.min(cost.leadMs, leadMs), slotMs: Math.min(cost.slotMs, slotMs) }));
  const isPossible = earliestEndMs(slots, [...now, ...best]) < wantedLarger * earliestEndMs(slots, now);
  if (!isPossible && now.length > 0) return null;
  const kept = byUse(crew, situation).slice(0, Math.max(0, slots - local.length - added.length));
  return { idea, crew: [...kept, ...added], wanted: wantedLarger };
}

/** The spares that might compute at least one slot in a step, the most useful first. */
function promising(spares: readonly Member[], situation: Situation): Member[] {
  const { work, paceMs } = situation;
  const canHelp = (member: Member) => member.estimateMs(work, 1) < hopelessSpare * paceMs;
  return byUse(spares.filter(canHelp), situation);
}

/** The spares, first those that were tried longest ago. */
function untried(spares: readonly Member[]): Member[] {
  return [...spares].sort((a, b) => (a.triedMs ?? 0) - (b.triedMs ?? 0) || a.id - b.id);
}

/**
 * The members that compute most slots in the time of a step come first. After them come those whose leads are longer
 * than a step, the shortest lead first: in another crew it may be shorter.
 */
function byUse(members: readonly Member[], { work, paceMs }: Situation, leadFactor = 1): Member[] {
  const costs = costsOf(members, work);
  const use = new Map(members.map((member, i) => [member, useOf(costs[i], paceMs, leadFactor)]));
  return [...members].sort((a, b) => (use.get(b) ?? 0) - (use.get(a) ?? 0) || a.id - b.id);
}

function useOf({ leadMs, slotMs }: TaskCost, paceMs: number, leadFactor: number): number {
  const freeMs = paceMs - leadFactor * leadMs;
  return freeMs > 0 ? freeMs / slotMs : freeMs;
}
