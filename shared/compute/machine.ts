/**
 * One machine's share of a run: its memory, its compute threads, and the pool that they are members of. A coordinator
 * that trains alone and a worker that lends its cores are both a machine; what they do with the sums differs.
 */

import type { KernelMemory } from '../arithmetic/backend.js';
import { hashOf, wrongStages } from '../arithmetic/identity.js';
import type { Kernels, Pointer } from '../arithmetic/kernels.js';
import { knownAnswer, knownAnswerBytes } from '../arithmetic/known-answer.js';
import { LockstepError } from '../errors.js';
import { transposeWeights } from '../model/network.js';
import { PartialBuffers } from '../pool/partials.js';
import { PoolDriver } from '../pool/pool-driver.js';
import type { Shard } from '../pool/tree.js';
import type { Profile } from '../profile.js';
import { maskBytesOf, packPart, partAt, unpackPart } from '../protocol/tensor.js';
import { kinds, type WorkName, workNames } from '../work/kinds.js';
import { type Orders, orderOf, ordersOf } from '../work/orders.js';
import type { Task } from '../work/task.js';
import { buffersOf, type CarriedOrder } from './carrier.js';
import { CarrierLane } from './carrier-lane.js';
import { Computer } from './computer.js';
import { AlignedCopier } from './copy.js';
import { InlineLane, type Placed, ThreadLane } from './lanes.js';
import { Mailbox } from './mailbox.js';
import type { ShardOrder, UpdateOrder } from './orders.js';
import type { Platform, ThreadHandle } from './platform.js';
import { update } from './thread.js';
import { layOutWorkspace, type RunDescription, type Workspace } from './workspace.js';

export interface MachineOptions {
  /** See the pool. */
  readonly onStranded?: ((stranded: boolean) => void) | undefined;
  /** How often its threads look for work before they sleep. */
  readonly threadSpins?: number;
}

type LocalLane = InlineLane | ThreadLane | CarrierLane;

/** How often to look for the other side's progress before sleeping: some fifty to two hundred microseconds. */
const SPINS = 20_000;
/**
 * The same for threads whose work comes over a network: between two steps they find none anyway, and while they look,
 * those who pass on sums and weights want their core.
 */
export const networkSpins = 4_000;
/** Longest time without a look at the event loop, but for one shard. */
const TURN_MS = 1;
/**
 * The machine's own thread takes part when its share of a step is below so many multiplications and additions: a
 * millisecond or two, during which the event loop stands still.
 */
const INLINE_OPERATIONS_MAX = 400e6;
/** Where the machine's own thread takes part, a task with larger shares is cut into shards of about so many. */
const SHARD_OPERATIONS = 150e6;
/** Parameters above which threads help to update them. */
const UPDATE_SHARED_MIN = 200_000;

export class Machine {
  readonly memory: KernelMemory;
  readonly kernels: Kernels;
  readonly workspace: Workspace;
  /** Which samples are in which slot. */
  readonly orders: Orders;
  readonly buffers: PartialBuffers;
  readonly pool: PoolDriver;
  readonly profile: Profile;
  private readonly handles: ThreadHandle[] = [];
  private readonly lanes: LocalLane[] = [];
  /** Whether the machine's own thread is a member of the pool. */
  private readonly takesPart: boolean;
  private readonly spins: number;
  /** Null where the memory is not shared: copying to it needs no care. */
  private readonly copier: AlignedCopier | null;
  private computer: Computer | null = null;
  /** Counts the changes of the weights. */
  weightsVersion = 0;
  /** Of the weights that were transposed last. */
  private transposedVersion = 0;
  private turn: 'none' | 'deferred' | 'running' = 'none';

  /** `threads` may be 0: a machine that only adds up what others compute. */
  constructor(
    private readonly platform: Platform,
    run: RunDescription,
    private readonly threads: number,
    private readonly options: MachineOptions = {},
  ) {
    this.workspace = layOutWorkspace(run, threads + 1, platform.backend.sizes);
    this.orders = ordersOf(run);
    this.takesPart =
      threads > 0 && workNames.every((work) => !kinds[work].trains || this.isShort({ work, stepInEpoch: 0 }));
    // Copies to and from memory that is not shared are faster.
    const shared = this.spawned > 0 && platform.sharesMemory;
    this.copier = shared ? new AlignedCopier() : null;
    this.memory = platform.backend.createMemory(this.workspace.end + knownAnswerBytes(platform.backend.sizes), shared);
    this.kernels = this.memory.kernels;
    this.buffers = new PartialBuffers(this.memory, this.workspace.end, this.workspace.partialFloats);
    this.profile = platform.profile;
    const pieces = (task: Task) => this.sizeMax(task);
    this.pool = new PoolDriver(this.kernels, this.buffers, platform, options.onStranded, pieces);
    this.spins = shared && threads <= platform.cores ? SPINS : 0;
  }

  /** Starts the threads; each joins the pool when it is ready. Resolves when all have, rejects if one fails. */
  async start(whenFailed: (error: Error) => void): Promise<void> {
    if (this.takesPart) {
      this.admit(
        new InlineLane(
          this.buffers,
          (placed) => this.computePlaced(placed),
          () => this.wake(),
        ),
      );
    }
    await Promise.all(Array.from({ length: this.spawned }, (_, thread) => this.startThread(thread, whenFailed)));
  }

  stop(): void {
    for (const handle of this.handles) handle.terminate();
    this.handles.length = 0;
  }

  /**
   * Runs the known-answer test (E6) and returns the hash of its answer. Throws `arithmetic-wrong` if the answer is wrong.
   * Call it before there are partial sums: they lie in the same place.
   */
  proveArithmetic(): string {
    const { sizes, end } = this.workspace;
    const { backend, sha256 } = this.platform;
    const answer = knownAnswer(this.memory, sizes, end);
    const wrong = wrongStages(answer, sha256);
    if (wrong.length === 0) return hashOf(answer, sha256);
    const sentence = `The kernels of this machine (${backend.description}) compute wrongly: ${wrong.join(', ')}.`;
    throw new LockstepError('arithmetic-wrong', `${sentence} Update the engine, or use another machine.`);
  }

  /** Computes a shard here and now, on the caller's thread: the machine has a region for itself. Blocks. */
  compute(task: ShardOrder['task'], shard: Shard, out: Pointer): void {
    this.computer ??= new Computer(this.memory, this.workspace, this.threads, this.orders);
    if (this.transposedVersion !== this.weightsVersion) this.transpose();
    this.profile.enter('compute');
    this.computer.compute(task, shard, out);
    this.profile.leave();
  }

  /**
   * E4: updates the weights after `step` updates from the sum over a mini-batch of `samples`. Idle threads take a part of
   * a large model.
   */
  update(sum: Pointer, samples: number, step: number): void {
    const { parameters } = this.workspace;
    const helpers = parameters < UPDATE_SHARED_MIN ? [] : this.idleThreads().slice(0, this.threads - 1);
    const part = 16 * Math.ceil(parameters / (helpers.length + 1) / 16);
    const orderFrom = (first: number): UpdateOrder => {
      const floats = Math.max(0, Math.min(part, parameters - first));
      return { kind: 'update', first, floats, sum, samples, step };
    };
    for (const [i, lane] of helpers.entries()) lane.beginUpdate(orderFrom((i + 1) * part));
    update(this.memory, this.workspace, orderFrom(0));
    for (const lane of helpers) lane.settle(this.spins);
    this.weightsChanged();
  }

  /** To be called whenever the weights in the workspace have changed. */
  weightsChanged(): void {
    this.weightsVersion += 1;
    // Without threads, nothing is computed here but now and then.
    if (this.threads > 0) this.transpose();
  }

  private transpose(): void {
    const { weights, transposed, chain } = this.workspace;
    this.transposedVersion = this.weightsVersion;
    transposeWeights(this.kernels, chain, weights, transposed);
  }

  /**
   * Writes the payload of a part of a tensor that lies at `at`, `floats` in all, and returns its length. Left out is what
   * is the same at `base`; where that is 0, what is +0; nothing where it is null.
   */
  packPart(part: number, floats: number, at: Pointer, base: Pointer | null, payload: Uint8Array): number {
    const { first, count } = partAt(part, floats);
    const bytes = this.bytes(at + 4 * first, 4 * count);
    if (base === null) return packPart(bytes, null, payload);
    const { mask } = this.workspace;
    this.kernels.changes(at + 4 * first, base === 0 ? 0 : base + 4 * first, count, mask);
    return packPart(bytes, this.bytes(mask, maskBytesOf(count)), payload);
  }

  /**
   * Takes in the payload of a part of a tensor that lies at `at`, `floats` in all. What was left out becomes +0, or is as
   * it was.
   */
  unpackPart(part: number, floats: number, at: Pointer, payload: Uint8Array, leftOut: 'zero' | 'as it was'): void {
    const { first, count } = partAt(part, floats);
    const target = this.bytes(at + 4 * first, 4 * count);
    unpackPart(payload, count, {
      present: (from, bytes) => this.copy(bytes, target, 4 * from),
      absent: (from, end) => {
        if (leftOut === 'zero') target.fill(0, 4 * from, 4 * end);
      },
    });
  }

  /** Copies bytes that came over a network to a place of the memory. */
  store(source: Uint8Array, at: Pointer): void {
    this.copy(source, this.bytes(at, source.length), 0);
  }

  private copy(source: Uint8Array, target: Uint8Array, at: number): void {
    if (this.copier === null) target.set(source, at);
    else this.copier.copy(source, target, at);
  }

  /** A view of floats; not to be kept, since the memory may grow. */
  floats(at: Pointer, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, length);
  }

  /** A view of bytes; not to be kept, since the memory may grow. */
  bytes(at: Pointer, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, length);
  }

  /** Threads beside the machine's own. */
  private get spawned(): number {
    return this.takesPart ? this.threads - 1 : this.threads;
  }

  private idleThreads(): ThreadLane[] {
    return this.lanes.filter((lane): lane is ThreadLane => lane instanceof ThreadLane && lane.isIdle);
  }

  /** Whether one thread's share of a task is short enough for the machine's own thread. */
  private isShort({ work, stepInEpoch }: Pick<Task, 'work' | 'stepInEpoch'>): boolean {
    const samples = orderOf(this.orders, { work }).samplesIn(stepInEpoch);
    return this.operations(work, samples) / this.threads <= INLINE_OPERATIONS_MAX;
  }

  /** The size in slots that no shard of a task exceeds, so that the event loop does not stand still for long. */
  private sizeMax(task: Task): number | undefined {
    if (!this.takesPart || this.isShort(task)) return undefined;
    return Math.max(1, SHARD_OPERATIONS / this.operations(task.work, orderOf(this.orders, task).rows));
  }

  /** Multiplications and additions for so many samples. */
  private operations(work: WorkName, samples: number): number {
    return 2 * kinds[work].passes * this.workspace.parameters * samples;
  }

  private admit(lane: LocalLane): void {
    this.lanes.push(lane);
    this.pool.join(lane, false);
  }

  private computePlaced({ order, out }: Placed): number {
    const begunMs = this.platform.nowMs();
    this.compute(order.task, order.shard, out);
    return this.platform.nowMs() - begunMs;
  }

  private startThread(thread: number, whenFailed: (error: Error) => void): Promise<void> {
    const handle = this.platform.spawnThread();
    this.handles.push(handle);
    const lane = this.copier === null ? this.carrierLane(handle) : this.threadLane(thread);
    return new Promise((resolve, reject) => {
      handle.whenFailed((error) => {
        reject(error);
        whenFailed(error);
      });
      handle.listen((message) => {
        if (message === 'ready') {
          this.admit(lane);
          resolve();
        } else if (message === 'answered') {
          this.wake();
        } else if (lane instanceof CarrierLane) {
          lane.arrived(message);
        }
      });
      const spins = Math.min(this.spins, this.options.threadSpins ?? SPINS);
      const { run, threads } = this.workspace;
      const backend = this.platform.backend.handOver;
      const memory = this.copier === null ? null : this.memory.handOver;
      handle.post({ kind: 'start', backend, memory, run, threads: threads.length, thread, spins });
    });
  }

  private threadLane(thread: number): ThreadLane {
    const mailbox = new Mailbox(this.memory, this.workspace.threads[thread].mailbox);
    return new ThreadLane(this.buffers, mailbox, () => this.wake());
  }

  private carrierLane(handle: ThreadHandle): CarrierLane {
    const post = (order: CarriedOrder) => handle.post(order, buffersOf(order));
    return new CarrierLane(this.buffers, this, post, () => this.wake());
  }

  /** There is something to compute, or to gather: soon, once whoever says so is done. */
  private wake(): void {
    if (this.turn !== 'none') return;
    this.turn = 'deferred';
    this.platform.defer(() => this.takeTurn());
  }

  /** Computes and gathers until nothing more is to be expected at once, or others should have the event loop. */
  private takeTurn(): void {
    this.turn = 'running';
    const untilMs = this.platform.nowMs() + TURN_MS;
    while (this.platform.nowMs() < untilMs) {
      if (this.gather() || this.takeOver()) continue;
      if (!(this.takesPart && this.isBusy() && this.watch())) return this.rest();
    }
    this.turn = 'none';
    if (this.isBusy()) this.wake();
  }

  /** Hands what is finished to the pool, which may bring new work; false when nothing is. */
  private gather(): boolean {
    let any = false;
    for (const lane of this.lanes) {
      const finished = lane.finished();
      if (finished === undefined) continue;
      const { placed, tookMs } = finished;
      this.pool.result(lane.member, placed.order.lease, placed.out, tookMs);
      any = true;
    }
    return any;
  }

  private isBusy(): boolean {
    return this.lanes.some((lane) => lane.isExpected);
  }

  /**
   * This thread has nothing to compute: it takes over what another one was given and has not begun, perhaps because the
   * system has not found it a core yet. False when there is nothing of the kind.
   */
  private takeOver(): boolean {
    if (!this.takesPart) return false;
    for (const lane of this.lanes) {
      const placed = lane instanceof ThreadLane ? lane.takeBack() : undefined;
      if (placed === undefined) continue;
      this.pool.result(lane.member, placed.order.lease, placed.out, this.computePlaced(placed));
      return true;
    }
    return false;
  }

  /**
   * Looks at the threads' progress for a while; true when there is any. Only for a thread that takes part: it has a core
   * then, which another one would take away from those that compute.
   */
  private watch(): boolean {
    this.profile.enter('watch');
    let found = false;
    for (let i = 0; i < this.spins && !found; i++) found = this.anyFinished();
    this.profile.leave();
    return found;
  }

  private anyFinished(): boolean {
    for (const lane of this.lanes) if (lane.hasFinished) return true;
    return false;
  }

  /** Back to the event loop, until a message says that there is something to gather. */
  private rest(): void {
    this.turn = 'none';
    for (const lane of this.lanes) if (lane instanceof ThreadLane) lane.mailbox.wantMessage(lane.isExpected);
    // One may have finished before it saw that a message is wanted.
    if (this.anyFinished()) this.wake();
  }
}
