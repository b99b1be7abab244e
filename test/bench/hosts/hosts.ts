/**
 * Hosts on one machine: each is a network namespace with one cable to a switch, which is a bridge in a namespace of its own.
 * The network of the machine itself is not touched. Needs root. Everything goes when the process ends, also by Ctrl-C.
 */
import { spawnSync } from 'node:child_process';
import { type NetworkKind, shaping } from './links.js';
import { findController } from './quota.js';

const cable = 'eth0';

/** The reason why this machine cannot make slow hosts, or null. */
export function whyNoHosts(): string | null {
  if (process.getuid?.() !== 0) return 'slow hosts need root: network namespaces and control groups';
  if (findController() === null) return 'there is no control group for the processor that can be written to';
  const missing = ['ip', 'tc'].find((name) => spawnSync(name, ['-V']).status !== 0);
  if (missing !== undefined) return `the command ${missing} is missing (Debian: iproute2)`;
  const probe = `lockstep-${process.pid}-probe`;
  const isAllowed = spawnSync('ip', ['netns', 'add', probe]).status === 0;
  spawnSync('ip', ['netns', 'delete', probe]);
  return isAllowed ? null : 'this system allows no network namespaces';
}

export class Hosts {
  private readonly names: string[] = [];

  /** The first host has the coordinator. All others have the links of workers. */
  constructor(
    { workerMbps, coordinatorMbps }: NetworkKind,
    count: number,
    private readonly prefix: string,
  ) {
    this.add('switch');
    ip('-n', this.named('switch'), 'link', 'add', 'bridge', 'type', 'bridge');
    ip('-n', this.named('switch'), 'link', 'set', 'bridge', 'up');
    for (let host = 0; host < count; host++) this.plugIn(host, host === 0 ? coordinatorMbps : workerMbps);
  }

  /** The address of a host. */
  address(host: number): string {
    return `10.78.0.${host + 1}`;
  }

  /** The command that runs these words on a host. */
  words(host: number, words: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.named(String(host)), ...words];
  }

  /** Their processes must have been killed. */
  remove(): void {
    for (const name of this.names.splice(0)) spawnSync('ip', ['netns', 'delete', name]);
  }

  private plugIn(host: number, mbps: number): void {
    const [name, hub, port] = [this.named(String(host)), this.named('switch'), `port${host}`];
    this.add(String(host));
    ip('-n', hub, 'link', 'add', port, 'type', 'veth', 'peer', 'name', cable, 'netns', name);
    ip('-n', hub, 'link', 'set', port, 'master', 'bridge', 'up');
    ip('-n', name, 'address', 'add', `${this.address(host)}/24`, 'dev', cable);
    ip('-n', name, 'link', 'set', cable, 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    if (mbps === 0) return;
    // What leaves the host is limited at the host's end of the cable, what arrives at the other end.
    for (const [where, device] of [
      [name, cable],
      [hub, port],
    ]) {
      const words = shaping(device, mbps);
      ip('-n', where, ...words.ip);
      check('tc', ['-n', where, ...words.tc]);
    }
  }

  private add(name: string): void {
    ip('netns', 'add', this.named(name));
    this.names.push(this.named(name));
  }

  private named(name: string): string {
    return `${this.prefix}-${name}`;
  }
}

function ip(...words: string[]): void {
  check('ip', words);
}

function check(program: string, words: readonly string[]): void {
  const { status, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${stderr.trim()}`);
}
