/**
 * One run of a few shards with one worker: what a coordinator would say, in an order that is written down here, and what
 * must come back. `conform.ts` has one of these per connection.
 */
import type { LooseSamples } from '../../shared/compute/samples.js';
import type { SampleSet } from '../../shared/data/dataset.js';
import { limits } from '../../shared/limits.js';
import { outputWidth } from '../../shared/model/parameters.js';
import { patience } from '../../shared/pool/member.js';
import { rootShard, type Shard } from '../../shared/pool/tree.js';
import { type Hello, protocolVersion, type ShardLease, type Welcome } from '../../shared/protocol/messages.js';
import { packPart, partAt, partBytesMax, partsOf } from '../../shared/protocol/tensor.js';
import { shardSamples } from '../../shared/work/orders.js';
import { version } from '../version.js';
import { Assembly } from './assembly.js';
import { diagnosis } from './diagnosis.js';
import { difference, differentPrediction } from './difference.js';
import { changedBlocks, samplesPayload } from './encode.js';
import { Oracle, type StepPlace } from './oracle.js';
import { Interruption, type Peer } from './peer.js';
import { madeUpSamples, madeUpWeights, pick } from './problem.js';
import type { Report } from './report.js';
import type { Scene } from './scenes.js';

/** How long the worker may take for what. */
export interface Waits {
  readonly helloMs: number;
  readonly prepareMs: number;
  readonly shardMs: number;
  readonly pongMs: number;
  readonly closeMs: number;
}

export const waits: Waits = {
  helloMs: limits.helloMsMax,
  prepareMs: limits.prepareMsMax,
  shardMs: patience.firstLeaseMs,
  pongMs: patience.silenceMs,
  closeMs: limits.conformCloseMsMax,
};

export interface Expectations {
  /** SHA-256 of the right known answer (E6). */
  readonly knownAnswer: string;
  readonly waits: Waits;
}

export class Conversation {
  private readonly oracle: Oracle;
  private readonly train: LooseSamples;
  private readonly test: LooseSamples;
  /** Samples that the worker was sent. */
  private readonly held = { train: new Set<number>(), test: new Set<number>() };
  private readonly assemblies = new Map<number, Assembly>();
  /** Leases that were cancelled: they may be answered all the same. */
  private readonly cancelled = new Set<number>();
  private weightsBefore: Float32Array | null = null;
  private step = 0;
  private nextLease = 1;
  private nextPing = 1;

  constructor(
    private readonly peer: Peer,
    private readonly scene: Scene,
    private readonly report: Report,
    private readonly expectations: Expectations,
  ) {
    const { run } = scene;
    this.oracle = new Oracle(run);
    this.train = madeUpSamples(run, 'train', run.train);
    this.test = madeUpSamples(run, 'test', run.test);
    this.oracle.store('train', this.train);
    this.oracle.store('test', this.test);
  }

  /** All of the scene but its end. */
  async play(): Promise<void> {
    await this.join();
    const { order } = this.oracle;
    const last = order.stepsPerEpoch - 1;
    this.sendWeights(null);
    await this.check('one slot', { epoch: 0, stepInEpoch: 0 }, { lo: 0, size: 1 });
    const root = rootShard(order.slotsIn(0));
    await this.check(`a shard of ${order.slotsIn(0)} slots`, { epoch: 0, stepInEpoch: 0 }, root);
    this.sendWeights(this.step);
    await this.check('changed weights, sent as a difference', { epoch: 0, stepInEpoch: 0 }, { lo: 4, size: 2 });
    const rest = { epoch: 1, stepInEpoch: last };
    await this.check('the last step of the next epoch', rest, rootShard(order.slotsIn(last)));
    await this.evaluate();
    this.sendWeights(null);
    await this.several();
  }

  /** The worker is told that the run is over for it, and closes. */
  async end(again: boolean): Promise<void> {
    const message = again ? 'Come back: the next run follows.' : 'All is checked.';
    this.peer.send({ type: 'end', reason: again ? 'interrupted' : 'finished', again, message });
    this.peer.close(1000);
    await this.peer.expectClose('the connection to be closed after `end`', this.expectations.waits.closeMs);
    this.report.passed('closes after `end`');
  }

  /** A ping with a field more than it has: the last word of a connection. */
  async provoke(): Promise<void> {
    const ping = { type: 'ping' as const, id: 1, colour: 'red' };
    this.peer.send(ping);
    const { closeMs } = this.expectations.waits;
    const what = 'a refusal of a ping with an unknown field';
    const { message } = await this.peer.expect(['failure'], what, closeMs);
    const fault = message.code === 'field-invalid' ? null : `the worker says ${message.code}, not field-invalid`;
    this.conclude('refuses an unknown field', fault);
    this.peer.close(1000);
    await this.peer.expectClose('the connection to be closed after a failure', closeMs);
  }

  // ---- joining ----

  private async join(): Promise<void> {
    const { helloMs, prepareMs } = this.expectations.waits;
    const { message: hello } = await this.peer.expect(['hello'], '`hello`', helloMs);
    this.report.note(describe(hello));
    this.peer.send(this.welcome());
    const { message: ready } = await this.peer.expect(['ready'], '`ready`', prepareMs);
    const { knownAnswer } = this.expectations;
    const wrong =
      `wanted ${knownAnswer}, got ${ready.knownAnswer}; a coordinator would refuse this worker. ` +
      'Compare your stages with shared/vectors/known-answer.json';
    this.conclude('the known answer', ready.knownAnswer === knownAnswer ? null : wrong);
  }

  private welcome(): Welcome {
    const { model, train, test, batch, microBatch, seed } = this.scene.run;
    const sha256 = '00'.repeat(32);
    const data = { name: 'conform', shape: model.input, classes: outputWidth(model), train, test, sha256 };
    const run = { run: 'conform', member: 1, model, data, batch, microBatch, seed };
    return { type: 'welcome', protocol: protocolVersion, version, ...run, heartbeatMs: patience.pingMs };
  }

  // ---- checks ----

  private async check(name: string, place: StepPlace, shard: Shard): Promise<void> {
    const lease = this.lease('gradient', place, shard);
    await this.answers([lease], name);
    this.compareGradient(name, lease, place, shard);
  }

  private compareGradient(name: string, lease: number, place: StepPlace, shard: Shard): void {
    const { model } = this.scene.run;
    const { weights } = this.oracle;
    const got = this.answerOf(lease).sum;
    const fault = difference(model, this.oracle.gradient(place, shard), got);
    this.conclude(name, fault);
    if (fault === null) return;
    const { train, weightsBefore } = this;
    const known = diagnosis({ run: this.scene.run, train, weights, weightsBefore, place, shard }, got);
    if (known !== null) this.report.note(`It has the bits of a known mistake: ${known}`);
  }

  private async evaluate(): Promise<void> {
    const shard = rootShard(this.oracle.evaluationSlots);
    const lease = this.lease('evaluation', { epoch: 0, stepInEpoch: 0 }, shard);
    await this.answers([lease], 'an evaluation');
    const { sum, predictions } = this.answerOf(lease);
    const wanted = this.oracle.evaluation(shard);
    const fault =
      difference(this.scene.run.model, wanted.sums, sum) ?? differentPrediction(0, wanted.predictions, predictions);
    this.conclude(`an evaluation of ${this.scene.run.test} samples`, fault);
  }

  /** Three leases at a time, of which one is taken back, and one that never was; and a ping behind them. */
  private async several(): Promise<void> {
    const place = { epoch: 2, stepInEpoch: 0 };
    const shards = [0, 1, 2].map((lo) => ({ lo, size: 1 }));
    const [first, second, third] = shards.map((shard) => this.lease('gradient', place, shard));
    this.cancelled.add(second);
    this.peer.send({ type: 'cancel', lease: second });
    this.peer.send({ type: 'cancel', lease: 0xffffffff });
    const id = 70_000 + this.nextPing++;
    this.peer.send({ type: 'ping', id });
    this.peer.send({ type: 'progress', share: 1, testAccuracy: null });
    await this.peer.expectPong(id, `a pong of id ${id}, behind three shards`, this.expectations.waits.pongMs);
    this.report.passed('answers a ping while it has shards');
    const name = 'several shards at a time, one cancelled';
    await this.answers([first, third], name);
    this.compareGradient(`${name}: the first`, first, place, shards[0]);
    this.compareGradient(`${name}: the last`, third, place, shards[2]);
  }

  private conclude(check: string, fault: string | null): void {
    if (fault === null) this.report.passed(check);
    else this.report.failed(check, fault);
  }

  // ---- sending ----

  /** Other weights than before: all of them, or as what differs from those after `base` updates. */
  private sendWeights(base: number | null): void {
    const { run } = this.scene;
    const before = this.step === 0 ? null : this.oracle.weights;
    this.step += 1;
    const weights = madeUpWeights(run, this.step);
    if (base !== null && before !== null) keepEverySecondBlock(weights, before);
    for (let part = 0; part < partsOf(weights.length); part++) {
      const { first, count } = partAt(part, weights.length);
      const now = weights.subarray(first, first + count);
      const mask = base === null || before === null ? null : changedBlocks(now, before.subarray(first, first + count));
      const payload = new Uint8Array(partBytesMax);
      const length = packPart(new Uint8Array(now.slice().buffer), mask, payload);
      this.peer.send({ type: 'weights', step: this.step, base, part }, payload.subarray(0, length));
    }
    this.weightsBefore = before;
    this.oracle.setWeights(weights);
  }

  private lease(work: ShardLease['work'], place: StepPlace, shard: Shard): number {
    const lease = this.nextLease++;
    const set = work === 'gradient' ? 'train' : 'test';
    this.sendSamples(set, this.oracle.idsOf(work, place, shard));
    const samples = shardSamples(shard, this.oracle.orderOf(work), place.stepInEpoch);
    this.assemblies.set(lease, new Assembly({ work, samples }, this.oracle.workspace.context));
    this.peer.send({ type: 'shard', lease, work, step: this.step, ...place, ...shard });
    return lease;
  }

  /** Those that the worker does not hold yet. */
  private sendSamples(set: SampleSet, ids: readonly number[]): void {
    const missing = ids.filter((id) => !this.held[set].has(id));
    const perFrame = Math.floor(limits.samplesBytesMax / (5 + this.oracle.workspace.pixels));
    for (let at = 0; at < missing.length; at += perFrame) {
      const some = pick(this[set], missing.slice(at, at + perFrame));
      this.peer.send({ type: 'samples', set, count: some.ids.length }, samplesPayload(some));
    }
    for (const id of missing) this.held[set].add(id);
  }

  // ---- receiving ----

  /** Resolves when all of these leases are answered, in any order. */
  private async answers(leases: readonly number[], what: string): Promise<void> {
    const { shardMs } = this.expectations.waits;
    while (leases.some((lease) => !this.answerOf(lease).isWhole)) {
      const { message, payload } = await this.peer.expect(['gradient', 'result'], `the answer to ${what}`, shardMs);
      const assembly = this.assemblies.get(message.lease);
      if (assembly === undefined) throw new Interruption(`${message.type} for lease ${message.lease}, which is none`);
      if (assembly.isWhole) throw new Interruption(`${message.type} for lease ${message.lease}, which was answered`);
      const fault = message.type === 'gradient' ? assembly.addPart(message, payload) : assembly.finish(payload);
      if (fault !== null) throw new Interruption(`${what}: ${fault}`);
    }
  }

  private answerOf(lease: number): Assembly {
    const assembly = this.assemblies.get(lease);
    if (assembly === undefined) throw new Interruption(`there is no lease ${lease}`);
    return assembly;
  }
}

function describe({ name, kind, version: of, threads, kernels }: Hello): string {
  return `worker "${name}": ${kind}, version ${of}, ${threads} threads, kernels ${kernels}`;
}

/** So that some blocks stay as they were. */
function keepEverySecondBlock(weights: Float32Array, before: Float32Array): void {
  for (let i = 0; i < weights.length; i++) if (Math.floor(i / 64) % 2 === 1) weights[i] = before[i];
}
