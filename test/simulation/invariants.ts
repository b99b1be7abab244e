/** The invariants that must hold after every event at the coordinator. */

import type { Machine } from '../../shared/compute/machine.js';
import type { LateCopy } from '../../shared/fleet/audits.js';
import type { RemoteMember } from '../../shared/fleet/remote-member.js';
import { limits } from '../../shared/limits.js';
import type { Pool } from '../../shared/pool/pool.js';
import type { Job } from '../../shared/pool/pool-events.js';
import { type Shard, shardEnd, shardKey } from '../../shared/pool/tree.js';
import { check } from './world.js';

/** Private fields of production classes. Only this file reads them. */
interface PoolInside {
  readonly pool: Pool;
}
interface TransportInside {
  readonly leases: ReadonlyMap<number, { readonly held: readonly number[]; readonly late: LateCopy | null }>;
}

const leasesOf = ({ transport }: RemoteMember) => (transport as unknown as TransportInside).leases;

export function checkInvariants(machine: Machine, members: Iterable<RemoteMember>): void {
  const { pool } = machine.pool as unknown as PoolInside;
  const places = [...pool.places()];
  for (const { job, pending, leased, summed } of places) checkSlots(job, pending, leased, summed);
  checkLeases(
    pool,
    [...members].filter(({ isMember }) => isMember),
  );
  const kept = places.reduce((sum, { summed }) => sum + summed.length, 0);
  const held = [...members].flatMap((member) => [...leasesOf(member).values()]);
  const coming = held.reduce((sum, shard) => sum + shard.held.length, 0);
  const late = held.flatMap(({ late }) => late ?? []);
  const audited = late.length + new Set(late.map(({ weights }) => weights)).size;
  const { inUse } = machine.buffers;
  const expected = `${kept} sums, ${coming} that are coming and ${audited} of late copies`;
  check(inUse === kept + coming + audited, `${inUse} buffers are in use, for ${expected}`);
}

/** Each slot is in exactly one place, except that a whole shard may be leased to several members. */
function checkSlots(job: Job, pending: readonly Shard[], leased: readonly Shard[], summed: readonly Shard[]): void {
  const holders = new Map<number, Shard[]>();
  for (const shard of leased) holders.set(shardKey(shard), [...(holders.get(shardKey(shard)) ?? []), shard]);
  const once = [...holders.values()].map(([shard]) => shard);
  const first = job.shard.lo;
  const times = new Uint8Array(shardEnd(job.shard, job.slots) - first);
  for (const shard of [...pending, ...once, ...summed]) {
    for (let slot = shard.lo; slot < shardEnd(shard, job.slots); slot++) times[slot - first] += 1;
  }
  for (const [i, count] of times.entries())
    check(count === 1, `slot ${first + i} of job ${job.id} is in ${count} places`);
}

/** The pool and the members' transports have the same leases. */
function checkLeases(pool: Pool, present: readonly RemoteMember[]): void {
  check(pool.memberCount === present.length, `the pool has ${pool.memberCount} members, not ${present.length}`);
  const held = new Map(present.map((member) => [member.id, leasesOf(member)]));
  let leases = 0;
  for (const believed of pool.memberStates()) {
    leases += believed.leases.length;
    check(believed.leases.length <= limits.leasesPerMemberMax, `member ${believed.id} holds too many leases`);
    for (const { id } of believed.leases) check(held.get(believed.id)?.has(id), `lease ${id} is held by nobody`);
  }
  for (const member of present) for (const { late } of leasesOf(member).values()) if (late === null) leases -= 1;
  check(leases === 0, `the transports hold ${-leases} leases that the pool does not know`);
}
