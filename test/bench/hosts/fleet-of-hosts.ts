/** A coordinator's host and hosts of workers, which have a quota of a core each. */
import { fileURLToPath } from 'node:url';
import { type Command, Running } from '../processes.js';
import { Hosts } from './hosts.js';
import type { NetworkKind } from './links.js';
import { findController, Quota } from './quota.js';

const delayProgram = fileURLToPath(new URL('delay.js', import.meta.url));
/** What workers connect to. Where the network delays, the coordinator listens on the next port. */
const portOfWorkers = 8080;

const open = new Set<FleetOfHosts>();
// The listener of processes.ts, which kills all processes, was added before this one.
process.on('exit', () => {
  for (const fleet of open) fleet.close();
});
let made = 0;

export class FleetOfHosts {
  private readonly hosts: Hosts;
  private readonly quotas: Quota[] = [];
  private readonly delay: Running | null;

  private readonly ownQuota: Quota | null;

  /** `share`: the part of a core that each worker's host has, and, if `isOwnSlow`, the coordinator's, too. */
  constructor(
    readonly network: NetworkKind,
    readonly workers: number,
    share: number,
    isOwnSlow = false,
  ) {
    const prefix = `lockstep-${process.pid}-${made++}`;
    open.add(this);
    this.hosts = new Hosts(network, workers + 1, prefix);
    const controller = findController();
    if (controller === null) throw new Error('there is no control group for the processor');
    for (let i = 0; i < workers; i++) this.quotas.push(new Quota(controller, `${prefix}-${i + 1}`, share));
    this.ownQuota = isOwnSlow ? new Quota(controller, `${prefix}-0`, share) : null;
    const { rttMs } = network;
    const words = [process.execPath, delayProgram, ...[portOfWorkers, this.port, rttMs / 2].map(String)];
    this.delay = rttMs === 0 ? null : new Running({ words: this.hosts.words(0, words) });
  }

  /** The port for the coordinator. */
  get port(): number {
    return this.network.rttMs === 0 ? portOfWorkers : portOfWorkers + 1;
  }

  /** Where workers connect to. */
  get url(): string {
    return `ws://${this.hosts.address(0)}:${portOfWorkers}`;
  }

  /** The address of a worker's host. */
  address(worker: number): string {
    return this.hosts.address(worker + 1);
  }

  /** Runs a command on the coordinator's host. */
  atCoordinator({ words, ...command }: Command): Command {
    const there = this.hosts.words(0, words);
    return { ...command, words: this.ownQuota?.words(there) ?? there };
  }

  /** Runs a command on a worker's host, within its quota. */
  atWorker(worker: number, { words, ...command }: Command): Command {
    return { ...command, words: this.quotas[worker].words(this.hosts.words(worker + 1, words)) };
  }

  /** All processes on the hosts must have ended, or be about to. */
  close(): void {
    if (!open.delete(this)) return;
    this.delay?.kill('SIGKILL');
    this.hosts.remove();
    for (const quota of this.quotas) quota.remove();
    this.ownQuota?.remove();
  }
}
