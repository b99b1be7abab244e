import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { Access } from '../../../coordinator/web/access.js';
import { RunControls } from '../../../coordinator/web/controls.js';
import { Monitor } from '../../../coordinator/web/monitor.js';
import { WebServer } from '../../../coordinator/web/web-server.js';

it('calls no token wrong before it knows the right one', async () => {
  const access = new Access({ isOpen: false, operatorToken: 'operator-token-0123456789', hosts: [] });
  const nowMs = () => performance.now();
  const monitor = new Monitor({ workersMin: 1, clock: Date.now, nowMs });
  const controls = new RunControls(monitor, () => {});
  const web = new WebServer({ access, run: () => monitor.viewed, controls, nowMs });
  const server = createServer((request, response) => web.handle(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/events`;
  const status = async (token: string) => (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;
  expect(await status('member-token-0123456789')).toBe(503);
  access.admit('member-token-0123456789');
  expect(await status('another-token-0123456789')).toBe(401);
  expect(await status('member-token-0123456789')).toBe(503);
  server.closeAllConnections();
  server.close();
});
