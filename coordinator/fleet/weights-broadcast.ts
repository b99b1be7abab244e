/**
 * The weights of a step as frames, each encoded once, whoever it is sent to, and only when it is that frame's turn: a
 * member that holds the weights of the broadcast before is sent what has changed since, any other one everything.
 */
import type { Machine } from '../../shared/compute/machine.js';
import { encodeFrameFrom } from '../../shared/protocol/codec.js';
import { FrameBuffers } from '../../shared/protocol/frame-buffers.js';
import { packPart, partAt, partBytesMax, partsOf } from '../../shared/protocol/tensor.js';
import { type BufferedFrame, SharedFrame } from './shared-frame.js';

/** A version of the weights, copied out of the workspace: as words, which are compared bit by bit. */
interface Version {
  step: number | null;
  readonly words: Int32Array;
}

export class WeightsBroadcast {
  private readonly buffers = new FrameBuffers();
  private readonly parameters: number;
  private now: Version;
  private before: Version;
  /** Frames of `now` by part: all of it, and what has changed since `before`. */
  private whole: SharedFrame[] = [];
  private changes: SharedFrame[] = [];

  constructor(private readonly machine: Machine) {
    this.parameters = machine.workspace.parameters;
    const version = (): Version => ({ step: null, words: new Int32Array(this.parameters) });
    this.now = version();
    this.before = version();
  }

  /**
   * The weights after `step` updates, which are those in the workspace now, for a member that holds those after `held`
   * updates. To be sent in this order, and let go of.
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

  /** Frames that still wait for their turn are made now: what they were to be compared with will be gone. */
  private begin(step: number): void {
    for (const frame of [...this.whole, ...this.changes]) frame.leave();
    this.whole = [];
    this.changes = [];
    [this.now, this.before] = [this.before, this.now];
    this.now.step = step;
    const { memory, workspace, profile } = this.machine;
    profile.enter('encode');
    this.now.words.set(new Int32Array(memory.buffer, workspace.weights, this.parameters));
    profile.leave();
  }

  private encode(part: number, base: number | null): BufferedFrame {
    const { now, before, machine } = this;
    machine.profile.enter('encode');
    const { first, count } = partAt(part, this.parameters);
    const words = now.words.subarray(first, first + count);
    const compared = base === null ? null : before.words.subarray(first, first + count);
    const message = { type: 'weights', step: now.step ?? 0, base, part } as const;
    const encoded = encodeFrameFrom(this.buffers, message, partBytesMax, (payload) =>
      packPart(words, compared, payload),
    );
    machine.profile.leave();
    return encoded;
  }
}
