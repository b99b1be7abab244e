/**
 * Plays a coordinator to one worker, of any make, and compares all that it answers with the specification: connection
 * after connection, one trial each.
 *
 * What this is not: a coordinator. It trains nothing and admits the worker with any known answer, so that the checks
 * behind it can say more than that the answer is wrong.
 */
import { Conversation, type Expectations } from './conversation.js';
import { Interruption, type Peer } from './peer.js';
import type { CheckReport } from './report.js';
import { trials as allTrials, type Trial } from './trials.js';

/** Where workers come in. */
export interface Door {
  /** The next connection; rejects with an `Interruption` if there is none for so long. */
  next(waitMs: number): Promise<Peer>;
}

export interface ConformOptions extends Expectations {
  /** How long to wait for the worker to connect, and to come back. */
  readonly connectMs: number;
  readonly trials?: readonly Trial[];
}

export async function conform(door: Door, report: CheckReport, options: ConformOptions): Promise<void> {
  const trials = options.trials ?? allTrials;
  for (const [i, trial] of trials.entries()) {
    report.trial(`${i + 1}/${trials.length}  ${trial.title}`);
    const peer = await arrival(door, report, options.connectMs, i === 0 ? 'connects' : 'comes back');
    if (peer === null) return;
    const isWhole = await playTrial(new Conversation(peer, trial, report, options), trial, peer, report);
    if (isWhole && trial.ending === 'over') await staysAway(door, report, options.waits.awayMs);
  }
}

async function arrival(door: Door, report: CheckReport, waitMs: number, check: string): Promise<Peer | null> {
  try {
    return await door.next(waitMs);
  } catch (error) {
    report.failed(check, sentenceOf(error));
    return null;
  }
}

/**
 * False if the conversation broke off: a worker that falls silent, or says something that has no place, is left behind,
 * and the next trial may do better.
 */
async function playTrial(
  conversation: Conversation,
  { ending }: Trial,
  peer: Peer,
  report: CheckReport,
): Promise<boolean> {
  try {
    await conversation.play();
    if (ending === 'again') await conversation.interrupt();
    else if (ending === 'provoked') await conversation.provoke();
    else await conversation.finish();
    return true;
  } catch (error) {
    report.failed('the conversation', sentenceOf(error));
    peer.close(1000);
    return false;
  }
}

async function staysAway(door: Door, report: CheckReport, waitMs: number): Promise<void> {
  try {
    const peer = await door.next(waitMs);
    peer.close(1000);
  } catch (error) {
    sentenceOf(error);
    return report.passed('stays away when it is told so');
  }
  report.failed('stays away when it is told so', 'it connected again after an `end` whose `again` is false');
}

/** Anything but an interruption is a fault of ours. */
function sentenceOf(error: unknown): string {
  if (error instanceof Interruption) return error.message;
  throw error;
}
