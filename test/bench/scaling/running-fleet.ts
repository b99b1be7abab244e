/** A coordinator and workers of one thread each on slow hosts. Workers can be added while it trains. */
import { FleetOfHosts } from '../hosts/fleet-of-hosts.js';
import type { NetworkKind } from '../hosts/links.js';
import { lockstep } from '../lockstep.js';
import { type Command, Running } from '../processes.js';

export class RunningFleet {
  private readonly hosts: FleetOfHosts;
  private readonly running: Running[] = [];

  /** If the coordinator is a device like the others, it computes with one thread. */
  constructor(
    network: NetworkKind,
    workersMax: number,
    private readonly isDevice: boolean,
    share: number,
  ) {
    this.hosts = new FleetOfHosts(network, workersMax, share, isDevice);
  }

  get coordinator(): Running {
    return this.running[0];
  }

  /** Resolves when workers can join. Training begins when so many have. */
  async open(words: readonly (string | number)[], workersMin: number): Promise<void> {
    const listening = ['--host', '0.0.0.0', '--open', '--port', this.hosts.port, '--min-workers', workersMin];
    const threads = ['--threads', this.isDevice ? 1 : 0];
    this.start(this.hosts.atCoordinator({ words: lockstep('coordinator', ...listening, ...threads, ...words) }));
    await this.coordinator.prints(/waiting for \d+ worker/);
  }

  /** Resolves when this many workers have joined, or when the run has ended before. */
  async growTo(workers: number): Promise<void> {
    for (let i = this.running.length - 1; i < workers; i++) {
      const name = ['--threads', 1, '--name', `device-${i + 1}`, '--log-format', 'json'];
      this.start(this.hosts.atWorker(i, { words: lockstep('worker', this.hosts.url, ...name) }));
    }
    const joined = this.coordinator.prints(new RegExp(`joined \\(${workers} at work\\)`));
    await Promise.race([joined, this.coordinator.ended]);
    joined.catch(() => {});
  }

  async close(): Promise<void> {
    for (const each of this.running) each.kill('SIGKILL');
    await Promise.all(this.running.map((each) => each.ended));
    this.hosts.close();
  }

  private start(command: Command): void {
    this.running.push(new Running(command));
  }
}
