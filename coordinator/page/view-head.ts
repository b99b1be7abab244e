/**
 * What is different where the page shows files of a run (`lockstep view`) and not a run in its own process: it says so,
 * and has neither fleet nor controls nor a card to join by.
 */
import { type Credentials, fragmentOf } from '../../shared/protocol/handshake.js';
import type { RunState } from '../web/state.js';
import { find, setText } from './elements.js';
import { clock } from './format.js';

export class ViewHead {
  constructor(private readonly credentials: () => Credentials) {}

  render({ files, phase, alarms }: RunState): void {
    document.body.classList.toggle('view', files !== null);
    find('view-head', HTMLElement).hidden = files === null;
    find('fleet-card', HTMLElement).hidden = files !== null;
    // The files keep no times: there are no events to list, but perhaps faults.
    find('log-card', HTMLElement).hidden = files !== null && alarms.length === 0;
    if (files === null) return;
    const writer = files.writer === null || phase === 'finished' ? '' : `, written by ${files.writer}`;
    setText(find('view-text', HTMLElement), `of the files in ${files.path}${writer}`);
    const all = find('view-all', HTMLAnchorElement);
    all.hidden = files.runs < 2;
    setText(all, `Compare all ${files.runs} runs`);
    // Another tab does not know the token.
    all.href = `../../${fragmentOf(this.credentials())}`;
  }
}

/** Who does not answer, and what that means. `newest` is the last state that there was. */
export function goneText(newest: RunState | null, since: number): string {
  const when = `since ${clock(since)}. This page tries again by itself.`;
  if (newest === null) return `There is no answer, ${when}`;
  if (newest.files === null) return `The coordinator does not answer, ${when} What you see is the last that it said.`;
  const remedy = `lockstep view ${newest.files.path} shows it again`;
  return `This viewer has ended, ${when} The run itself is not affected; ${remedy}. What you see is the last that it read.`;
}
