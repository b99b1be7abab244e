/** Orders arrive unchanged and in the order in which they were posted, even when the ring is used again. */
import { expect, test } from 'vitest';
import { Mailbox, mailboxInts } from '../../../shared/compute/mailbox.js';
import type { Order } from '../../../shared/compute/orders.js';
import { limits } from '../../../shared/limits.js';

function pair(): { machine: Mailbox; thread: Mailbox } {
  const memory = { buffer: new SharedArrayBuffer(4 * mailboxInts) };
  return { machine: new Mailbox(memory, 0), thread: new Mailbox(memory, 0) };
}

function order(i: number): Order {
  if (i % 3 === 2) {
    const scale = { rate: Math.fround(0.1), factor: 2 ** -(i % 100) };
    return {
      kind: 'update',
      first: 16 * i,
      floats: i,
      sum: 2 ** 32 - 64,
      terms: 128,
      step: 2 ** 32 - 1 - i,
      ...scale,
    };
  }
  const task = { work: i % 3 === 0 ? ('gradient' as const) : ('evaluation' as const), epoch: i, stepInEpoch: i + 1 };
  return { kind: 'shard', task, shard: { lo: 2 * i, size: 2 }, out: 2 ** 32 - 64 * (i + 1) };
}

test('orders arrive as they were posted, with as many under way as a member may have', () => {
  const { machine, thread } = pair();
  let posted = 0;
  for (let taken = 0; taken < 3 * limits.leasesPerMemberMax; taken++) {
    while (posted - taken < limits.leasesPerMemberMax) machine.post(order(posted++), 1);
    expect(thread.receive(taken)).toEqual(order(taken));
    thread.answer(taken, taken / 8);
    expect(machine.answered).toBe(taken + 1);
    expect(machine.tookMs(taken)).toBe(taken / 8);
  }
});

test('an order that was taken back is not carried out, and one that was begun is not taken back', () => {
  const { machine, thread } = pair();
  for (const i of [0, 1, 2]) machine.post(order(i), 1);
  expect(machine.reclaim(1)).toBe(true);
  expect(machine.reclaim(1)).toBe(false);
  expect(thread.receive(0)).toEqual(order(0));
  expect(machine.reclaim(0)).toBe(false);
  expect(thread.receive(1)).toBeNull();
  expect(thread.receive(2)).toEqual(order(2));
});

test('an answer says whether a message is wanted', () => {
  const { machine, thread } = pair();
  for (const [taken, wanted] of [false, true, false].entries()) {
    machine.post(order(taken), 1);
    machine.wantMessage(wanted);
    thread.receive(taken);
    expect(thread.answer(taken, 0)).toBe(wanted);
  }
});

test('waiting for an answer has an end', () => {
  const { machine, thread } = pair();
  machine.post(order(0), 1);
  expect(machine.awaitAnswers(1, 1, 1)).toBe(false);
  thread.answer(0, 0);
  expect(machine.awaitAnswers(1, 1, 1)).toBe(true);
});
