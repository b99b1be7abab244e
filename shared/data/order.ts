/**
 * Decides which samples are in which micro-batch (E1). The answer depends on the configuration, the seed and the number
 * of samples. It never depends on the fleet.
 *
 * The seed permutes the data set once, and the permuted set is divided among the slots. In each epoch, every slot
 * shuffles its own partition. So an epoch uses every sample exactly once, and a worker that keeps a slot receives each
 * of its samples only once. The shuffle of an epoch starts from the partition and not from the epoch before, so a
 * resumed run can go to any epoch directly.
 */
import { assert } from '../assert.js';
import { limits } from '../limits.js';
import { Random, stream } from '../random.js';

export interface OrderConfig {
  /** Samples in the training set. */
  readonly samples: number;
  /** Samples per step. If this is 0, or at least `samples`, a step uses all samples and an epoch has one step. */
  readonly batch: number;
  /** Samples of one gradient. */
  readonly microBatch: number;
  /**
   * In a run of rounds, a slot has a micro-batch for each of its local steps. Undefined: it has one. The samples of a slot
   * divide `batch`, except when a step uses all samples.
   */
  readonly rounds?: { readonly steps: number } | undefined;
  /** A uint32. */
  readonly seed: number;
}

/** Divides the samples of one set into steps and slots. Steps are numbered from 0 within each epoch. */
export interface SlotOrder {
  /** Number of slots of the largest step. */
  readonly slots: number;
  /** Number of samples of a slot. The last slot of a step may have fewer. */
  readonly rows: number;
  /** Number of samples that pass through a network together: a slot, or a part of it. */
  readonly passRows: number;
  readonly stepsPerEpoch: number;
  samplesIn(stepInEpoch: number): number;
  slotsIn(stepInEpoch: number): number;
  /**
   * The sample numbers of one slot, as a view. The view is valid until this slot is requested for another epoch of the
   * same parity.
   */
  slotIds(epoch: number, stepInEpoch: number, slot: number): Uint32Array;
  /** The numbers of all samples that a slot ever uses, as a view. Their order has no meaning. */
  partition(slot: number): Uint32Array;
}

/** The number of slots of a full step and of steps of an epoch, computed without making the order itself. */
export function epochShape(config: Omit<OrderConfig, 'seed'>): { slots: number; stepsPerEpoch: number } {
  const stepSamples = stepSamplesMax(config);
  return {
    slots: Math.ceil(stepSamples / slotSamples(config)),
    stepsPerEpoch: Math.ceil(config.samples / stepSamples),
  };
}

/** The sample order of a training run. Only the last step of an epoch may be smaller than the others. */
export class SampleOrder implements SlotOrder {
  /** Number of slots of a full step. */
  readonly slots: number;
  readonly rows: number;
  readonly passRows: number;
  readonly stepsPerEpoch: number;
  private readonly config: OrderConfig;
  private readonly fullSteps: number;
  /** Number of samples of the smaller last step, or 0 if all steps have the same size. */
  private readonly rest: number;
  /** Made when it is first needed: a caller that only asks for sizes does not wait for it. */
  private permuted: Uint32Array | null = null;
  /** The shuffles of two epochs, because work for the next epoch is prepared before the current one ends. */
  private readonly shuffled: readonly [even: EpochShuffle, odd: EpochShuffle];

  /** The caller has checked `config` with `invalidOrder`. */
  constructor(config: OrderConfig) {
    const { samples } = config;
    this.config = config;
    this.rows = slotSamples(config);
    this.passRows = config.microBatch;
    const { slots, stepsPerEpoch } = epochShape(config);
    this.slots = slots;
    this.stepsPerEpoch = stepsPerEpoch;
    this.fullSteps = takesAll(config) ? 0 : Math.floor(samples / config.batch);
    this.rest = samples - this.fullSteps * config.batch;
    this.shuffled = [new EpochShuffle(samples, this.slots), new EpochShuffle(samples, this.slots)];
  }

  samplesIn(stepInEpoch: number): number {
    assert(stepInEpoch >= 0 && stepInEpoch < this.stepsPerEpoch, 'no step', stepInEpoch, 'in an epoch');
    return stepInEpoch < this.fullSteps ? this.config.batch : this.rest;
  }

  /** Number of slots of a step. They are the slots 0 .. slotsIn - 1. */
  slotsIn(stepInEpoch: number): number {
    return Math.ceil(this.samplesIn(stepInEpoch) / this.rows);
  }

  /** What the sum of a step is divided by (E4): the number of its samples or, in a round, of its slots. */
  termsIn(stepInEpoch: number): number {
    return this.config.rounds === undefined ? this.samplesIn(stepInEpoch) : this.slotsIn(stepInEpoch);
  }

  /** Number of samples in one slot of a step: `rows`, or fewer in the last slot of the step. */
  rowsIn(stepInEpoch: number, slot: number): number {
    return rowsOfSlot(this.samplesIn(stepInEpoch), this.rows, slot);
  }

  slotIds(epoch: number, stepInEpoch: number, slot: number): Uint32Array {
    const rows = this.rowsIn(stepInEpoch, slot);
    assert(slot >= 0 && rows > 0, 'no slot', slot, 'in step', stepInEpoch);
    this.shuffleSlot(epoch, slot);
    const first = this.firstOf(slot) + stepInEpoch * this.rows;
    return this.shuffled[epoch & 1].ids.subarray(first, first + rows);
  }

  /** Shuffles all slots for an epoch now. Without this call, each slot is shuffled when it is first requested. */
  prepare(epoch: number): void {
    for (let slot = 0; slot < this.slots; slot++) this.shuffleSlot(epoch, slot);
  }

  partition(slot: number): Uint32Array {
    return this.partitions.subarray(this.firstOf(slot), this.firstOf(slot + 1));
  }

  /** All sample numbers, permuted once, one slot's partition after the other. */
  private get partitions(): Uint32Array {
    this.permuted ??= permutation(this.config);
    return this.permuted;
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

  /** Where a slot's partition begins. A slot has `rows` samples in each full step, plus those of the last step. */
  private firstOf(slot: number): number {
    return slot * this.fullSteps * this.rows + Math.min(slot * this.rows, this.rest);
  }
}

function permutation({ samples, seed }: OrderConfig): Uint32Array {
  const ids = new Uint32Array(samples);
  for (let i = 0; i < samples; i++) ids[i] = i;
  new Random(seed, stream.partition).shuffle(ids);
  return ids;
}

/** The sample numbers of one epoch, slot after slot. Each slot is filled when it is first requested. */
class EpochShuffle {
  readonly ids: Uint32Array;
  /** For each slot, the epoch of its part of `ids`, or -1 if that part was never filled. */
  readonly epochOf: Int32Array;

  constructor(samples: number, slots: number) {
    this.ids = new Uint32Array(samples);
    this.epochOf = new Int32Array(slots).fill(-1);
  }
}

/** Number of samples of a whole slot. */
export function slotSamples({ microBatch, rounds }: Pick<OrderConfig, 'microBatch' | 'rounds'>): number {
  return microBatch * (rounds?.steps ?? 1);
}

/** Number of slots when `samples` samples are divided into slots of `rows`. */
export function slotsOf(samples: number, rows: number): number {
  return Math.ceil(samples / rows);
}

/** Number of samples in `slot` when `samples` samples are divided into slots of `rows`. The last slot may be smaller. */
export function rowsOfSlot(samples: number, rows: number, slot: number): number {
  return Math.max(0, Math.min(rows, samples - slot * rows));
}

/** Returns a sentence that says what is wrong with a configuration and what would work, or null if it is valid. */
export function invalidOrder(config: OrderConfig): string | null {
  const { samples, batch, microBatch, seed, rounds } = config;
  const faults = [
    outside('the number of training samples', samples, 1, limits.samplesMax),
    outside('the batch', batch, 0, limits.samplesMax),
    outside('the micro-batch', microBatch, 1, limits.microBatchMax),
    outside('the seed', seed, 0, 2 ** 32 - 1),
    rounds === undefined ? null : outside('the number of local steps', rounds.steps, 2, limits.localStepsMax),
  ];
  const fault = faults.find((sentence) => sentence !== null);
  if (fault !== undefined) return fault;
  if (!takesAll(config) && batch % slotSamples(config) !== 0) return indivisible(config);
  const slots = slotsOf(stepSamplesMax(config), slotSamples(config));
  if (slots <= limits.slotsMax) return null;
  return `a step of ${stepSamplesMax(config)} samples has ${slots} slots of ${slotSamples(config)}, more than ${limits.slotsMax}: use a larger micro-batch`;
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

function indivisible({ batch, microBatch, rounds }: OrderConfig): string {
  if (rounds !== undefined) {
    return `a round of ${batch} samples does not divide into slots of ${rounds.steps} micro-batches of ${microBatch}`;
  }
  const below = batch - (batch % microBatch);
  const batches = [below, below + microBatch].filter((size) => size > 0);
  return (
    `a batch of ${batch} does not divide into micro-batches of ${microBatch}: ` +
    `use a batch of ${batches.join(' or ')}, or a micro-batch of ${divisorsAround(batch, microBatch).join(' or ')}`
  );
}

/** The nearest divisors of `batch` below and above `microBatch`, up to the largest micro-batch allowed. */
function divisorsAround(batch: number, microBatch: number): number[] {
  let below = Math.min(batch, microBatch);
  while (batch % below !== 0) below--;
  let above = microBatch;
  while (above <= batch && batch % above !== 0) above++;
  return above <= Math.min(batch, limits.microBatchMax) && above !== below ? [below, above] : [below];
}
