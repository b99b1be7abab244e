/**
 * A compute thread: it waits for orders, carries them out and answers. It works in the machine's memory, or in a memory
 * of its own where the platform shares none. It is the same on every platform: the platform's entry file hands it a port.
 */

import type { BackendHandOver, KernelMemory } from '../arithmetic/backend.js';
import { type BackendTable, backends, openBackend } from '../arithmetic/backends.js';
import { assert } from '../assert.js';
import { buffersOf, type CarriedAnswer, CarriedComputer, type CarriedOrder } from './carrier.js';
import { Computer } from './computer.js';
import { Mailbox } from './mailbox.js';
import { update } from './shared-update.js';
import { layOutWorkspace, type RunDescription, type Workspace } from './workspace.js';

/** From the machine to a thread, once: which thread it is, and what it works in. */
export interface ThreadStart {
  readonly kind: 'start';
  readonly backend: BackendHandOver;
  /**
   * The machine's memory, as it hands it over. Null where the platform shares no memory: then the thread makes one of its
   * own, and receives its orders as messages.
   */
  readonly memory: unknown;
  readonly run: RunDescription;
  /** The number of threads that the workspace is laid out for, and which of them this is. */
  readonly threads: number;
  readonly thread: number;
}

export type ToThread = ThreadStart | CarriedOrder;

/** From a thread: it is ready for work; it has answered in the mailbox, and a message was wanted; a carried answer. */
export type FromThread = 'ready' | 'answered' | CarriedAnswer;

/** One end of a channel between a machine and a thread. */
export interface Port<In, Out> {
  /** `handOver` lists the buffers of the message that change owners. */
  post(message: Out, handOver?: ArrayBuffer[]): void;
  listen(receive: (message: In) => void): void;
}

/** Runs a compute thread at this end of the port. `nowMs` is a monotonic clock; `table` has the machine's backend. */
export function runThread(port: Port<ToThread, FromThread>, nowMs: () => number, table: BackendTable = backends): void {
  let computer: CarriedComputer | null = null;
  port.listen((message) => {
    if (message.kind === 'order') {
      assert(computer !== null, 'a thread was given work before its start');
      const answer = computer.answer(message);
      port.post(answer, buffersOf(answer));
      return;
    }
    const backend = openBackend(message.backend, table);
    if (message.memory !== null) {
      const workspace = layOutWorkspace(message.run, message.threads, backend.sizes);
      serveMailbox(port, message, backend.openMemory(message.memory), workspace, nowMs);
    } else {
      computer = new CarriedComputer(backend, message.run, nowMs);
      port.post('ready');
    }
  });
}

/** Never returns to the event loop: the thread works until it is terminated. */
function serveMailbox(
  port: Port<ToThread, FromThread>,
  { thread }: ThreadStart,
  memory: KernelMemory,
  workspace: Workspace,
  nowMs: () => number,
): void {
  const computer = new Computer(memory, workspace, thread);
  const mailbox = new Mailbox(memory, workspace.threads[thread].mailbox);
  port.post('ready');
  for (let received = 0; ; received = (received + 1) | 0) {
    const order = mailbox.receive(received);
    const begunMs = nowMs();
    if (order?.kind === 'shard') computer.compute(order.task, order.shard, order.out);
    else if (order !== null) update(memory, workspace, order);
    if (mailbox.answer(received, nowMs() - begunMs)) port.post('answered');
  }
}
