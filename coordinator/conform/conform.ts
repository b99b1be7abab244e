/**
 * Tests a worker of any implementation. It behaves like a coordinator and compares all answers of the worker with the
 * specification. Each trial has its own connection.
 *
 * What this is not: a coordinator. It trains nothing. It admits a worker even if its known answer is wrong, so that the
 * following checks can find out more about the mistake.
 */
import { Conversation, type Expectations } from './conversation.js';
import { Interruption, type Peer } from './peer.js';
import type { CheckReport } from './report.js';
import { trials as allTrials, type Trial } from './trials.js';

/** The source of connections. */
export interface Door {
  /** Resolves with the next connection. Rejects with an `Interruption` if there is none within `waitMs`. */
  next(waitMs: number): Promise<Peer>;
}

export interface ConformOptions extends Expectations {
  /** Time for the worker to connect, and to connect again for each further trial. */
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
 * Plays one trial. Returns false if the worker fell silent or sent an unexpected message. Then this connection is given
 * up, and the next trial begins with a new one.
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

/** The message of an interruption. Any other error is a bug of this program, so it is thrown again. */
function sentenceOf(error: unknown): string {
  if (error instanceof Interruption) return error.message;
  throw error;
}
