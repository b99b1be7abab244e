/**
 * Plays a coordinator to one worker, of any make, and compares all that it answers with the specification: connection
 * after connection, one scene each.
 *
 * What this is not: a coordinator. It trains nothing and admits the worker with any known answer, so that the checks
 * behind it can say more than that the answer is wrong.
 */
import { Conversation, type Expectations } from './conversation.js';
import { Interruption, type Peer } from './peer.js';
import type { Report } from './report.js';
import { scenes as allScenes, type Scene } from './scenes.js';

/** Where workers come in. */
export interface Door {
  /** The next connection; rejects with an `Interruption` if there is none for so long. */
  next(waitMs: number): Promise<Peer>;
}

export interface ConformOptions extends Expectations {
  /** How long to wait for the worker to connect, and to come back. */
  readonly connectMs: number;
  readonly scenes?: readonly Scene[];
}

export async function conform(door: Door, report: Report, options: ConformOptions): Promise<void> {
  const scenes = options.scenes ?? allScenes;
  for (const [i, scene] of scenes.entries()) {
    report.scene(`${i + 1}/${scenes.length}  ${scene.title}`);
    const peer = await arrival(door, report, options.connectMs, i === 0 ? 'connects' : 'comes back');
    if (peer === null) return;
    const isWhole = await playScene(new Conversation(peer, scene, report, options), scene, peer, report);
    if (isWhole && scene.ending === 'over') await staysAway(door, report, options.waits.awayMs);
  }
}

async function arrival(door: Door, report: Report, waitMs: number, check: string): Promise<Peer | null> {
  try {
    return await door.next(waitMs);
  } catch (error) {
    report.failed(check, sentenceOf(error));
    return null;
  }
}

/**
 * False if the conversation broke off: a worker that falls silent, or says something that has no place, is left behind,
 * and the next scene may do better.
 */
async function playScene(conversation: Conversation, { ending }: Scene, peer: Peer, report: Report): Promise<boolean> {
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

async function staysAway(door: Door, report: Report, waitMs: number): Promise<void> {
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
