/**
 * Workers that are not admitted any more, by the address that they connect from and the name that they give. The list
 * belongs to the fleet: it outlives the workers' connections and ends with the process.
 *
 * What this is not: a proof of identity. A worker that gives another name is another worker, and only its results
 * can show that it lies. Workers behind one proxy have one address: there, the name alone tells them apart. A ban counts
 * at the greeting: a connected worker of the same name and address stays until its connection ends.
 */
import { limits } from '../limits.js';

export class Bans {
  /** In the order in which the bans were made: the oldest is forgotten first. */
  private readonly reasons = new Map<string, string>();

  add(address: string, name: string, reason: string): void {
    const key = keyOf(address, name);
    this.reasons.delete(key);
    this.reasons.set(key, reason);
    if (this.reasons.size <= limits.bansMax) return;
    const [oldest] = this.reasons.keys();
    this.reasons.delete(oldest);
  }

  /** Why this worker is not admitted, or null. */
  reasonFor(address: string, name: string): string | null {
    return this.reasons.get(keyOf(address, name)) ?? null;
  }
}

/** An address has no space. */
function keyOf(address: string, name: string): string {
  return `${address} ${name}`;
}
