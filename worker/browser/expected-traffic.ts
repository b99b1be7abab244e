/** What the join page says of a run before it joins: how much data it needs, and whether that may cost money. Pure. */
import { byteCount } from '../../shared/figures.js';
import type { JoinOffer } from '../../shared/join-offer.js';
import { plural } from '../../shared/plural.js';
import { stepUnit } from '../../shared/step-unit.js';

/** The part of `navigator.connection` that says whether data costs money. Some browsers have none. */
export interface Connection {
  readonly type?: string;
  readonly saveData?: boolean;
}

/** Empty if the run is over. */
export function trafficSentence(offer: JoinOffer): string {
  const { stepsLeft, joinBytes, stepBytes, samplesBytes } = offer;
  if (stepsLeft === 0) return '';
  const all = joinBytes + samplesBytes + stepsLeft * stepBytes;
  return (
    `If this tab stays to the end of the run, it sends and receives about ${byteCount(all)}: ` +
    `${byteCount(stepBytes)} in each ${stepUnit(offer)}, and ${byteCount(joinBytes + samplesBytes)} once.`
  );
}

/** Why a tab must not join before the visitor says so. Null if it may join at once. */
export function reasonToAsk(connection: Connection | undefined): string | null {
  if (connection?.type === 'cellular') return 'This device is on mobile data, which may cost you money.';
  if (connection?.saveData === true) return 'This device is set to save data.';
  return null;
}

/** Many browsers do not say what the connection is. */
export function connectionSentence(connection: Connection | undefined): string {
  const isKnown = connection?.type !== undefined && connection.type !== 'unknown';
  return isKnown ? '' : 'On mobile data, this may cost you money: use Wi-Fi, or leave.';
}

/** Why the tab has nothing to do, when it is a spare. */
export function spareSentence({ sharers, slots, localSteps }: JoinOffer): string {
  const unit = stepUnit({ localSteps });
  return sharers > slots
    ? `A ${unit} of this run has ${plural(slots, 'part')}, and there are ${sharers} workers and threads for them.`
    : `A ${unit} takes less time without this tab: it is slower than the others, or its network is.`;
}
