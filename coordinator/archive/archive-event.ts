/** What a run directory reports while it is written to. */
import type { AlarmName } from './alarms.js';

export type ArchiveEvent =
  /** The checkpoint of a step is on the disk. */
  | { readonly type: 'checkpointed'; readonly step: number; readonly path: string }
  /** The disk refuses something. Training goes on. */
  | { readonly type: 'alarm-raised'; readonly alarm: AlarmName; readonly message: string }
  | { readonly type: 'alarm-cleared'; readonly alarm: AlarmName; readonly message: string }
  /** A checkpoint is damaged and passed over, or old ones could not be removed. */
  | { readonly type: 'checkpoint-trouble'; readonly message: string };
