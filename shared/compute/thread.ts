/**
 * A compute thread: waits for shards, computes them in the machine's memory, says so. The same on every platform; who
 * starts it hands it a port.
 */
import type { Kernels } from '../kernels/kernels.js';
import { simdKernels } from '../kernels/simd.js';
import { Computer } from './computer.js';
import { Mailbox, type UpdateOrder } from './mailbox.js';
import { layOutWorkspace, type RunDescription } from './workspace.js';

/** From the machine to one of its threads, once: who it is, and where. */
export interface ToThread {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly run: RunDescription;
  /** Threads of the machine, and which of them this is. */
  readonly threads: number;
  readonly thread: number;
  /** How often to look for work before going to sleep. */
  readonly spins: number;
}

/** From a thread to its machine: it is ready for work; it has answered an order when a message was wanted. */
export type FromThread = 'ready' | 'answered';

/** One end of a channel between a machine and a thread. */
export interface Port<In, Out> {
  post(message: Out): void;
  listen(receive: (message: In) => void): void;
}

/** Runs a compute thread at this end of the port. `nowMs` is a monotonic clock. */
export function runThread(port: Port<ToThread, FromThread>, nowMs: () => number): void {
  port.listen(({ module, memory, run, threads, thread, spins }) => {
    const workspace = layOutWorkspace(run, threads);
    const kernels = simdKernels(module, memory);
    const computer = new Computer(kernels, memory, workspace, thread);
    const mailbox = new Mailbox(memory, workspace.threads[thread].mailbox);
    port.post('ready');
    // Never returns to its event loop: the thread ends when it is terminated.
    for (let taken = 0; ; taken = (taken + 1) | 0) {
      const order = mailbox.receive(taken, spins);
      const begunMs = nowMs();
      if (order?.kind === 'shard') computer.compute(order.task, order.shard, order.out);
      else if (order !== null) update(kernels, order);
      if (mailbox.answer(taken, nowMs() - begunMs)) port.post('answered');
    }
  });
}

/** E4 on a run of the parameters: each is updated on its own, so it does not matter who updates which. */
export function update(kernels: Kernels, order: UpdateOrder): void {
  const { weights, velocity, sum, floats, samples, rate, momentum } = order;
  kernels.sgd(weights, velocity, sum, floats, samples, rate, momentum);
}
