/** Real sockets: a peer that does not read is dropped before the memory that it costs grows. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { closeServer, Gateway, listen } from '../../../coordinator/fleet/gateway.js';
import { Access } from '../../../coordinator/web/access.js';
import { Machine } from '../../../shared/compute/machine.js';
import { Fleet } from '../../../shared/fleet/fleet.js';
import { RemoteMember } from '../../../shared/fleet/remote-member.js';
import { rootShard } from '../../../shared/pool/tree.js';
import { encodeFrame } from '../../../shared/protocol/codec.js';
import { offer } from '../../../shared/protocol/handshake.js';
import { protocolVersion } from '../../../shared/protocol/messages.js';
import { nodePlatform } from '../../../worker/node-platform.js';

const arithmetic = { specification: 'a-1', knownAnswer: 'b'.repeat(64) };

/** A coordinator of a model with four megabytes of weights, that hands out nothing of itself. */
async function largeSite() {
  const platform = nodePlatform();
  const model = { input: [256], layers: [{ dense: 4096, activation: 'linear' }], loss: 'quadratic' } as const;
  const machine = new Machine(platform, { model, train: 4, test: 4, batch: 4, microBatch: 4, seed: 1 }, 0);
  const data = { name: 'd', shape: [256], classes: 10, train: 4, test: 4, sha256: 'c'.repeat(64) };
  const config = { version: '1', run: 'r', data, arithmetic, heartbeatMs: 1_000 };
  const fleet = new Fleet(config, machine, platform);
  const log: string[] = [];
  const observer = {
    joined: () => log.push('joined'),
    left: (_: unknown, error: string | null) => log.push(error ?? 'left'),
    diverged: () => {},
    countedWrong: () => {},
  };
  const server = await listen('127.0.0.1', 0, (_, response) => response.end());
  const access = new Access({ isOpen: true, operatorToken: 'o'.repeat(32), hosts: [] });
  const gateway = new Gateway(server, access);
  gateway.open(1 << 20, (connection) => {
    const member = new RemoteMember(fleet, connection, observer, platform.nowMs);
    return { receive: (frame) => member.receive(frame), disconnected: () => member.disconnected() };
  });
  return { machine, fleet, server, gateway, log };
}

async function joined(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, offer(null));
  socket.on('error', () => {});
  await once(socket, 'open');
  const hello = {
    version: '1',
    name: 'mute',
    kind: 'node',
    threads: 1,
    arithmetic: arithmetic.specification,
    kernels: 'k',
  } as const;
  socket.send(encodeFrame({ type: 'hello', protocol: protocolVersion, ...hello }));
  await once(socket, 'message');
  socket.send(encodeFrame({ type: 'ready', knownAnswer: arithmetic.knownAnswer }));
  return socket;
}

test('a worker that does not read is dropped, and costs no more than the limit', { timeout: 60_000 }, async () => {
  const { machine, fleet, server, gateway, log } = await largeSite();
  const socket = await joined(gateway.port);
  socket.pause();
  while (log.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const { weights, parameters } = machine.workspace;
  let step = 0;
  for (; step < 200 && log.length === 1; step++) {
    machine.floats(weights, parameters).fill(step);
    const job = machine.pool.run({ work: 'gradient', step, epoch: 0, stepInEpoch: 0 }, rootShard(1), 1, () => {});
    machine.pool.cancel(job);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(log[1]).toMatch(/reads more slowly than the run sends.*bytes are waiting/);
  // A little lies in the system's own buffers.
  expect(fleet.traffic.bytesSent).toBeLessThan(2 * fleet.queueBytesMax);
  expect(machine.pool.memberCount).toBe(0);
  socket.terminate();
  await gateway.close({ type: 'end', reason: 'finished', again: false, message: 'over' }, 100);
  await closeServer(server, 100);
});
