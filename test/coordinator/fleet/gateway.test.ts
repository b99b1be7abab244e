/** Tests over real sockets which workers are admitted, and that a peer that does not read is dropped. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { closeServer, Gateway, listen } from '../../../coordinator/fleet/gateway.js';
import { Access } from '../../../coordinator/web/access.js';
import { Machine } from '../../../shared/compute/machine.js';
import { Fleet } from '../../../shared/fleet/fleet.js';
import { RemoteMember } from '../../../shared/fleet/remote-member.js';
import { rootShard } from '../../../shared/pool/tree.js';
import { decodeFromCoordinator, encodeFrame } from '../../../shared/protocol/codec.js';
import { protocolErrors } from '../../../shared/protocol/errors.js';
import { offer } from '../../../shared/protocol/handshake.js';
import { type FromCoordinator, protocolVersion } from '../../../shared/protocol/messages.js';
import { nodePlatform } from '../../../worker/node-platform.js';

const arithmetic = { specification: 'a-1', knownAnswer: 'b'.repeat(64) };

/** A coordinator whose model has four megabytes of weights. It hands out no work by itself. */
async function largeSite() {
  const platform = nodePlatform();
  const layers = [
    { dense: 4096, activation: 'linear' },
    { dense: 10, activation: 'linear' },
  ] as const;
  const model = { input: [256], layers, loss: 'quadratic' } as const;
  const machine = new Machine(platform, { model, train: 4, test: 4, batch: 4, microBatch: 4, seed: 1 }, 0);
  const data = { name: 'd', shape: [256], classes: 10, train: 4, test: 4, sha256: 'c'.repeat(64) };
  const config = { version: '1', run: 'r', data, arithmetic, heartbeatMs: 1_000 };
  const fleet = new Fleet(config, machine, platform);
  const log: string[] = [];
  const observer = {
    joined: () => log.push('joined'),
    left: (_: unknown, error: string | null) => log.push(error ?? 'left'),
    banned: () => {},
    diverged: () => {},
    countedWrong: () => {},
  };
  const server = await listen('127.0.0.1', 0, (_, response) => response.end());
  const access = new Access({ isOpen: true, operatorToken: 'o'.repeat(32), hosts: [] });
  const gateway = new Gateway(server, access);
  const members: RemoteMember[] = [];
  gateway.open(1 << 20, (connection) => {
    const member = new RemoteMember(fleet, connection, observer, platform.nowMs);
    members.push(member);
    return { receive: (frame) => member.receive(frame), disconnected: () => member.disconnected() };
  });
  return { machine, fleet, server, gateway, log, members };
}

async function end({ gateway, server }: Awaited<ReturnType<typeof largeSite>>): Promise<void> {
  await gateway.close({ type: 'end', reason: 'finished', again: false, message: 'over' }, 100);
  await closeServer(server, 100);
}

/** Opens a socket and sends a hello. Resolves with the answer. Rejects if the socket is closed without an answer. */
async function greet(port: number, name: string): Promise<{ socket: WebSocket; answer: FromCoordinator }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, offer(null));
  const answered = new Promise<FromCoordinator>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (code) => reject(new Error(`the socket was closed with ${code}`)));
    socket.once('message', (data: Buffer) => {
      const decoded = decodeFromCoordinator(data);
      if ('message' in decoded) resolve(decoded.message);
      else reject(new Error(decoded.error.message));
    });
  });
  const hello = { version: '1', name, kind: 'node', threads: 1, arithmetic: arithmetic.specification, kernels: 'k' };
  socket.on('open', () => socket.send(encodeFrame({ type: 'hello', protocol: protocolVersion, ...hello })));
  return { socket, answer: await answered };
}

/** Joins as a member. Any answer other than a welcome is an error. */
async function join({ gateway, log }: Awaited<ReturnType<typeof largeSite>>, name: string): Promise<WebSocket> {
  const { socket, answer } = await greet(gateway.port, name);
  expect(answer.type).toBe('welcome');
  const before = log.length;
  socket.send(encodeFrame({ type: 'ready', knownAnswer: arithmetic.knownAnswer }));
  while (log.length === before) await new Promise((resolve) => setImmediate(resolve));
  expect(log.at(-1)).toBe('joined');
  return socket;
}

test('a worker that does not read is dropped, and costs no more than the limit', { timeout: 60_000 }, async () => {
  const site = await largeSite();
  const { machine, fleet, log } = site;
  const socket = await join(site, 'mute');
  socket.pause();
  const { weights, parameters } = machine.workspace;
  let step = 0;
  for (; step < 200 && log.length === 1; step++) {
    machine.floats(weights, parameters).fill(step);
    const job = machine.pool.run({ work: 'gradient', step, epoch: 0, stepInEpoch: 0 }, rootShard(1), 1, () => {});
    machine.pool.cancel(job);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(log[1]).toMatch(/reads more slowly than the run sends.*bytes are waiting/);
  // The buffers of the operating system contain some bytes as well.
  expect(fleet.traffic.bytesSent).toBeLessThan(2 * fleet.queueBytesMax);
  expect(machine.pool.memberCount).toBe(0);
  socket.terminate();
  await end(site);
});

test('a banned worker is refused on a new socket too; another name from its address is not', async () => {
  const site = await largeSite();
  const liar = await join(site, 'liar');
  const [member] = site.members;
  expect(member.address).toBe('127.0.0.1');
  member.expel('it lied');
  expect(await once(liar, 'close')).toEqual([protocolErrors['bad-result'].closeCode, Buffer.from('bad-result')]);
  const { socket, answer } = await greet(site.gateway.port, 'liar');
  expect(answer).toMatchObject({ type: 'failure', code: 'banned', message: expect.stringContaining('it lied') });
  expect(await once(socket, 'close')).toEqual([4016, Buffer.from('banned')]);
  expect((await join(site, 'somebody else')).readyState).toBe(WebSocket.OPEN);
  await end(site);
});
