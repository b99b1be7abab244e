/** Learns from the messages on the wire which worker has which shard, and when another worker gets one of them. */
import type { ShardLease } from '../../shared/protocol/messages.js';
import type { Relay, Seen } from './relay.js';

export class Observer {
  /** The newest step of all leased shards. */
  newestStep = -1;

  constructor(private readonly relay: Relay) {
    relay.watch(({ message }) => {
      if (message.type === 'shard') this.newestStep = Math.max(this.newestStep, message.step);
    });
  }

  /** Resolves with the first message that fits. Calls `act` at once, before the message is passed on. */
  sees(fits: (seen: Seen) => boolean, act: (seen: Seen) => void = () => {}): Promise<Seen> {
    return new Promise((resolve) => {
      const look = (seen: Seen) => {
        if (!fits(seen)) return;
        this.relay.unwatch(look);
        act(seen);
        resolve(seen);
      };
      this.relay.watch(look);
    });
  }

  /**
   * Calls `act` at the moment at which a gradient shard is leased to `worker`. Resolves with the milliseconds until
   * another worker gets a lease of a part of that shard.
   */
  async untilReleased(worker: string, act: () => void): Promise<number> {
    let lost: ShardLease | null = null;
    let startMs = 0;
    await this.sees(
      (seen) => seen.worker === worker && isGradient(seen) !== null,
      (seen) => {
        lost = isGradient(seen);
        startMs = performance.now();
        act();
      },
    );
    const { atMs } = await this.sees((seen) => {
      const shard = isGradient(seen);
      return seen.worker !== worker && shard !== null && lost !== null && overlap(shard, lost);
    });
    return atMs - startMs;
  }
}

function isGradient({ message }: Seen): ShardLease | null {
  return message.type === 'shard' && message.work === 'gradient' ? message : null;
}

function overlap(a: ShardLease, b: ShardLease): boolean {
  return a.step === b.step && a.lo < b.lo + b.size && b.lo < a.lo + a.size;
}
