import { limits } from '../limits.js';
import type { WorkName } from '../work/kinds.js';
import type { Boundary } from './split.js';

/** How the slots of a whole job were cut, and for which members. */
export interface Cut {
  readonly shape: Shape;
  readonly boundaries: readonly Boundary[];
}

interface Shape {
  readonly work: WorkName;
  readonly lo: number;
  readonly hi: number;
  readonly members: readonly number[];
}

/**
 * The cuts of the last few jobs of different shapes, such as training with all members and with some of them, an epoch's
 * last step, and evaluation.
 */
export class RecentCuts {
  private readonly cuts: Cut[] = [];

  /** The boundaries of the same slots for the same members, if they are remembered. */
  find(shape: Shape): readonly Boundary[] | undefined {
    return this.cuts.find((cut) => sameSlots(cut.shape, shape) && sameMembers(cut.shape.members, shape.members))
      ?.boundaries;
  }

  remember(cut: Cut): void {
    const at = this.cuts.findIndex(
      ({ shape }) => sameSlots(cut.shape, shape) && sameMembers(cut.shape.members, shape.members),
    );
    if (at >= 0) this.cuts.splice(at, 1);
    this.cuts.unshift(cut);
    this.cuts.length = Math.min(this.cuts.length, limits.cutsRememberedMax);
  }
}

function sameSlots(a: Shape, b: Shape): boolean {
  return a.work === b.work && a.lo === b.lo && a.hi === b.hi;
}

function sameMembers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((member, i) => member === b[i]);
}
