/** A lane does not compute what was revoked before it was begun. */
import { expect, test } from 'vitest';
import { InlineLane, type Lane, ThreadLane } from '../../../shared/compute/lanes.js';
import { Mailbox, mailboxInts } from '../../../shared/compute/mailbox.js';
import { PartialBuffers } from '../../../shared/pool/partials.js';

const task = { work: 'gradient', step: 0, epoch: 0, stepInEpoch: 0 } as const;

function newBuffers(): PartialBuffers {
  return new PartialBuffers({ buffer: new ArrayBuffer(4096), grow: () => {} }, 64, 16);
}

/** Gives the lane the leases 0, 1 and 2. The slot of a lease has the same number. */
function leaseThree(lane: Lane): void {
  for (const lease of [0, 1, 2]) lane.lease({ lease, task, shard: { lo: lease, size: 1 }, isProbe: false });
}

test("the machine's own thread computes the others alone", () => {
  const buffers = newBuffers();
  const computed: number[] = [];
  const compute = ({ order }: { order: { lease: number } }) => computed.push(order.lease);
  const lane = new InlineLane(buffers, compute, () => {});
  leaseThree(lane);
  lane.revoke(1);
  lane.revoke(7);
  expect(buffers.inUse).toBe(2);
  expect([lane.finished(), lane.finished()].map((done) => done?.placed.order.lease)).toEqual([0, 2]);
  expect(computed).toEqual([0, 2]);
  expect(lane.isIdle).toBe(true);
});

test('another thread computes what it has begun, and the others that were not revoked', () => {
  const buffers = newBuffers();
  const memory = { buffer: new SharedArrayBuffer(4 * mailboxInts) };
  const [lane, thread] = [
    new ThreadLane(buffers, new Mailbox(memory, 0), { spins: 0, looks: () => 1 }, () => {}),
    new Mailbox(memory, 0),
  ];
  leaseThree(lane);
  expect(thread.receive(0)).toMatchObject({ shard: { lo: 0 } });
  for (const lease of [0, 1, 7]) lane.revoke(lease);
  expect(buffers.inUse).toBe(2);
  expect(thread.receive(1)).toBeNull();
  expect(thread.receive(2)).toMatchObject({ shard: { lo: 2 } });
  for (const answered of [0, 1, 2]) thread.answer(answered, 1);
  expect([lane.finished(), lane.finished()].map((done) => done?.placed.order.lease)).toEqual([0, 2]);
  expect(lane.finished()).toBeUndefined();
  expect(lane.isIdle).toBe(true);
});
