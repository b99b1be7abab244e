/**
 * What a run is asked to do: plain data, so that a command line, a script, and a test ask for a run in the same way.
 * Fields that are left out get their default, or, in a run that goes on, the value that its `config.json` has.
 */
import type { GivenSettings } from './settings.js';

export interface RunRequest extends GivenSettings {
  /**
   * The number of devices that should have work. A new run then chooses rounds, slots and bits for them, where they are
   * not given. Default: the number of devices decides nothing.
   */
  readonly fleet?: number | undefined;
  /** Directory for the results; an unfinished run in it goes on. Default: `runs/DATE-NAME`. */
  readonly out?: string | undefined;
  /** Directory of a run that must be there and goes on. Not together with `out`. */
  readonly resume?: string | undefined;
  /** Seconds between two checkpoints, besides those after every evaluation. Default: 30. */
  readonly checkpointEvery?: number | undefined;
}

export const checkpointEveryDefault = 30;
