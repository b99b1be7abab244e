/**
 * Which samples are in which micro-batch (E1): a function of the configuration, the seed and the number of samples,
 * never of the fleet.
 *
 * The data set is permuted once by the seed and partitioned over the slots; each epoch every slot shuffles its own
 * partition. So an epoch uses every sample exactly once, and whoever keeps a slot needs no sample twice. An epoch's
 * shuffle starts from the partition, not from the epoch before, so that any epoch can be reached directly.
 */
import { assert } from '../assert.js';
import { limits } from '../limits.js';
import { Random, stream } from '../random.js';

export interface OrderConfig {
  /** Samples in the training set. */
  readonly samples: number;
  /** Samples per step. 0, or at least `samples`: all of them, so that an epoch is one step. */
  readonly batch: number;
  /** Samples per slot; divides `batch`, except when a step takes all samples. */
  readonly microBatch: number;
  /** uint32. */
  readonly seed: number;
}

/** How the samples of one set are cut into steps and slots. Steps are numbered within their epoch, from 0. */
export interface SlotOrder {
  /** Slots of the largest step. */
  readonly slots: number;
  /** Samples of a slot. The last slot of a step may have fewer. */
  readonly rows: number;
  readonly stepsPerEpoch: number;
  samplesIn(stepInEpoch: number): number;
  slotsIn(stepInEpoch: number): number;
  /** The sample numbers of one slot. A view: valid until the slot is asked for in another epoch of the same parity. */
  microBatch(epoch: number, stepInEpoch: number, slot: number): Uint32Array;
  /** Every sample that a slot ever uses, in no meaningful order. A view. */
  partition(slot: number): Uint32Array;
}

/** Slots of a full step, and steps of an epoch: what can be said without the order itself. */
export function epochShape(config: Omit<OrderConfig, 'seed'>): { slots: number; stepsPerEpoch: number } {
  const stepSamples = stepSamplesMax(config);
  return {
    slots: Math.ceil(stepSamples / config.microBatch),
    stepsPerEpoch: Math.ceil(config.samples / stepSamples),
  };
}

/** The order of a training run. Only the last step of an epoch may be smaller than the others. */
export class SampleOrder implements SlotOrder {
  /** Micro-batches of a full step. */
  readonly slots: number;
  readonly rows: number;
  readonly stepsPerEpoch: number;
  private readonly config: OrderConfig;
  private readonly fullSteps: number;
  /** Samples of the smaller last step; 0 when there is none. */
  private readonly rest: number;
  /** All samples, permuted once; slot after slot. */
  private readonly partitions: Uint32Array;
  /** Two epochs' shuffles, because work is prepared ahead of time across the border of an epoch. */
  private readonly shuffled: readonly [even: EpochShuffle, odd: EpochShuffle];

  /** `config` has passed `invalidOrder`. */
  constructor(config: OrderConfig) {
    const { samples, microBatch, seed } = config;
    this.config = config;
    this.rows = microBatch;
    const { slots, stepsPerEpoch } = epochShape(config);
    this.slots = slots;
    this.stepsPerEpoch = stepsPerEpoch;
    this.fullSteps = takesAll(config) ? 0 : Math.floor(samples / config.batch);
    this.rest = samples - this.fullSteps * config.batch;
    this.partitions = new Uint32Array(samples);
    for (let i = 0; i < samples; i++) this.partitions[i] = i;
    new Random(seed, stream.partition).shuffle(this.partitions);
    this.shuffled = [new EpochShuffle(samples, this.slots), new EpochShuffle(samples, this.slots)];
  }

  samplesIn(stepInEpoch: number): number {
    assert(stepInEpoch >= 0 && stepInEpoch < this.stepsPerEpoch, 'no step', stepInEpoch, 'in an epoch');
    return stepInEpoch < this.fullSteps ? this.config.batch : this.rest;
  }

  /** Micro-batches of a step; those are the slots 0 .. slotsIn - 1. */
  slotsIn(stepInEpoch: number): number {
    return Math.ceil(this.samplesIn(stepInEpoch) / this.config.microBatch);
  }

  /** Samples in one slot of a step: a whole micro-batch, except in the last slot of a step that ends early. */
  rowsIn(stepInEpoch: number, slot: number): number {
    return rowsOfSlot(this.samplesIn(stepInEpoch), this.config.microBatch, slot);
  }

  microBatch(epoch: number, stepInEpoch: number, slot: number): Uint32Array {
    const rows = this.rowsIn(stepInEpoch, slot);
    assert(slot >= 0 && rows > 0, 'no slot', slot, 'in step', stepInEpoch);
    this.shuffleSlot(epoch, slot);
    const first = this.firstOf(slot) + stepInEpoch * this.config.microBatch;
    return this.shuffled[epoch & 1].ids.subarray(first, first + rows);
  }

  /** Shuffles all slots for an epoch now, and not each when it is first asked for. */
  prepare(epoch: number): void {
    for (let slot = 0; slot < this.slots; slot++) this.shuffleSlot(epoch, slot);
  }

  partition(slot: number): Uint32Array {
    return this.partitions.subarray(this.firstOf(slot), this.firstOf(slot + 1));
  }

  private shuffleSlot(epoch: number, slot: number): void {
    const shuffle = this.shuffled[epoch & 1];
    if (shuffle.epochOf[slot] === epoch) return;
    const first = this.firstOf(slot);
    const end = this.firstOf(slot + 1);
    shuffle.ids.set(this.partitions.subarray(first, end), first);
    new Random(this.config.seed, stream.epoch, epoch, slot).shuffle(shuffle.ids.subarray(first, end));
    shuffle.epochOf[slot] = epoch;
  }

  /** Where a slot's partition begins: every slot has a micro-batch in each full step, and its rows in the rest. */
  private firstOf(slot: number): number {
    const { microBatch } = this.config;
    return slot * this.fullSteps * microBatch + Math.min(slot * microBatch, this.rest);
  }
}

/** The samples of one epoch, slot after slot; each slot is filled when it is first asked for. */
class EpochShuffle {
  readonly ids: Uint32Array;
  /** Which epoch a slot's part of `ids` belongs to; -1 at first. */
  readonly epochOf: Int32Array;

  constructor(samples: number, slots: number) {
    this.ids = new Uint32Array(samples);
    this.epochOf = new Int32Array(slots).fill(-1);
  }
}

/** Slots of `samples` that are cut into micro-batches of `microBatch`. */
export function slotsOf(samples: number, microBatch: number): number {
  return Math.ceil(samples / microBatch);
}

/** Samples in a slot when `samples` are cut into micro-batches: the last slot may be smaller. */
export function rowsOfSlot(samples: number, microBatch: number, slot: number): number {
  return Math.max(0, Math.min(microBatch, samples - slot * microBatch));
}

/** What is wrong with a configuration, and what would work; null when nothing is. */
export function invalidOrder(config: OrderConfig): string | null {
  const { samples, batch, microBatch, seed } = config;
  const faults = [
    outside('the number of training samples', samples, 1, limits.samplesMax),
    outside('the batch', batch, 0, limits.samplesMax),
    outside('the micro-batch', microBatch, 1, limits.microBatchMax),
    outside('the seed', seed, 0, 2 ** 32 - 1),
  ];
  const fault = faults.find((sentence) => sentence !== null);
  if (fault !== undefined) return fault;
  if (!takesAll(config) && batch % microBatch !== 0) return indivisible(batch, microBatch);
  const slots = slotsOf(stepSamplesMax(config), microBatch);
  if (slots <= limits.slotsMax) return null;
  return `a step of ${stepSamplesMax(config)} samples has ${slots} micro-batches of ${microBatch}, more than ${limits.slotsMax}: use a larger micro-batch`;
}

function takesAll(config: Omit<OrderConfig, 'seed'>): boolean {
  return config.batch === 0 || config.batch >= config.samples;
}

function stepSamplesMax(config: Omit<OrderConfig, 'seed'>): number {
  return takesAll(config) ? config.samples : config.batch;
}

function outside(what: string, value: number, min: number, max: number): string | null {
  if (Number.isInteger(value) && value >= min && value <= max) return null;
  return `${what} is ${value}, but must be a whole number from ${min} to ${max}`;
}

function indivisible(batch: number, microBatch: number): string {
  const below = batch - (batch % microBatch);
  const batches = [below, below + microBatch].filter((size) => size > 0);
  return (
    `a batch of ${batch} does not divide into micro-batches of ${microBatch}: ` +
    `use a batch of ${batches.join(' or ')}, or a micro-batch of ${divisorsAround(batch, microBatch).join(' or ')}`
  );
}

/** The nearest divisors of `batch` below and above `microBatch`, as far as a micro-batch may go. */
function divisorsAround(batch: number, microBatch: number): number[] {
  let below = Math.min(batch, microBatch);
  while (batch % below !== 0) below--;
  let above = microBatch;
  while (above <= batch && batch % above !== 0) above++;
  return above <= Math.min(batch, limits.microBatchMax) && above !== below ? [below, above] : [below];
}
