/**
 * Alarms for disk operations that fail while training goes on. An alarm is reported once when its first operation
 * fails, and once when an operation succeeds again. So a disk that stays full for an hour makes two lines in the log.
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

  /** Number of operations that have failed so far. */
  get faults(): number {
    return this.faults_;
  }

  /** The alarms that are raised at present. */
  get active(): readonly AlarmName[] {
    return [...this.raised];
  }

  raise(name: AlarmName, message: string): void {
    this.faults_ += 1;
    if (this.raised.has(name)) return;
    this.raised.add(name);
    this.listener.raised(name, message);
  }

  /** Does nothing if the alarm is not raised. */
  clear(name: AlarmName, message: string): void {
    if (this.raised.delete(name)) this.listener.cleared(name, message);
  }
}
