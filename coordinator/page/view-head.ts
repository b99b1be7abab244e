/**
 * What is different on the page of `lockstep view`, which shows the files of a run: the page says so, and has no fleet, no
 * controls and no card for joining.
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
    // The files have no times, so there are no events to list; but there may be faults.
    find('log-card', HTMLElement).hidden = files !== null && alarms.length === 0;
    if (files === null) return;
    const writer = files.writer === null || phase === 'finished' ? '' : `, written by ${files.writer}`;
    setText(find('view-text', HTMLElement), `of the files in ${files.path}${writer}`);
    const all = find('view-all', HTMLAnchorElement);
    all.hidden = files.runs < 2;
    setText(all, `Compare all ${files.runs} runs`);
    // A link that opens in another tab must bring the token along.
    all.href = `../../${fragmentOf(this.credentials())}`;
  }
}

/** Says which program does not answer, and what that means. `newest` is the last state that came, or null. */
export function goneText(newest: RunState | null, since: number): string {
  const when = `since ${clock(since)}. This page tries again by itself.`;
  if (newest === null) return `There is no answer, ${when}`;
  if (newest.files === null) return `The coordinator does not answer, ${when} What you see is the last that it said.`;
  const remedy = `lockstep view ${newest.files.path} shows it again`;
  return `This viewer has ended, ${when} The run itself is not affected; ${remedy}. What you see is the last that it read.`;
}
