/**
 * The weights of a step as frames. Each frame is encoded once for all members, at its turn in the outbox. A member that
 * holds the weights of the broadcast before gets what has changed since. Any other member gets all weights.
 *
 * In a coded run, a change is that of one update. A member that holds the weights before the update gets it, in codes.
 */

import type { Pointer } from '../arithmetic/kernels.js';
import type { Machine } from '../compute/machine.js';
import { encodeFrameFrom } from '../protocol/codec.js';
import { FrameBuffers } from '../protocol/frame-buffers.js';
import { partRoomBytes, partsOf } from '../protocol/tensor.js';
import { type BufferedFrame, SharedFrame } from './shared-frame.js';

/** A version of the weights, or, in a coded run, the change that is subtracted from it: a copy in the machine's memory. */
interface Version {
  /** The number of updates that made these weights. Null if there is no copy. */
  step: number | null;
  readonly at: Pointer;
}

export class WeightsBroadcast {
  private readonly buffers = new FrameBuffers();
  private readonly parameters: number;
  private now: Version;
  private before: Version;
  /** Frames of `now` by part: those with all weights, and those with what has changed since `before`. */
  private whole: SharedFrame[] = [];
  private changes: SharedFrame[] = [];

  constructor(private readonly machine: Machine) {
    const { parameters, broadcast } = machine.workspace;
    this.parameters = parameters;
    // Touches the memory for the first time, so that the first steps need not.
    for (const at of broadcast) machine.floats(at, parameters).fill(0);
    [this.now, this.before] = [
      { step: null, at: broadcast[0] },
      { step: null, at: broadcast[1] },
    ];
  }

  /**
   * The weights after `step` updates, for a member that holds those after `held` updates. The workspace has the weights
   * of `step` now. The frames must be sent in this order, and let go of.
   */
  frames(step: number, held: number | null): SharedFrame[] {
    if (this.now.step !== step) this.begin(step);
    const base = held !== null && held === this.before.step ? held : null;
    const frames = base === null ? this.whole : this.changes;
    for (let part = frames.length; part < partsOf(this.parameters); part++) {
      frames.push(new SharedFrame(this.buffers, () => this.encode(part, base)));
    }
    return frames.map((frame) => frame.hold());
  }

  /** Encodes the frames that still wait for their turn, because the weights that they compare with are overwritten. */
  private begin(step: number): void {
    for (const frame of [...this.whole, ...this.changes]) frame.leave();
    this.whole = [];
    this.changes = [];
    const { workspace, profile, tensors } = this.machine;
    profile.enter('encode');
    if (workspace.coding === null) [this.now, this.before] = [this.before, this.now];
    else this.copyChange(step);
    this.now.step = step;
    tensors.copy(workspace.weights, this.now.at, this.parameters);
    profile.leave();
  }

  /** Copies the change that has made the weights after `step` updates, if the last update has made them. */
  private copyChange(step: number): void {
    const { workspace, tensors, updatedTo } = this.machine;
    const { coded } = workspace;
    const isThere = coded !== undefined && updatedTo === step;
    this.before.step = isThere ? step - 1 : null;
    if (isThere) tensors.copy(coded.change, this.before.at, this.parameters);
  }

  private encode(part: number, base: number | null): BufferedFrame {
    const { now, before, machine } = this;
    machine.profile.enter('encode');
    const { coding } = machine.workspace;
    const message = { type: 'weights', step: now.step ?? 0, base, part } as const;
    const encoded = encodeFrameFrom(this.buffers, message, partRoomBytes(coding), (payload) =>
      base !== null && coding !== null
        ? machine.tensors.packCodes(part, this.parameters, before.at, coding, payload)
        : machine.tensors.packPart(part, this.parameters, now.at, base === null ? null : before.at, payload),
    );
    machine.profile.leave();
    return encoded;
  }
}
