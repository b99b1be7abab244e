/** The list of events and alarms, the newest first, with at most `ROWS_MAX` rows. */
import type { Alarm, RunState } from '../web/state.js';
import { create, find } from './elements.js';
import { clock } from './format.js';

const ROWS_MAX = 200;

export class EventLog {
  private readonly list = find('log', HTMLOListElement);
  private newest = 0;
  private run = '';
  private newestAlarm: Alarm | null = null;

  /** Adds what is new. States with `complete` repeat old events, which are not added again. */
  add({ run, events, alarms, complete }: RunState): void {
    if (complete && (run !== this.run || (events.at(-1)?.id ?? 0) < this.newest)) this.clear();
    this.run = run;
    for (const { id, at, kind, text } of events) {
      if (id <= this.newest) continue;
      this.newest = id;
      this.addRow(kind, at, text);
    }
    for (const { at, text } of newAlarms(alarms, this.newestAlarm)) this.addRow('alarm', at, text);
    this.newestAlarm = alarms.at(-1) ?? this.newestAlarm;
    while (this.list.childElementCount > ROWS_MAX) this.list.lastElementChild?.remove();
  }

  private clear(): void {
    this.list.replaceChildren();
    this.newest = 0;
    this.newestAlarm = null;
  }

  private addRow(kind: string, at: number, text: string): void {
    const time = create('time', { text: clock(at) });
    time.dateTime = new Date(at).toISOString();
    const row = create('li', {}, [time, create('span', { text })]);
    row.dataset.kind = kind;
    this.list.prepend(row);
  }
}

/** The alarms after the one that was shown last. The list is bounded: that one may have left it. */
export function newAlarms(alarms: readonly Alarm[], last: Alarm | null): readonly Alarm[] {
  return alarms.slice(1 + alarms.findLastIndex(({ at, text }) => at === last?.at && text === last.text));
}
