/** Tests a coordinator's HTTP server from outside: pages, API, controls, and the requests that it refuses. */
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { EvaluationState, RunState } from '../../coordinator/web/state.js';
import { limits } from '../../shared/limits.js';
import { parseFragment } from '../../shared/protocol/handshake.js';
import { lockstep, type Running, scratch, smallDataset, startCoordinator, summaryOf } from './fixture.js';

const safety = { timeout: 60_000 };

const webSocket =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==';

let data: string;
let run: string;
let coordinator: Running;
let port: number;
let operatorToken: string;

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Sends a request on its own connection, so that an answer that closes the connection disturbs no other request. */
async function ask(path: string, options: { method?: string; headers?: object; body?: string } = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = options;
  const asked = request({ port, path, method, headers: { ...headers }, agent: new Agent() });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}

async function json<T>(path: string): Promise<T> {
  return JSON.parse((await ask(path)).body.toString());
}

const state = () => json<RunState>('/api/state');

async function control(action: string, body?: object, token = operatorToken): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  const { status } = await ask(`/api/control/${action}`, { method: 'POST', headers, body: JSON.stringify(body ?? {}) });
  return status;
}

async function until(holds: (state: RunState) => boolean): Promise<RunState> {
  for (;;) {
    const now = await state();
    if (holds(now)) return now;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

beforeAll(async () => {
  data = smallDataset();
  run = join(scratch(), 'watched');
  const started = await startCoordinator('--data', data, '--epochs', 40, '--out', run, '--stay');
  coordinator = started.coordinator;
  port = Number(new URL(started.url).port);
  operatorToken = parseFragment(/#\S+/.exec(readFileSync(join(run, 'links'), 'utf8'))?.[0] ?? '').operatorToken ?? '';
});

describe('before the first step', () => {
  test('health is open, the state says that it waits', safety, async () => {
    expect((await ask('/healthz')).body.toString()).toBe('ok\n');
    const now = await state();
    expect(now).toMatchObject({ phase: 'waiting', step: 0, workers: [], complete: true, weightsSha256: null });
    expect(now.join?.url).toBe(`http://127.0.0.1:${port}/join`);
    expect((await ask('/api/evaluation')).status).toBe(404);
  });

  test('the file with the operator’s link is its owner’s alone', () => {
    expect(operatorToken).toMatch(/^[0-9a-f]{32}$/);
    expect(statSync(join(run, 'links')).mode & 0o777).toBe(0o600);
  });

  test('only known paths and methods are answered', safety, async () => {
    expect((await ask('/nowhere')).status).toBe(404);
    expect((await ask('/../package.json')).status).toBe(404);
    expect((await ask('/healthz', { method: 'DELETE' })).status).toBe(405);
    expect((await ask('/api/state', { method: 'POST', body: '{}' })).status).toBe(405);
    expect((await ask('/api/control/pause')).status).toBe(405);
  });

  test('a name or a page that is not ours is refused, on every path that tells something', safety, async () => {
    for (const path of ['/api/state', '/api/weights', '/metrics', '/model.safetensors', '/metrics.jsonl']) {
      expect((await ask(path, { headers: { host: 'evil.example' } })).status).toBe(403);
      expect((await ask(path, { headers: { origin: 'http://evil.example' } })).status).toBe(403);
    }
  });

  test('nobody controls it without the operator’s token', safety, async () => {
    for (const action of ['pause', 'resume', 'checkpoint', 'stop', 'drop']) {
      expect(await control(action, {}, 'wrong')).toBe(403);
    }
    expect(await control('explode')).toBe(404);
    expect(await control('drop', { member: 'x' })).toBe(400);
    expect(await control('drop', { member: 77 })).toBe(404);
  });

  test('a body or a header that is too long ends the request, not the coordinator', safety, async () => {
    const headers = { authorization: `Bearer ${operatorToken}` };
    const long = 'x'.repeat(limits.requestBodyBytesMax + 1);
    expect((await ask('/api/control/pause', { method: 'POST', headers, body: long })).status).toBe(413);
    expect((await ask('/', { headers: { x: 'x'.repeat(limits.requestHeaderBytesMax) } })).status).toBe(431);
  });

  test.each([
    'GET / HTTP/9.9\r\n\r\n',
    '\0\0\0\0',
    'GET / HTTP/1.1\r\n\r\n',
    'GET /%E0%A4%A HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET constructor HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET http://evil.example/api/state HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: localhost;script-src *\r\n\r\n',
    'TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'POST /api/control/drop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n${webSocket}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n${webSocket}\r\n\r\n`,
  ])('a request such as %j is answered with a refusal', safety, async (text) => {
    const socket = connect(port, '127.0.0.1').setEncoding('utf8');
    socket.write(text);
    let answer = '';
    for await (const chunk of socket) {
      answer += chunk;
      // The server may keep the connection of an accepted request open, so the loop would not end by itself.
      if (/^HTTP\/1.1 [^4]/.test(answer)) break;
    }
    expect(answer).toMatch(/^HTTP\/1.1 4\d\d/);
  });
});

describe('a run that is watched', () => {
  test('is paused, goes on without a worker that was dropped, and ends with the same weights', safety, async () => {
    const alone = join(scratch(), 'alone');
    const quiet = await lockstep('train', '--data', data, '--epochs', 40, '--out', alone, '--workers', 1).ended;
    expect(quiet).toMatchObject({ code: 0, stderr: '' });
    expect(await control('pause')).toBe(200);
    const url = `ws://127.0.0.1:${port}`;
    const [staying, leaving] = ['staying', 'leaving'].map((name) =>
      lockstep('worker', url, '--threads', 1, '--name', name),
    );
    const paused = await until(({ phase, workersTotal }) => phase === 'paused' && workersTotal === 2);
    expect(paused.step).toBe(0);
    expect(await control('resume')).toBe(200);
    await until(({ step }) => step > 10);
    expect(await control('pause')).toBe(200);
    const { step, workers } = await until(({ phase }) => phase === 'paused');
    const member = workers.find(({ name }) => name === 'leaving')?.member;
    expect(await control('drop', { member })).toBe(200);
    expect((await leaving.ended).stdout).toContain('the operator dropped this worker');
    const again = await lockstep('worker', url, '--threads', 1, '--name', 'leaving').ended;
    expect(again.code).toBe(1);
    expect(again.stdout + again.stderr).toMatch(
      /does not admit this worker any more.*the operator dropped this worker/,
    );
    const { workersTotal, step: later } = await state();
    expect([workersTotal, later]).toEqual([1, step]);
    expect(await control('checkpoint')).toBe(200);
    expect(await control('resume')).toBe(200);
    const end = await until(({ phase }) => phase === 'finished');
    await staying.ended;
    expect(end.weightsSha256).toBe(summaryOf(alone).weightsSha256);
    expect(end.events.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['joined', 'left', 'paused', 'resumed', 'started', 'evaluated', 'checkpoint', 'ended']),
    );
    expect(end.curve.at(-1)).toMatchObject({ step: end.step, testAccuracy: expect.any(Number) });
  });

  test('can be read when it is over: weights, model, metrics, what was misclassified', safety, async () => {
    const { step, model, dataset, testAccuracy } = await state();
    const { body: weights, headers } = await ask('/api/weights');
    expect(weights.readUInt32LE(0)).toBe(step);
    expect(weights.length).toBe(8 + 4 * weights.readUInt32LE(4));
    expect((await ask('/api/weights', { headers: { 'if-none-match': String(headers.etag) } })).status).toBe(304);
    const file = await ask('/model.safetensors');
    expect(file.body.equals(readFileSync(join(run, 'model.safetensors')))).toBe(true);
    expect(file.headers['content-disposition']).toBe(`attachment; filename="watched-step-${step}.safetensors"`);
    expect((await ask('/metrics.jsonl')).body.equals(readFileSync(join(run, 'metrics.jsonl')))).toBe(true);
    const evaluation = await json<EvaluationState>('/api/evaluation');
    expect(evaluation.correct / evaluation.samples).toBe(testAccuracy);
    expect(evaluation.confusion.flat().reduce((sum, x) => sum + x)).toBe(dataset.test);
    expect(evaluation.confusion.reduce((sum, row, label) => sum + row[label], 0)).toBe(evaluation.correct);
    for (const { pixels, label, predicted } of evaluation.misclassified) {
      expect(Buffer.from(pixels, 'base64').length).toBe(model.input.reduce((product, x) => product * x, 1));
      expect(label).not.toBe(predicted);
    }
  });

  test('is in numbers for Prometheus', safety, async () => {
    const { body, headers } = await ask('/metrics');
    expect(headers['content-type']).toMatch(/^text\/plain; version=0.0.4/);
    expect(body.toString()).toMatch(/^lockstep_steps_total \d+$/m);
    expect(body.toString()).toMatch(/^lockstep_phase\{phase="finished"\} 1$/m);
    expect(body.toString()).toMatch(/^process_resident_memory_bytes \d+$/m);
  });

  test('refuses controls when it is over, and tells a late worker so', safety, async () => {
    expect(await control('pause')).toBe(409);
    const late = await lockstep('worker', `ws://127.0.0.1:${port}`, '--threads', 1).ended;
    expect(late.stdout).toContain('the run is finished');
    expect(late.code).toBe(0);
  });

  test('says everything once to a viewer, then only what is new', safety, async () => {
    const asked = request({ port, path: '/api/events', agent: new Agent() }).end();
    const [stream] = (await once(asked, 'response')) as [IncomingMessage];
    expect(stream.headers['content-type']).toMatch(/^text\/event-stream/);
    const [first] = await once(stream.setEncoding('utf8'), 'data');
    expect(first).toMatch(/^data: \{.*"complete":true.*\}\n\n$/);
    asked.destroy();
  });

  test('ends with the first signal; neither token is in its log', safety, async () => {
    coordinator.process.kill('SIGINT');
    const { code, stdout, stderr } = await coordinator.ended;
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain(operatorToken);
  });
});

test('with a token, everything but health and pages asks for it, under whatever name', safety, async () => {
  const out = join(scratch(), 'closed');
  const serving = ['--threads', 0, '--host', '0.0.0.0', '--port', 0];
  const closed = lockstep('coordinator', ...serving, '--data', data, '--out', out);
  const [line] = await closed.prints(/\{[^\n]*waiting for[^\n]*\}/);
  ({ port } = JSON.parse(line));
  const command = readFileSync(join(out, 'join-command'), 'utf8');
  const token = /#([0-9a-f]{32})'\n$/.exec(command)?.[1] ?? '';
  expect((await ask('/healthz')).status).toBe(200);
  for (const path of [
    '/api/state',
    '/api/events',
    '/api/weights',
    '/api/evaluation',
    '/metrics',
    '/model.safetensors',
  ]) {
    expect((await ask(path)).status).toBe(401);
    expect((await ask(path, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
    expect((await ask(`${path}?token=${token}`)).status).toBe(401);
  }
  const headers = { authorization: `Bearer ${token}`, host: 'coordinator.internal' };
  expect((await ask('/api/state', { headers })).status).toBe(200);
  expect((await ask('/api/control/stop', { method: 'POST', headers })).status).toBe(403);
  closed.process.kill('SIGINT');
  const { stdout, stderr } = await closed.ended;
  expect(stdout + stderr).not.toContain(token);
});

test('a run that goes on shows its course from the beginning', safety, async () => {
  const out = join(scratch(), 'resumed');
  await lockstep('train', '--data', data, '--max-steps', 10, '--out', out).ended;
  const resumed = lockstep('coordinator', '--threads', 0, '--resume', out, '--max-steps', 20, '--port', 0);
  const [, address] = await resumed.prints(/lockstep worker ws:\/\/[\d.]+:(\d+)/);
  port = Number(address);
  const { phase, step, stepsPlanned, curve, weightsSha256 } = await state();
  expect({ phase, step, stepsPlanned }).toEqual({ phase: 'waiting', step: 10, stepsPlanned: 20 });
  expect(curve.map((point) => point.step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(curve.at(-1)?.testAccuracy).toBeGreaterThan(0);
  expect(weightsSha256).toMatch(/^[0-9a-f]{64}$/);
  resumed.process.kill('SIGINT');
  await resumed.ended;
});
