/** Tests the slow hosts of the benchmark: their quota and links, and that nothing of them stays behind. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { run } from '../processes.js';
import { delayingServer } from './delay.js';
import { FleetOfHosts } from './fleet-of-hosts.js';
import { whyNoHosts } from './hosts.js';
import { eachOf, far, fast, shaping } from './links.js';
import { findController, Quota } from './quota.js';

const scratch = mkdtempSync(join(tmpdir(), 'lockstep-hosts-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** A directory that looks like one of control groups. */
function controlGroups(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(scratch, name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(root, file, '..'), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return root;
}

test('both versions of control groups are known; others cannot be used', () => {
  const first = controlGroups('first', { 'cpu/cgroup.procs': '' });
  const second = controlGroups('second', { 'cgroup.subtree_control': 'cpuset cpu io\n' });
  const without = controlGroups('without', { 'cgroup.subtree_control': 'cpuset io\n' });
  expect(findController(first)?.directory).toBe(join(first, 'cpu'));
  expect(findController(first)?.settings(0.15)).toEqual([
    ['cpu.cfs_period_us', '100000'],
    ['cpu.cfs_quota_us', '15000'],
  ]);
  expect(findController(second)).toMatchObject({ directory: second });
  expect(findController(second)?.settings(0.5)).toEqual([['cpu.max', '50000 100000']]);
  expect(findController(without)).toBeNull();
});

test('a program enters its group before it starts, with its own words', async () => {
  const root = controlGroups('entered', { 'cpu/cgroup.procs': '' });
  const quota = new Quota(findController(root)!, 'slow', 0.25);
  expect(readFileSync(join(root, 'cpu/slow/cpu.cfs_quota_us'), 'utf8')).toBe('25000');
  const { stdout } = await run({ words: quota.words(['echo', 'two words', '$HOME']) });
  expect(stdout).toBe('two words $HOME\n');
  expect(readFileSync(join(root, 'cpu/slow/cgroup.procs'), 'utf8')).toBe('0\n');
});

test('a bucket holds the largest packet, or none of them would pass', () => {
  const { ip, tc } = shaping('eth0', 20);
  expect(tc).toContain('20mbit');
  expect(Number(tc[tc.indexOf('burst') + 1])).toBeGreaterThanOrEqual(Number(ip.at(-1)));
  expect(eachOf(fast)).toMatchObject({ workerMbps: 100, coordinatorMbps: 100, name: '100 Mbit/s each' });
});

test('a delayed connection carries all bytes in order, in both directions, to its end', async () => {
  const echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(0);
  await once(echo, 'listening');
  const server = delayingServer(0, (echo.address() as AddressInfo).port, 2);
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port);
  const sent = Buffer.from(Array.from({ length: 6_000_000 }, (_, i) => (i * 7919) >> 8));
  socket.end(sent);
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  expect(Buffer.concat(pieces).equals(sent)).toBe(true);
  server.close();
  echo.close();
});

const why = whyNoHosts();
test.skipIf(why !== null)(
  `a worker runs on its host, within its quota, and nothing stays behind (${why ?? ''})`,
  async () => {
    const fleet = new FleetOfHosts(far, 2, 0.5);
    const program = `console.log(require('os').networkInterfaces().eth0[0].address, require('fs').readFileSync('/proc/self/cgroup', 'utf8'))`;
    const { stdout } = await run(fleet.atWorker(1, { words: [process.execPath, '-e', program] }));
    expect(stdout).toContain(fleet.address(1));
    const [name] = stdout.match(/lockstep-\d+-\d+-2/) ?? [''];
    expect(name).not.toBe('');
    fleet.close();
    expect(spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout).not.toContain(name.slice(0, -1));
    expect(existsSync(join(findController()!.directory, name))).toBe(false);
  },
);
