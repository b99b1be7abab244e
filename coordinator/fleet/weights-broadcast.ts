/**
 * The weights of a step as frames, each encoded once, whoever it is sent to, and only when somebody needs it: a member
 * that holds the weights of the broadcast before is sent what has changed since, any other one everything.
 */
import type { Machine } from '../../shared/compute/machine.js';
import { encodeFrameFrom } from '../../shared/protocol/codec.js';
import { FrameBuffers } from '../../shared/protocol/frame-buffers.js';
import { packPart, partAt, partBytesMax, partsOf } from '../../shared/protocol/tensor.js';

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
   * updates. The frames are made one by one: one is on its way while the next one is encoded.
   */
  *frames(step: number, held: number | null): Iterable<SharedFrame> {
    if (this.now.step !== step) this.begin(step);
    const base = held !== null && held === this.before.step ? held : null;
    const frames = base === null ? this.whole : this.changes;
    for (let part = 0; part < partsOf(this.parameters); part++) {
      frames[part] ??= this.encode(part, base);
      yield frames[part];
    }
  }

  private begin(step: number): void {
    for (const frame of [...this.whole, ...this.changes]) frame.letGo();
    this.whole = [];
    this.changes = [];
    [this.now, this.before] = [this.before, this.now];
    this.now.step = step;
  }

  private encode(part: number, base: number | null): SharedFrame {
    const { now, before, machine } = this;
    machine.profile.enter('encode');
    const { first, count } = partAt(part, this.parameters);
    const words = now.words.subarray(first, first + count);
    words.set(new Int32Array(machine.memory.buffer, machine.workspace.weights + 4 * first, count));
    const compared = base === null ? null : before.words.subarray(first, first + count);
    const message = { type: 'weights', step: now.step ?? 0, base, part } as const;
    const { frame, buffer } = encodeFrameFrom(this.buffers, message, partBytesMax, (payload) =>
      packPart(words, compared, payload),
    );
    machine.profile.leave();
    return new SharedFrame(frame, () => this.buffers.giveBack(buffer));
  }
}

/** A frame that several sockets send; its buffer is free when none of them, nor the broadcast, holds it any more. */
export class SharedFrame {
  private holders = 1;

  constructor(
    readonly bytes: Uint8Array,
    private readonly whenFree: () => void,
  ) {}

  hold(): void {
    this.holders += 1;
  }

  letGo(): void {
    this.holders -= 1;
    if (this.holders === 0) this.whenFree();
  }
}
