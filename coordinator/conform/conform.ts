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
    const isLast = i === scenes.length - 1;
    report.scene(`${i + 1}/${scenes.length}  ${scene.title}`);
    const peer = await arrival(door, report, options.connectMs, i === 0 ? 'connects' : 'comes back');
    if (peer === null) return;
    await playScene(new Conversation(peer, scene, report, options), peer, report, isLast);
  }
  await dismiss(door, report, options);
}

async function arrival(door: Door, report: Report, waitMs: number, check: string): Promise<Peer | null> {
  try {
    return await door.next(waitMs);
  } catch (error) {
    report.failed(check, sentenceOf(error));
    return null;
  }
}

/** A worker that falls silent, or says something that has no place, is left behind; the next scene may do better. */
async function playScene(conversation: Conversation, peer: Peer, report: Report, isLast: boolean): Promise<void> {
  try {
    await conversation.play();
    if (isLast) await conversation.provoke();
    else await conversation.end(true);
  } catch (error) {
    report.failed('the conversation', sentenceOf(error));
    peer.close(1000);
  }
}

/** A worker may come back after the refusal, and is told that all is done; one that does not come back may be so. */
async function dismiss(door: Door, report: Report, options: ConformOptions): Promise<void> {
  const { helloMs, closeMs } = options.waits;
  const peer = await door.next(closeMs).catch((error) => {
    report.note(`It did not come back after the failure, which it need not: ${sentenceOf(error)}`);
    return null;
  });
  if (peer === null) return;
  try {
    await peer.expect(['hello'], '`hello`', helloMs);
    peer.send({ type: 'end', reason: 'finished', again: false, message: 'All is checked.' });
    peer.close(1000);
    await peer.expectClose('the connection to be closed after `end`', closeMs);
    report.passed('comes back after a failure, and is told that all is over');
  } catch (error) {
    report.failed('comes back after a failure', sentenceOf(error));
  }
}

/** Anything but an interruption is a fault of ours. */
function sentenceOf(error: unknown): string {
  if (error instanceof Interruption) return error.message;
  throw error;
}
