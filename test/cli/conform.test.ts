/** Runs `lockstep conform` and `lockstep worker` as two processes that talk over a real socket. */
import { expect, test } from 'vitest';
import { lockstep } from './fixture.js';

const token = '0123456789abcdef';

test('our own worker conforms, and needs the token that was asked for', async () => {
  const tool = lockstep('conform', `ws://127.0.0.1:0/#${token}`);
  const [, url] = await tool.prints(/lockstep worker '(ws:\/\/[\d.:]+\/)#0123456789abcdef'/);
  const stranger = await lockstep('worker', url, '--threads', 1).ended;
  expect(stranger.code).toBe(1);
  expect(stranger.stdout).toContain('asks for a token');
  const worker = lockstep('worker', `${url}#${token}`, '--threads', 2, '--name', 'ours');
  const { code, stdout } = await tool.ended;
  expect(stdout).not.toContain('WRONG');
  expect(stdout).toContain('worker "ours": node');
  expect(stdout).toMatch(/The worker conforms: \d+ checks passed\.\n$/);
  expect(code).toBe(0);
  expect((await worker.ended).code).toBe(0);
});

test('no worker is a failure, with a sentence', async () => {
  const { code, stdout } = await lockstep('conform', '--port', 0, '--wait', 1).ended;
  expect(stdout).toContain('waited 1 s for a worker to connect, and none came');
  expect(stdout).toContain('The worker does not conform');
  expect(code).toBe(1);
});

test('an address that nobody can listen on is wrong usage', async () => {
  const { code, stderr } = await lockstep('conform', 'https://example.org/').ended;
  expect(stderr).toContain('https://example.org/ is no address to listen on: use ws://HOST:PORT');
  expect(code).toBe(2);
});
