/**
 * Workers that are not admitted any more, by the address that they connect from and the device that they name. A worker that
 * names no device is known by its name. The list belongs to the fleet: it outlives the workers' connections and ends with
 * the process.
 *
 * What this is not: a proof of identity. A worker that names another device is another worker, and only its results
 * can show that it lies. Workers behind one router have one address, and the tabs of a class have one name: there, the device
 * alone tells them apart. A ban counts at the greeting: a connected worker stays until its connection ends.
 */
import { limits } from '../limits.js';
import type { Hello } from '../protocol/messages.js';

/** What tells a worker from others at its address. */
export type Identity = Pick<Hello, 'name' | 'device'>;

export class Bans {
  /** In the order in which the bans were made: the oldest is forgotten first. */
  private readonly reasons = new Map<string, string>();

  add(address: string, worker: Identity, reason: string): void {
    const key = keyOf(address, worker);
    this.reasons.delete(key);
    this.reasons.set(key, reason);
    if (this.reasons.size <= limits.bansMax) return;
    const [oldest] = this.reasons.keys();
    this.reasons.delete(oldest);
  }

  /** Why this worker is not admitted, or null. */
  reasonFor(address: string, worker: Identity): string | null {
    return this.reasons.get(keyOf(address, worker)) ?? null;
  }
}

/** An address has no space. */
function keyOf(address: string, { name, device }: Identity): string {
  return device === undefined ? `${address} name ${name}` : `${address} device ${device}`;
}
