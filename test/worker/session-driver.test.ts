/** Tests how a worker refuses messages that are valid but do not fit the run. */
import { expect, test } from 'vitest';
import { decodeFromWorker, encodeFrame } from '../../shared/protocol/codec.js';
import { protocolErrors } from '../../shared/protocol/errors.js';
import { type FromCoordinator, type FromWorker, protocolVersion } from '../../shared/protocol/messages.js';
import { maskBytes } from '../../shared/protocol/tensor.js';
import { Random } from '../../shared/random.js';
import { nodePlatform } from '../../worker/node-platform.js';
import { SessionDriver, type SocketObserver } from '../../worker/session-driver.js';

/** The run has 8 parameters, and 4 slots in a step. */
const welcome: FromCoordinator = {
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
const weights: FromCoordinator = { type: 'weights', step: 0, base: null, part: 0 };
const noBlock = new Uint8Array(maskBytes);
const oneSample: FromCoordinator = { type: 'samples', set: 'train', count: 1 };
const shard: FromCoordinator = {
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
  private observer: SocketObserver | null = null;
  private whenReady = () => {};

  static async join(): Promise<Played> {
    const played = new Played();
    const isReady = new Promise<void>((resolve) => {
      played.whenReady = resolve;
    });
    played.start();
    await isReady;
    return played;
  }

  say(message: FromCoordinator, payload = new Uint8Array(0)): void {
    this.observer?.received(encodeFrame(message, payload));
  }

  private start(): void {
    const driver = new SessionDriver({
      session: { version: '1', name: 'w', kind: 'test', threads: 1, kernels: 'k' },
      random: new Random(1),
      platform: nodePlatform(),
      openSocket: (observer) => {
        this.observer = observer;
        return { send: (frame) => this.hear(frame), close: (closeCode) => this.closeCodes.push(closeCode) };
      },
      onStatus: () => {},
      onExit: () => {},
    });
    driver.start();
    this.observer?.opened();
  }

  private hear(frame: Uint8Array): void {
    const decoded = decodeFromWorker(frame);
    if ('error' in decoded) throw new Error(decoded.error.message);
    this.heard.push(decoded.message);
    if (decoded.message.type === 'hello') this.say(welcome);
    if (decoded.message.type === 'ready') this.whenReady();
  }
}

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
