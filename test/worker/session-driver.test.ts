/** Tests what a worker sends and when, and how it refuses messages that are valid but do not fit the run. */
import { describe, expect, it, test } from 'vitest';
import type { Platform } from '../../shared/compute/platform.js';
import type { WireBits } from '../../shared/model/coding.js';
import { decodeFromWorker, encodeFrame } from '../../shared/protocol/codec.js';
import { protocolErrors } from '../../shared/protocol/errors.js';
import {
  type FromCoordinator,
  type FromWorker,
  protocolVersion,
  type SamplesMessage,
  type ShardLease,
  type WeightsMessage,
  type Welcome,
} from '../../shared/protocol/messages.js';
import { maskBytes } from '../../shared/protocol/tensor.js';
import { Random } from '../../shared/random.js';
import { nodePlatform } from '../../worker/node-platform.js';
import { sessionTimes } from '../../worker/session.js';
import { SessionDriver, type SocketObserver } from '../../worker/session-driver.js';

/** The run has 8 parameters, and 4 slots in a step. */
const welcome: Welcome = {
  type: 'welcome',
  protocol: protocolVersion,
  version: '1',
  run: 'r',
  member: 1,
  model: { input: [3], layers: [{ dense: 2, activation: 'linear' }], loss: 'softmaxCrossEntropy' },
  data: { name: 'd', shape: [3], classes: 2, train: 8, test: 4, sha256: 'c'.repeat(64) },
  batch: 4,
  microBatch: 1,
  seed: 1,
  smoothing: 0,
  wireBits: 32,
  augment: null,
  rounds: null,
  heartbeatMs: 1_000,
};
const weights: WeightsMessage = { type: 'weights', step: 0, base: null, part: 0 };
const noBlock = new Uint8Array(maskBytes);
const oneSample: SamplesMessage = { type: 'samples', set: 'train', count: 1 };
/** Ids, labels, and images of three pixels. */
const allSamples = new Uint8Array([
  ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((id) => [id, 0, 0, 0]),
  ...[0, 1, 0, 1, 0, 1, 0, 1],
  ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((id) => [0, 10 * id, 100, 255]),
]);
const shard: ShardLease = {
  type: 'shard',
  lease: 1,
  work: 'gradient',
  step: 0,
  epoch: 0,
  stepInEpoch: 0,
  lo: 0,
  size: 1,
};

/** A worker that is ready to work. The test acts as its coordinator. */
class Played {
  readonly heard: FromWorker[] = [];
  readonly closeCodes: number[] = [];
  readonly driver: SessionDriver;
  private observer: SocketObserver | null = null;
  private whenReady = () => {};

  protected constructor(
    platform: Platform,
    private readonly wireBits: WireBits = 32,
  ) {
    this.driver = new SessionDriver({
      session: { version: '1', name: 'w', kind: 'test', threads: 1, kernels: 'k' },
      random: new Random(1),
      platform,
      openSocket: (observer) => {
        this.observer = observer;
        return { send: (frame) => this.hear(frame), close: (closeCode) => this.closeCodes.push(closeCode) };
      },
      onStatus: () => {},
      onExit: () => {},
    });
  }

  static async join(): Promise<Played> {
    const played = new Played(nodePlatform());
    played.driver.start();
    await played.opened();
    return played;
  }

  /** The connection is open. Resolves when the worker is a member. */
  opened(): Promise<void> {
    return new Promise((resolve) => {
      this.whenReady = resolve;
      this.observer?.opened();
    });
  }

  say(message: FromCoordinator, payload = new Uint8Array(0)): void {
    this.observer?.received(encodeFrame(message, payload));
  }

  breakOff(): void {
    this.observer?.closed('reset');
  }

  protected hear(frame: Uint8Array): void {
    const decoded = decodeFromWorker(frame);
    if ('error' in decoded) throw new Error(decoded.error.message);
    const { message } = decoded;
    this.heard.push(message);
    if (message.type === 'hello') queueMicrotask(() => this.say({ ...welcome, wireBits: this.wireBits }));
    if (message.type === 'ready') this.whenReady();
  }
}

/** Time of the computation of a slot or of a sum, and of the sending of a frame. */
const computeMs = 8;
const sendMs = 3;

/** A worker with weights and all samples, on a machine that computes one slot, or one sum, in each turn. */
class Stepwise extends Played {
  /** What the worker does, in this order: it computes, or it sends a message. */
  readonly done: string[] = [];
  private readonly turns: (() => void)[] = [];
  private nowMs = 0;

  private constructor(wireBits: WireBits) {
    super(
      {
        ...nodePlatform(),
        nowMs: () => this.nowMs,
        defer: (call) => void this.turns.push(call),
        profile: { enter: () => {}, leave: () => this.computed() },
      },
      wireBits,
    );
  }

  static async begin(wireBits: WireBits): Promise<Stepwise> {
    const worker = new Stepwise(wireBits);
    worker.driver.start();
    await worker.opened();
    worker.equip();
    return worker;
  }

  /** Gives the worker weights and samples. */
  equip(): void {
    this.say(weights, noBlock);
    this.say({ ...oneSample, count: 8 }, allSamples);
    this.done.length = 0;
  }

  /** One turn of the machine. Returns what the worker has done since the last call. */
  turn(): string[] {
    for (const call of this.turns.splice(0)) call();
    return this.done.splice(0);
  }

  /** What it does until there is nothing left to compute. */
  rest(): string[] {
    return [this.turn(), this.turn(), this.turn(), this.turn(), this.turn()].flat();
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.driver.tick();
  }

  private computed(): void {
    this.nowMs += computeMs;
    this.done.push('computes');
  }

  protected override hear(frame: Uint8Array): void {
    super.hear(frame);
    this.nowMs += sendMs;
    const message = this.heard.at(-1)!;
    this.done.push(message.type === 'gradient' ? `part ${message.part} of ${message.lease}` : message.type);
  }
}

/** Four slots. */
const fourSlots = { ...shard, size: 4 };

describe('a worker that has several slots to compute', () => {
  it('sends the codes of each slot before it computes the next one', async () => {
    const worker = await Stepwise.begin(4);
    worker.say(fourSlots);
    expect(worker.turn()).toEqual(['computes', 'part 0 of 1']);
    expect(worker.turn()).toEqual(['computes', 'part 1 of 1']);
    expect(worker.turn()).toEqual(['computes', 'part 2 of 1']);
    expect(worker.turn()).toEqual(['computes', 'part 3 of 1', 'result']);
    expect(worker.driver.done).toMatchObject({ shards: 1, samples: 4 });
  });

  it('sends their sum at the end where numbers do not travel in codes', async () => {
    const worker = await Stepwise.begin(32);
    worker.say(fourSlots);
    expect(worker.rest()).toEqual(['computes', 'part 0 of 1', 'result']);
  });

  it('does not count the sending of the last ones as computing', async () => {
    const [alone, four] = [await Stepwise.begin(32), await Stepwise.begin(4)];
    for (const worker of [alone, four]) worker.say(fourSlots);
    for (const worker of [alone, four]) worker.rest();
    expect(alone.heard.at(-1)).toMatchObject({ type: 'result', computeMs });
    expect(four.heard.at(-1)).toMatchObject({ type: 'result', computeMs: 4 * computeMs + 3 * sendMs });
  });

  it('goes on with a shard that is cancelled on its way until other weights come', async () => {
    const worker = await Stepwise.begin(4);
    worker.say(fourSlots);
    worker.turn();
    worker.say({ type: 'cancel', lease: 1 });
    expect(worker.turn()).toEqual(['computes', 'part 1 of 1']);
    worker.say({ ...weights, step: 1 }, noBlock);
    worker.say({ ...fourSlots, lease: 2, step: 1, size: 2 });
    expect(worker.rest()).toEqual(['computes', 'part 0 of 2', 'computes', 'part 1 of 2', 'result']);
  });

  it('sends nothing of a shard of the last connection over the next one', async () => {
    const worker = await Stepwise.begin(4);
    worker.say(fourSlots);
    worker.turn();
    worker.breakOff();
    worker.pass(sessionTimes.retryMsMax);
    await worker.opened();
    worker.equip();
    worker.say({ ...fourSlots, lease: 2, size: 2 });
    expect(worker.rest()).toEqual(['computes', 'part 0 of 2', 'computes', 'part 1 of 2', 'result']);
  });

  it('sends no more of them after it has said that it leaves', async () => {
    const worker = await Stepwise.begin(4);
    worker.say(fourSlots);
    worker.turn();
    worker.driver.stop();
    expect(worker.rest().filter((what) => what !== 'computes')).toEqual(['leave']);
  });
});

test.each([
  ['weights that are cut off', 'payload-length', [weights, noBlock.subarray(1)]],
  ['samples that are cut off', 'payload-length', [oneSample, new Uint8Array(7)]],
  ['a sample that the set does not have', 'payload-length', [oneSample, Uint8Array.of(8, 0, 0, 0, 0, 1, 2, 3)]],
  ['a slot that the step does not have', 'field-invalid', [{ ...shard, lo: 4 }]],
  ['a step that the epoch does not have', 'field-invalid', [{ ...shard, stepInEpoch: 2 }]],
] as const)('%s: refused as %s', async (_, code, [message, payload]) => {
  const coordinator = await Played.join();
  if (message.type === 'shard') coordinator.say(weights, noBlock);
  coordinator.say(message, payload);
  expect(coordinator.heard.at(-1)).toMatchObject({ type: 'failure', code });
  expect(coordinator.closeCodes).toEqual([protocolErrors[code].closeCode]);
});

describe('a worker that waits for the run to begin', () => {
  it('computes some slots for nobody, so that its code is warm, and sends nothing of them', async () => {
    const worker = await Stepwise.begin(4);
    const done: string[] = [];
    for (let i = 0; i < 20; i++) {
      worker.pass(100);
      done.push(...worker.turn());
    }
    expect(done).toEqual(Array(5).fill('computes'));
    worker.say(fourSlots);
    expect(worker.rest()).toHaveLength(9);
    expect(worker.driver.done).toMatchObject({ shards: 1, samples: 4 });
  });

  it('does so only until there is work', async () => {
    const worker = await Stepwise.begin(32);
    worker.say(shard);
    worker.rest();
    worker.pass(100);
    expect(worker.rest()).toEqual([]);
  });
});
