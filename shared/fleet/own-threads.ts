/**
 * The coordinator's own compute threads: members of the pool like any worker, and one entry in the fleet's table.
 *
 * What they compute is trusted: a wrong result means that this machine computes wrongly, and then no recomputation here
 * could be believed either. So nothing of theirs is audited. If a worker's late copy of a shard of theirs comes, the copy
 * is compared with their result, which audits the worker. The reverse is not possible: they compute in the memory in which
 * the weights change, so only the first result of a shard can be believed to belong to the weights of its step.
 */
import type { Machine } from '../compute/machine.js';
import type { Member } from '../pool/member.js';
import type { LeaseOrder } from '../pool/pool-driver.js';
import type { Audited } from './audits.js';
import type { Fleet } from './fleet.js';

export class OwnThreads implements Audited {
  readonly name = 'this machine';
  copiesAgreed = 0;
  /** Number of shards whose results were used. */
  shards = 0;

  constructor(private readonly fleet: Fleet) {
    fleet.shownNames.take(this.name);
  }

  get threads(): number {
    return this.machine.threads;
  }

  /** What the pool believes of each thread, once they have started. */
  get beliefs(): Readonly<Member>[] {
    return Array.from(this.machine.pool.memberStates()).filter(({ remote }) => !remote);
  }

  /** Starts the threads. Resolves when all of them are members of the pool. */
  async start(whenFailed: (error: Error) => void): Promise<void> {
    await this.machine.start(whenFailed, (member, order) => this.computed(member, order));
    for (const { id } of this.beliefs) this.fleet.members.set(id, this);
  }

  /** A worker's late copy differs from what a thread gave. The fleet's observer hears of it, and ends the run. */
  expel(): void {}

  private computed(member: number, order: LeaseOrder): void {
    const belief = this.machine.pool.memberState(member);
    if (!belief?.leases.some(({ id }) => id === order.lease)) return;
    this.shards += 1;
    this.fleet.counted(order);
  }

  private get machine(): Machine {
    return this.fleet.machine;
  }
}
