import { rowsOfSlot, type SlotOrder, slotsOf } from './order.js';

/** Samples in one micro-batch of an evaluation. */
export const evaluationRows = 64;

/** The test set, or the validation set, in its natural order, as one step. Slot s has 64 samples, from number 64 s on. */
export class TestOrder implements SlotOrder {
  readonly slots: number;
  readonly rows = evaluationRows;
  readonly passRows = evaluationRows;
  readonly stepsPerEpoch = 1;
  private readonly ids: Uint32Array;

  constructor(private readonly samples: number) {
    this.slots = slotsOf(samples, evaluationRows);
    this.ids = new Uint32Array(samples);
    for (let i = 0; i < samples; i++) this.ids[i] = i;
  }

  samplesIn(): number {
    return this.samples;
  }

  slotsIn(): number {
    return this.slots;
  }

  slotIds(_epoch: number, _stepInEpoch: number, slot: number): Uint32Array {
    return this.partition(slot);
  }

  partition(slot: number): Uint32Array {
    const first = slot * evaluationRows;
    return this.ids.subarray(first, first + rowsOfSlot(this.samples, evaluationRows, slot));
  }
}
