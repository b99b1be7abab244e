/** The events that a run directory reports while a run writes to it. */
import type { AlarmName } from './alarms.js';

export type ArchiveEvent =
  /** The checkpoint of a step is on the disk. */
  | { readonly type: 'checkpointed'; readonly step: number; readonly path: string }
  /** A disk operation failed. Training goes on. */
  | { readonly type: 'alarm-raised'; readonly alarm: AlarmName; readonly message: string }
  | { readonly type: 'alarm-cleared'; readonly alarm: AlarmName; readonly message: string }
  /** A damaged checkpoint was skipped, or old checkpoints could not be removed. */
  | { readonly type: 'checkpoint-trouble'; readonly message: string };
