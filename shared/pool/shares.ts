/**
 * How many slots each member should get of a shard so that all are done at the same time, and the shard as early as
 * possible. A member whose lead alone takes longer than the others need for everything gets nothing.
 */
import type { TaskCost } from './cost.js';

/**
 * A member of the crew that needs up to this many times as long as the others for everything still gets a slot: its times
 * vary, and trials of whole crews decide better than they do (crew.ts).
 */
const doubtful = 2.5;

/** Rounds of bisection. Each halves the error of the time. */
const ROUNDS = 40;

/**
 * The slots of each member, as fractions. Their sum is `slots`. A member with `mustWork` gets at least one slot, so that
 * it can be measured.
 */
export function shares(
  slots: number,
  costs: readonly TaskCost[],
  mustWork: readonly boolean[] = [],
  isOfCrew: readonly boolean[] = [],
): number[] {
  if (costs.length === 1) return [slots];
  const endMs = earliestEndMs(slots, costs);
  const isDoubtful = costs.map((cost, i) => isOfCrew[i] === true && wholeSlots(cost, doubtful * endMs) > 0);
  const takesPart = costs.map((cost, i) => mustWork[i] || isDoubtful[i] || wholeSlots(cost, endMs) > 0);
  const least: number[] = costs.map((_, i) => (mustWork[i] || isDoubtful[i] ? 1 : takesPart[i] ? 0.5 : 0));
  const { perMs, leadSlots } = sumsOf(costs, takesPart);
  const levelMs = (slots + leadSlots) / perMs;
  const wanted = costs.map(({ leadMs, slotMs }, i) => (takesPart[i] ? (levelMs - leadMs) / slotMs : 0));
  const isRaised = wanted.map((x, i) => x < least[i]);
  const raised = least.reduce((sum, x, i) => sum + (isRaised[i] ? x : 0), 0);
  const others = wanted.reduce((sum, x, i) => sum + (isRaised[i] ? 0 : x), 0);
  if (others === 0 || raised >= slots) return least.map((x) => (x * slots) / Math.max(raised, Number.MIN_VALUE));
  return wanted.map((x, i) => (isRaised[i] ? least[i] : (x * (slots - raised)) / others));
}

/** The same for members without leads, the threads of one machine: in proportion to their speed. */
export function sharesBySpeed(slots: number, costs: readonly TaskCost[]): number[] {
  const perMs = costs.reduce((sum, { slotMs }) => sum + 1 / slotMs, 0);
  return costs.map(({ slotMs }) => slots / (slotMs * perMs));
}

/**
 * The shortest time in which members of these costs can compute this many whole slots together, and with them at most
 * `size` members of the costs `others`.
 */
export function earliestEndMs(
  slots: number,
  costs: readonly TaskCost[],
  others: readonly TaskCost[] = [],
  size = 0,
): number {
  const candidates = size > 0 ? [...costs, ...others] : costs;
  let low = 0;
  let high = Math.min(...candidates.map(({ leadMs, slotMs }) => leadMs + slots * slotMs));
  for (let i = 0; i < ROUNDS; i++) {
    const middle = (low + high) / 2;
    if (slotsOfAll(costs, middle) + slotsOfBest(others, size, middle) >= slots) high = middle;
    else low = middle;
  }
  return high;
}

/** In every step, so it makes no arrays. */
function slotsOfAll(costs: readonly TaskCost[], ms: number): number {
  let done = 0;
  for (const cost of costs) done += wholeSlots(cost, ms);
  return done;
}

function slotsOfBest(costs: readonly TaskCost[], size: number, ms: number): number {
  if (size === 0) return 0;
  const most = costs.map((cost) => wholeSlots(cost, ms)).sort((a, b) => b - a);
  return most.slice(0, size).reduce((sum, slots) => sum + slots, 0);
}

/** The slots that a member computes in a time. A rounding error must not cost one. */
export function wholeSlots({ leadMs, slotMs }: TaskCost, ms: number): number {
  return Math.max(0, Math.floor((ms - leadMs) / slotMs + 1e-9));
}

/** Slots per millisecond of all who take part, and the slots that their leads cost them. */
function sumsOf(costs: readonly TaskCost[], takesPart: readonly boolean[]): { perMs: number; leadSlots: number } {
  let perMs = 0;
  let leadSlots = 0;
  for (const [i, { leadMs, slotMs }] of costs.entries()) {
    if (!takesPart[i]) continue;
    perMs += 1 / slotMs;
    leadSlots += leadMs / slotMs;
  }
  return { perMs, leadSlots };
}
