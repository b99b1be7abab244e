/** The run of a `welcome`, as a machine takes it, and the same back: one place, so that both ends agree. */
import { epochShape } from '../data/order.js';
import type { SlotRules } from '../optimizer/update.js';
import type { Rounds, Welcome } from '../protocol/messages.js';
import type { RunDescription } from './workspace.js';

/** The fields of a `welcome` that decide what a slot computes, beside the data set. */
export type WelcomeRun = Pick<
  Welcome,
  'model' | 'batch' | 'microBatch' | 'seed' | 'smoothing' | 'wireBits' | 'augment' | 'rounds'
>;

/** What a coordinator says of its run. */
export function welcomeRunOf(run: RunDescription): WelcomeRun {
  const { model, batch, microBatch, seed, smoothing = 0, wireBits = 32, augment = null, rounds } = run;
  return {
    model,
    batch,
    microBatch,
    seed,
    smoothing,
    wireBits,
    augment,
    rounds: rounds === undefined ? null : wireRounds(rounds),
  };
}

/** What a worker makes of a valid `welcome`. */
export function runOf({ data, augment, rounds, ...welcome }: WelcomeRun & Pick<Welcome, 'data'>): RunDescription {
  const { model, batch, microBatch, seed, smoothing, wireBits } = welcome;
  const { train, validation, test } = data;
  const order = { samples: train, batch, microBatch, rounds: rounds ?? undefined };
  return {
    ...{ model, train, validation, test, batch, microBatch, seed, smoothing, wireBits },
    augment: augment ?? undefined,
    rounds: rounds === null ? undefined : slotRules(rounds, epochShape(order).stepsPerEpoch),
  };
}

/** Without a schedule, the epochs mean nothing, so all runs say the same. */
function wireRounds({ steps, optimizer, schedule: planned, clip }: SlotRules): Rounds {
  const { schedule = null, epochs = 1 } = planned ?? {};
  return { steps, optimizer, schedule, epochs, clip: clip ?? null };
}

function slotRules({ steps, optimizer, schedule, epochs, clip }: Rounds, stepsPerEpoch: number): SlotRules {
  const planned = schedule === null ? undefined : { schedule, epochs, stepsPerEpoch };
  return { steps, optimizer, schedule: planned, clip: clip ?? undefined };
}
