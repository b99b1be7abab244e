/**
 * One machine's share of a run: its memory, its compute threads, and the pool that they are members of. A coordinator
 * that trains alone and a worker that lends its cores are both a machine; what they do with the sums differs.
 */
import type { Kernels, Pointer } from '../kernels/kernels.js';
import { knownAnswerBytes } from '../kernels/known-answer.js';
import { compileKernels, simdKernels } from '../kernels/simd.js';
import { transposeWeights } from '../model/network.js';
import { type LeaseOrder, PoolDriver, type Transport } from '../pool/driver.js';
import type { Shard } from '../pool/tree.js';
import { Computer, type Task } from './computer.js';
import { PartialBuffers } from './partials.js';
import type { FromThread, Port, ToThread } from './thread.js';
import { layOutWorkspace, type RunDescription, type Workspace } from './workspace.js';

/** A thread as its machine sees it. */
export interface ThreadHandle extends Port<FromThread, ToThread> {
  /** Called once if the thread dies of itself. */
  whenFailed(report: (error: Error) => void): void;
  terminate(): void;
}

/** What a machine needs from its platform. */
export interface Platform {
  /** The kernel binary. */
  readonly kernels: Uint8Array;
  spawnThread(): ThreadHandle;
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** Lowercase hex. */
  sha256(bytes: Uint8Array): string;
}

const PAGE_BYTES = 65_536;
/** The largest maximum that a 32-bit memory can have: an address range, not memory that is used. */
const PAGES_MAX = 65_536;

export class Machine {
  readonly memory: WebAssembly.Memory;
  readonly kernels: Kernels;
  readonly workspace: Workspace;
  readonly buffers: PartialBuffers;
  readonly pool: PoolDriver;
  private readonly module: WebAssembly.Module;
  private readonly handles: ThreadHandle[] = [];
  private computer: Computer | null = null;

  /** `threads` may be 0: a machine that only adds up what others compute. `onStranded`: see the pool. */
  constructor(
    private readonly platform: Platform,
    run: RunDescription,
    private readonly threads: number,
    onStranded?: (stranded: boolean) => void,
  ) {
    this.workspace = layOutWorkspace(run, threads + 1);
    const pages = Math.ceil((this.workspace.end + knownAnswerBytes) / PAGE_BYTES);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: PAGES_MAX, shared: true });
    this.module = compileKernels(platform.kernels, true);
    this.kernels = simdKernels(this.module, this.memory);
    this.buffers = new PartialBuffers(this.memory, this.workspace.end, this.workspace.partialFloats);
    this.pool = new PoolDriver(this.kernels, this.buffers, () => platform.nowMs(), onStranded);
  }

  /** Starts the threads; each joins the pool when it is ready. Resolves when all have, rejects if one fails. */
  async start(whenFailed: (error: Error) => void): Promise<void> {
    const started = Array.from({ length: this.threads }, (_, thread) => this.startThread(thread, whenFailed));
    await Promise.all(started);
  }

  stop(): void {
    for (const handle of this.handles) handle.terminate();
    this.handles.length = 0;
  }

  /** Computes a shard here and now, on the caller's thread: the machine has a region for itself. Blocks. */
  compute(task: Task, shard: Shard, out: Pointer): void {
    this.computer ??= new Computer(this.kernels, this.memory, this.workspace, this.threads);
    this.computer.compute(task, shard, out);
  }

  /** To be called whenever the weights in the workspace have changed. */
  weightsChanged(): void {
    const { weights, transposed, run } = this.workspace;
    transposeWeights(this.kernels, run.model, weights, transposed);
  }

  /** A view of floats; not to be kept, since the memory may grow. */
  floats(at: Pointer, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, length);
  }

  /** A view of bytes; not to be kept, since the memory may grow. */
  bytes(at: Pointer, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, length);
  }

  private startThread(thread: number, whenFailed: (error: Error) => void): Promise<void> {
    const handle = this.platform.spawnThread();
    this.handles.push(handle);
    return new Promise((resolve, reject) => {
      handle.whenFailed((error) => {
        reject(error);
        whenFailed(error);
      });
      const member = new ThreadMember(handle, this.buffers);
      handle.listen((message) => {
        if (message.type === 'computed') return this.pool.result(member.id, message.lease, member.take(message.lease));
        this.pool.join(member, false);
        resolve();
      });
      const { module, memory } = this;
      const { run, threads } = this.workspace;
      handle.post({ type: 'start', module, memory, run, threads: threads.length, thread });
    });
  }
}

/** A local thread as a member of the pool. */
class ThreadMember implements Transport {
  id = 0;
  private readonly outs = new Map<number, Pointer>();

  constructor(
    private readonly handle: ThreadHandle,
    private readonly buffers: PartialBuffers,
  ) {}

  joined(member: number): void {
    this.id = member;
  }

  lease({ lease, task, shard }: LeaseOrder): void {
    const out = this.buffers.take();
    this.outs.set(lease, out);
    this.handle.post({ type: 'compute', lease, task, shard, out });
  }

  /** The buffer that a lease's sum was written to. */
  take(lease: number): Pointer {
    const out = this.outs.get(lease);
    if (out === undefined) throw new Error(`internal error: a thread answered lease ${lease}, which it was not given`);
    this.outs.delete(lease);
    return out;
  }

  /** It cannot be called off: a thread hears nothing while it computes. Its late result is discarded. */
  revoke(): void {}

  /** Threads are not remote: they are neither asked for signs of life nor dropped. */
  ping(): void {}
  drop(): void {}
}
