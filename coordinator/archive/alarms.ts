/**
 * What the disk refuses while training goes on. Each kind is told when it begins and when it is over, however often it
 * is met in between: a disk that stays full for an hour is two lines in the log.
 */
export type AlarmName = 'checkpoints' | 'metrics';

export interface AlarmListener {
  raised(alarm: AlarmName, message: string): void;
  cleared(alarm: AlarmName, message: string): void;
}

export class Alarms {
  private readonly raised = new Set<AlarmName>();
  private faults_ = 0;

  constructor(private readonly listener: AlarmListener) {}

  /** Operations that have failed so far. */
  get faults(): number {
    return this.faults_;
  }

  /** What cannot be written at present. */
  get active(): readonly AlarmName[] {
    return [...this.raised];
  }

  raise(name: AlarmName, message: string): void {
    this.faults_ += 1;
    if (this.raised.has(name)) return;
    this.raised.add(name);
    this.listener.raised(name, message);
  }

  /** Nothing happens if it was not raised. */
  clear(name: AlarmName, message: string): void {
    if (this.raised.delete(name)) this.listener.cleared(name, message);
  }
}
