/**
 * The coordinator's side of a trial. It sends weights, samples and shards. It knows what the worker holds and which
 * answers are right.
 */
import type { LooseSamples } from '../../shared/compute/samples.js';
import type { RunDescription } from '../../shared/compute/workspace.js';
import { type SampleSet, sizeOf } from '../../shared/data/dataset.js';
import { limits } from '../../shared/limits.js';
import { type Shard, shardEnd } from '../../shared/pool/tree.js';
import { samplesBytesMax } from '../../shared/protocol/payload.js';
import { packPart, partAt, partBytesMax, partsOf } from '../../shared/protocol/tensor.js';
import { kinds, type WorkName } from '../../shared/work/kinds.js';
import { shardSamples } from '../../shared/work/orders.js';
import { Assembly } from './assembly.js';
import { changedBlocks, samplesPayload } from './encode.js';
import { Oracle, type StepPlace } from './oracle.js';
import { Interruption, type Peer } from './peer.js';
import { madeUpSamples, madeUpWeights, pick } from './problem.js';

export class RunSide {
  readonly oracle: Oracle;
  readonly samples: Readonly<Record<SampleSet, LooseSamples>>;
  /** The weights that the worker held before the present ones. Null if the present ones are its first. */
  weightsBefore: Float32Array | null = null;
  /** The ids of the samples that the worker has received. */
  private readonly held: Readonly<Record<SampleSet, Set<number>>> = {
    train: new Set(),
    validation: new Set(),
    test: new Set(),
  };
  private readonly assemblies = new Map<number, Assembly>();
  private step = 0;
  private nextLease = 1;

  constructor(
    private readonly peer: Peer,
    private readonly run: RunDescription,
  ) {
    this.oracle = new Oracle(run);
    const made = (set: SampleSet) => {
      const samples = madeUpSamples(run, set, sizeOf(run, set));
      this.oracle.store(set, samples);
      return samples;
    };
    this.samples = { train: made('train'), validation: made('validation'), test: made('test') };
  }

  /** Sends new weights: all of them, or only the blocks that differ from the weights that the worker holds. */
  sendWeights(how: 'whole' | 'changes'): void {
    const before = this.step === 0 ? null : this.oracle.weights;
    const base = how === 'whole' ? null : this.step;
    this.step += 1;
    const payloads = this.newWeights(how === 'whole' ? null : before);
    for (const [part, payload] of payloads.entries()) {
      this.peer.send({ type: 'weights', step: this.step, base, part }, payload);
    }
    this.weightsBefore = before;
  }

  /** Gives the oracle new weights, and returns the payloads that carry them to a worker that holds `compared`. */
  private newWeights(compared: Float32Array | null): Uint8Array[] {
    const { coding } = this.oracle.workspace;
    const weights = madeUpWeights(this.run, this.step);
    if (compared !== null) keepEverySecondBlock(weights, compared);
    if (compared !== null && coding !== null) {
      return this.oracle.change(
        compared.map((x, i) => x - weights[i]),
        coding,
      );
    }
    this.oracle.setWeights(weights);
    return Array.from({ length: partsOf(weights.length) }, (_, part) => partPayload(part, weights, compared));
  }

  /** Sends all training samples that the worker does not hold: one that computes the wrong ones has them at hand. */
  sendAhead(): void {
    this.sendSamples('train', [...this.samples.train.ids]);
  }

  /** Leases a shard to the worker, after the samples that it does not hold yet. Returns the lease. */
  lease(work: WorkName, place: StepPlace, shard: Shard): number {
    const lease = this.nextLease++;
    this.sendSamples(kinds[work].set, this.oracle.idsOf(work, place, shard));
    const order = this.oracle.orderOf(work);
    const samples = shardSamples(shard, order, place.stepInEpoch);
    const slots = shardEnd(shard, order.slotsIn(place.stepInEpoch)) - shard.lo;
    this.assemblies.set(lease, new Assembly({ work, samples, slots }, this.oracle));
    this.peer.send({ type: 'shard', lease, work, step: this.step, ...place, ...shard });
    return lease;
  }

  /** Resolves when all of these leases are answered, in any order. Answers to other leases are accepted as well. */
  async answers(leases: readonly number[], what: string, waitMs: number): Promise<void> {
    while (leases.some((lease) => !this.answerTo(lease).isWhole)) {
      const { message, payload } = await this.peer.expect(['gradient', 'result'], `the answer to ${what}`, waitMs);
      const assembly = this.answerTo(message.lease);
      if (assembly.isWhole) throw new Interruption(`${message.type} for lease ${message.lease}, which was answered`);
      const fault = message.type === 'gradient' ? assembly.addPart(message, payload) : assembly.finish(payload);
      if (fault !== null) throw new Interruption(`${what}: ${fault}`);
    }
  }

  answerTo(lease: number): Assembly {
    const assembly = this.assemblies.get(lease);
    if (assembly === undefined) throw new Interruption(`the worker answers lease ${lease}, which it was never given`);
    return assembly;
  }

  private sendSamples(set: SampleSet, ids: readonly number[]): void {
    const missing = ids.filter((id) => !this.held[set].has(id));
    const perFrame = Math.floor(limits.samplesBytesMax / samplesBytesMax(1, this.oracle.workspace.pixels));
    for (let at = 0; at < missing.length; at += perFrame) {
      const some = pick(this.samples[set], missing.slice(at, at + perFrame));
      this.peer.send({ type: 'samples', set, count: some.ids.length }, samplesPayload(some));
    }
    for (const id of missing) this.held[set].add(id);
  }
}

/** Makes the payload of a part of the weights. If `compared` is given, it has only the blocks that differ from it. */
function partPayload(part: number, weights: Float32Array, compared: Float32Array | null): Uint8Array {
  const { first, count } = partAt(part, weights.length);
  const now = weights.slice(first, first + count);
  const mask = compared === null ? null : changedBlocks(now, compared.subarray(first, first + count));
  const payload = new Uint8Array(partBytesMax);
  return payload.subarray(0, packPart(new Uint8Array(now.buffer), mask, payload));
}

function keepEverySecondBlock(weights: Float32Array, before: Float32Array): void {
  for (let i = 0; i < weights.length; i++) if (Math.floor(i / 64) % 2 === 1) weights[i] = before[i];
}
