/**
 * A compute thread: waits for shards, computes them, says so; in the machine's memory, or in one of its own where memory
 * is not shared. The same on every platform; who starts it hands it a port.
 */

import type { BackendHandOver, KernelMemory } from '../arithmetic/backend.js';
import { type BackendTable, backends, openBackend } from '../arithmetic/backends.js';
import { assert } from '../assert.js';
import { buffersOf, type CarriedAnswer, CarriedComputer, type CarriedOrder } from './carrier.js';
import { Computer } from './computer.js';
import { Mailbox } from './mailbox.js';
import { update } from './shared-update.js';
import { layOutWorkspace, type RunDescription, type Workspace } from './workspace.js';

/** From the machine to one of its threads, once: who it is, and where. */
export interface ThreadStart {
  readonly kind: 'start';
  readonly backend: BackendHandOver;
  /**
   * The machine's memory, as it hands it over. Null where the platform shares no memory: then the thread makes one of its
   * own, and receives its orders as messages.
   */
  readonly memory: unknown;
  readonly run: RunDescription;
  /** Threads of the machine, and which of them this is. */
  readonly threads: number;
  readonly thread: number;
  /** How often to look for work before going to sleep. */
  readonly spins: number;
}

export type ToThread = ThreadStart | CarriedOrder;

/** From a thread to its machine: it is ready for work; it has answered an order when a message was wanted; an answer. */
export type FromThread = 'ready' | 'answered' | CarriedAnswer;

/** One end of a channel between a machine and a thread. */
export interface Port<In, Out> {
  /** `handOver`: buffers of the message that change hands. */
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

/** Never returns to its event loop: the thread ends when it is terminated. */
function serveMailbox(
  port: Port<ToThread, FromThread>,
  { thread, spins }: ThreadStart,
  memory: KernelMemory,
  workspace: Workspace,
  nowMs: () => number,
): void {
  const computer = new Computer(memory, workspace, thread);
  const mailbox = new Mailbox(memory, workspace.threads[thread].mailbox);
  port.post('ready');
  for (let received = 0; ; received = (received + 1) | 0) {
    const order = mailbox.receive(received, spins);
    const begunMs = nowMs();
    if (order?.kind === 'shard') computer.compute(order.task, order.shard, order.out);
    else if (order !== null) update(memory, workspace, order);
    if (mailbox.answer(received, nowMs() - begunMs)) port.post('answered');
  }
}
