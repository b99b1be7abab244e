/**
 * One machine's share of a run: its memory, its compute threads, and the pool that they are members of. A coordinator
 * that trains alone and a worker that lends its cores both have one. They differ in what they do with the sums.
 *
 * What this is: the parts put together. Each part has a file: the layout (workspace.ts), views and tensors (tensors.ts),
 * threads and the lanes to them (threads.ts, lanes.ts, carrier-lane.ts), the turns of the machine's own thread (turns.ts),
 * the update that threads share (shared-update.ts).
 */
import type { KernelMemory } from '../arithmetic/backend.js';
import { arithmetic, hashOf, wrongStages } from '../arithmetic/identity.js';
import type { Kernels, Pointer } from '../arithmetic/kernels.js';
import { knownAnswer, knownAnswerBytes } from '../arithmetic/known-answer.js';
import { LockstepError } from '../errors.js';
import { transposeWeights } from '../model/network.js';
import { PartialBuffers } from '../pool/partials.js';
import { type LeaseOrder, PoolDriver } from '../pool/pool-driver.js';
import type { Shard } from '../pool/tree.js';
import type { Profile } from '../profile.js';
import { type Orders, ordersOf } from '../work/orders.js';
import type { Task } from '../work/task.js';
import { Computer } from './computer.js';
import { Effort } from './effort.js';
import { InlineLane, type Lane, type Placed, StandIn } from './lanes.js';
import type { ShardOrder } from './orders.js';
import type { Platform } from './platform.js';
import { helpersFor, updateWith, wholeUpdate } from './shared-update.js';
import { Tensors } from './tensors.js';
import { Threads } from './threads.js';
import { TransposedWeights } from './transposed-weights.js';
import { Turns } from './turns.js';
import { layOutWorkspace, type RunDescription, type Workspace } from './workspace.js';

export interface MachineOptions {
  /** See the pool. */
  readonly onStranded?: ((stranded: boolean) => void) | undefined;
  /** How often its threads look for work before they sleep. */
  readonly threadSpins?: number;
  /**
   * Whether remote members may join its pool. While they compute, the machine's own thread serves them, and computes no
   * shards. A thread more is spawned to take its place then.
   */
  readonly serves?: boolean;
}

/** How often to look for the other side's progress before sleeping: 50 to 200 microseconds. */
const SPINS = 20_000;
/**
 * The same for threads whose work comes over a network. Between two steps they find no work anyway, and while they look,
 * the threads that pass on sums and weights want their core.
 */
export const networkSpins = 4_000;

/** A member that is a thread of this machine has computed a shard. The pool may not know the lease any more. */
export type WhenComputed = (member: number, order: LeaseOrder) => void;

export class Machine {
  readonly memory: KernelMemory;
  readonly kernels: Kernels;
  readonly workspace: Workspace;
  readonly tensors: Tensors;
  /** Which samples are in which slot. */
  readonly orders: Orders;
  readonly buffers: PartialBuffers;
  readonly pool: PoolDriver;
  readonly profile: Profile;
  private readonly weights: TransposedWeights;
  private readonly computeThreads: Threads;
  private readonly turns: Turns;
  private readonly effort: Effort;
  private readonly serves: boolean;
  private computer: Computer | null = null;
  /** Of a machine that serves, if steps are short. */
  private standIn: StandIn | null = null;
  private whenComputed: WhenComputed = () => {};
  /** The number of updates that made the weights, if the last one of them was made here. */
  updatedTo: number | null = null;

  /** `threads` may be 0: a machine that only adds up what others compute. */
  constructor(
    private readonly platform: Platform,
    run: RunDescription,
    readonly threads: number,
    { onStranded, threadSpins = SPINS, serves = false }: MachineOptions = {},
  ) {
    const { backend, profile } = platform;
    this.profile = profile;
    this.serves = serves;
    this.workspace = layOutWorkspace(run, threads + 1, backend.sizes);
    this.orders = ordersOf(run);
    const { end, parameters, partialFloats, mask } = this.workspace;
    this.effort = new Effort(this.orders, parameters, threads);
    // Copies to and from memory that is not shared are faster.
    const isShared = this.spawned > 0 && platform.sharesMemory;
    this.memory = backend.createMemory(end + knownAnswerBytes(backend.sizes), isShared);
    this.kernels = this.memory.kernels;
    this.tensors = new Tensors(this.memory, mask);
    this.weights = new TransposedWeights(this.kernels, this.workspace);
    this.buffers = new PartialBuffers(this.memory, end, partialFloats);
    this.pool = new PoolDriver(this.kernels, this.buffers, platform, onStranded, (task) => this.sizeMax(task));
    const spins = isShared && threads <= platform.cores ? SPINS : 0;
    this.turns = this.makeTurns(spins);
    const looks = () => Math.min(spins, this.pool.remoteComputes ? networkSpins : threadSpins);
    const options = { shareMemory: isShared, looks, spins };
    this.computeThreads = new Threads(platform, this, options);
  }

  /**
   * Starts the threads. Each joins the pool when it is ready. Resolves when all have, rejects if one fails.
   * `whenComputed` is called before the pool hears of the shard.
   */
  async start(whenFailed: (error: Error) => void, whenComputed: WhenComputed = () => {}): Promise<void> {
    this.whenComputed = whenComputed;
    const wake = () => this.turns.wake();
    const inline = new InlineLane(this.buffers, (placed) => this.computePlaced(placed), wake);
    if (this.spawned < this.threads) this.admit(inline);
    const ready = (lane: Lane, thread: number) =>
      this.effort.isInline && thread === this.threads - 1 ? this.admitStandIn(inline, lane) : this.admit(lane);
    await this.computeThreads.start(this.spawned, { ready, wake, failed: whenFailed });
  }

  stop(): void {
    this.computeThreads.stop();
  }

  /**
   * Runs the known-answer test (E6) and returns the hash of its answer. Throws `arithmetic-wrong` if the answer is wrong.
   * Call it before there are partial sums: they lie in the same place.
   */
  proveArithmetic(): string {
    const { sizes, end } = this.workspace;
    const { backend, sha256 } = this.platform;
    const answer = knownAnswer(this.memory, sizes, end);
    const hash = hashOf(answer, sha256);
    if (hash === arithmetic.knownAnswer) return hash;
    // The answer has megabytes: a right one is hashed only once, because a tab of a slow phone waits for it.
    const wrong = wrongStages(answer, sha256);
    const sentence = `The kernels of this machine (${backend.description}) compute wrongly: ${wrong.join(', ')}.`;
    throw new LockstepError('arithmetic-wrong', `${sentence} Update the engine, or use another machine.`);
  }

  /** Computes a shard here and now, on the caller's thread: the machine has a region for itself. Blocks. */
  compute(task: ShardOrder['task'], shard: Shard, out: Pointer): void {
    this.computer ??= new Computer(this.memory, this.workspace, this.threads, this.orders);
    this.weights.refresh();
    this.computeBy(this.computer, task, shard, out);
  }

  /**
   * The same with other weights than those of the workspace, which the threads may be reading. `transposed` is a place
   * for the transposed weights, as long as a partial gradient.
   */
  computeWith(weights: Pointer, transposed: Pointer, task: ShardOrder['task'], shard: Shard, out: Pointer): void {
    const workspace = { ...this.workspace, weights, transposed };
    transposeWeights(this.kernels, workspace.chain, weights, transposed);
    this.computeBy(new Computer(this.memory, workspace, this.threads, this.orders), task, shard, out);
  }

  /**
   * E4: updates the weights after `step` updates from the sum of a step, which is divided by `terms`. Idle threads help
   * with a large model.
   */
  update(sum: Pointer, terms: number, step: number): void {
    const { parameters: floats } = this.workspace;
    const helpers = helpersFor(floats, () => this.turns.idleHelpers().slice(0, this.helpersMax));
    const order = wholeUpdate(this.memory, this.workspace, { floats, sum, terms, step });
    updateWith(this.memory, this.workspace, order, helpers);
    this.updatedTo = step + 1;
    this.weightsChanged();
  }

  /** Call this whenever the weights in the workspace have changed. */
  weightsChanged(): void {
    this.weights.changed();
    // Without threads, something is computed here only now and then.
    if (this.threads > 0) this.weights.refresh();
  }

  /** Another number after each change of the weights. */
  get weightsVersion(): number {
    return this.weights.version;
  }

  /** A view of floats. Do not keep it: the memory may grow. */
  floats(at: Pointer, length: number): Float32Array {
    return this.tensors.floats(at, length);
  }

  /** A view of bytes. Do not keep it: the memory may grow. */
  bytes(at: Pointer, length: number): Uint8Array {
    return this.tensors.bytes(at, length);
  }

  /** Threads beside the machine's own. */
  private get spawned(): number {
    return this.effort.isInline && !this.serves ? this.threads - 1 : this.threads;
  }

  /** A machine that serves has a core for its own thread besides those of its threads. */
  private get helpersMax(): number {
    return this.serves ? Math.min(this.threads, this.platform.cores - 1) : this.threads - 1;
  }

  /** Whether the machine's own thread computes shards at present, and serves nobody. */
  private get isInline(): boolean {
    return this.effort.isInline && !this.pool.remoteComputes;
  }

  /** Whether it computes this shard now. */
  private isFreeFor({ task, shard }: LeaseOrder): boolean {
    return this.isInline && (!this.serves || this.effort.isBrief(task, shard));
  }

  /** Shards may be of any size when there are remote members: a limit would give them many small ones. */
  private sizeMax(task: Task): number | undefined {
    return this.hasRemote ? undefined : this.effort.sizeMax(task);
  }

  private get hasRemote(): boolean {
    return this.pool.memberCount > this.threads;
  }

  private makeTurns(spins: number): Turns {
    const { platform, profile, pool } = this;
    const work = {
      nowMs: () => platform.nowMs(),
      defer: (call: () => void) => platform.defer(call),
      isFree: () => this.isInline && (this.standIn?.isActive ?? true),
      isFreeFor: (order: LeaseOrder) => this.isFreeFor(order),
      compute: (placed: Placed) => this.computePlaced(placed),
      finished: (lane: Lane, { order, out }: Placed, tookMs: number) => {
        this.effort.took(tookMs, order.task, order.shard);
        this.whenComputed(lane.member, order);
        pool.result(lane.member, order.lease, out, tookMs);
      },
      watch: (looks: number, look: () => boolean) => {
        profile.enter('watch');
        let found = false;
        for (let i = 0; i < looks && !found; i++) found = look();
        profile.leave();
        return found;
      },
    };
    return new Turns(work, spins);
  }

  private admit(lane: Lane): void {
    this.turns.add(lane);
    this.pool.join(lane, false);
  }

  /** One member, whose shards are computed by the machine's own thread as long as there is nobody to serve. */
  private admitStandIn(inline: Lane, thread: Lane): void {
    for (const lane of [inline, thread]) this.turns.add(lane);
    this.standIn = new StandIn(inline, thread, (order) => this.isFreeFor(order));
    this.pool.join(this.standIn, false);
  }

  private computeBy(computer: Computer, task: ShardOrder['task'], shard: Shard, out: Pointer): void {
    this.profile.enter('compute');
    computer.compute(task, shard, out);
    this.profile.leave();
  }

  private computePlaced({ order, out }: Placed): number {
    const begunMs = this.platform.nowMs();
    this.compute(order.task, order.shard, out);
    return this.platform.nowMs() - begunMs;
  }
}
