/**
 * A compute thread: waits for shards, computes them in the machine's memory, says so. The same on every platform; who
 * starts it hands it a port.
 */
import type { Pointer } from '../kernels/kernels.js';
import { simdKernels } from '../kernels/simd.js';
import type { Shard } from '../pool/tree.js';
import { Computer, type Task } from './computer.js';
import { layOutWorkspace, type RunDescription } from './workspace.js';

/** From the machine to one of its threads. */
export type ToThread =
  /** The first message: who you are, and where. */
  | {
      readonly type: 'start';
      readonly module: WebAssembly.Module;
      readonly memory: WebAssembly.Memory;
      readonly run: RunDescription;
      /** Threads of the machine, and which of them this is. */
      readonly threads: number;
      readonly thread: number;
    }
  | {
      readonly type: 'compute';
      readonly lease: number;
      readonly task: Task;
      readonly shard: Shard;
      readonly out: Pointer;
    };

/** From a thread to its machine. */
export type FromThread =
  | { readonly type: 'started' }
  /** The sum lies where `compute` asked for it. */
  | { readonly type: 'computed'; readonly lease: number };

/** One end of a channel between a machine and a thread. */
export interface Port<In, Out> {
  post(message: Out): void;
  listen(receive: (message: In) => void): void;
}

/** Runs a compute thread at this end of the port. */
export function runThread(port: Port<ToThread, FromThread>): void {
  let computer: Computer | null = null;
  port.listen((message) => {
    switch (message.type) {
      case 'start': {
        const { run, threads, thread, memory, module } = message;
        computer = new Computer(simdKernels(module, memory), memory, layOutWorkspace(run, threads), thread);
        port.post({ type: 'started' });
        break;
      }
      case 'compute':
        computer?.compute(message.task, message.shard, message.out);
        port.post({ type: 'computed', lease: message.lease });
        break;
      default:
        message satisfies never;
    }
  });
}
