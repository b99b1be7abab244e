/** What happened, the newest first; bounded. */
import type { RunState } from '../web/state.js';
import { create, find } from './elements.js';
import { clock } from './format.js';

const ROWS_MAX = 200;

export class EventLog {
  private readonly list = find('log', HTMLOListElement);
  private newest = 0;
  private run = '';
  private alarms = 0;

  /** Takes in what is new; `complete` states repeat what is known. */
  add({ run, events, alarms, complete }: RunState): void {
    if (complete && (run !== this.run || (events.at(-1)?.id ?? 0) < this.newest)) this.clear();
    this.run = run;
    for (const { id, at, kind, text } of events) {
      if (id <= this.newest) continue;
      this.newest = id;
      this.addRow(kind, at, text);
    }
    for (const { at, text } of alarms.slice(this.alarms)) this.addRow('alarm', at, text);
    this.alarms = alarms.length;
    while (this.list.childElementCount > ROWS_MAX) this.list.lastElementChild?.remove();
  }

  private clear(): void {
    this.list.replaceChildren();
    this.newest = 0;
    this.alarms = 0;
  }

  private addRow(kind: string, at: number, text: string): void {
    const time = create('time', { text: clock(at) });
    time.dateTime = new Date(at).toISOString();
    const row = create('li', {}, [time, create('span', { text })]);
    row.dataset.kind = kind;
    this.list.prepend(row);
  }
}
