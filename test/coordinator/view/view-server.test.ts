/** Tests views over real HTTP: a single run at the root, several runs with a comparison, and the access to them. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openViews, serveViews } from '../../../coordinator/view/open-views.js';
import { Access } from '../../../coordinator/web/access.js';
import type { ComparisonState, RunState } from '../../../coordinator/web/state.js';
import { directory, processes, WrittenRun } from './fixture.js';

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

const token = 'token-of-the-viewers-0123456789';

/** Serves views of these paths. Returns a function that sends a request to the server. */
async function serve(paths: readonly string[], isOpen = true) {
  const files = new WrittenRun();
  files.putSteps(1, 6, (step) => (step === 5 ? { testLoss: 0.5, testAccuracy: 0.8 } : {}));
  await files.putCheckpoint(5);
  const evaluation = { set: 'test' as const, step: 5, samples: 10, correct: 9, confusion: [], misclassified: [] };
  const config = { evaluator: { evaluate: async () => evaluation }, data: null, clock: () => 0 };
  const views = await openViews(paths, files, processes, config);
  const access = new Access({ isOpen, operatorToken: 'nobody-knows-this-one-0123456789', hosts: [] });
  if (!isOpen) access.admit(token);
  const served = serveViews(views, access, () => performance.now());
  const server = createServer(served.handle).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return (path: string, init: RequestInit = {}) => fetch(url + path, { redirect: 'manual', ...init });
}

type Ask = Awaited<ReturnType<typeof serve>>;

describe('a view of one run', () => {
  let ask: Ask;
  beforeAll(async () => {
    ask = await serve([directory]);
  });

  it('is where a coordinator has its dashboard', async () => {
    const page = await ask('/');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).toContain('<title>Lockstep</title>');
    const state = (await (await ask('/api/state')).json()) as RunState;
    expect(state).toMatchObject({ run: 'one', phase: 'stale', step: 6, files: { path: directory, runs: 1 } });
  });

  it('has weights, model and evaluation of the newest checkpoint', async () => {
    const [weights, model, evaluation] = await Promise.all(
      ['/api/weights', '/model.safetensors', '/api/evaluation'].map((path) => ask(path)),
    );
    const etags = [weights, model, evaluation].map(({ headers }) => headers.get('etag'));
    expect(etags).toEqual([
      expect.stringMatching(/^"weights-[0-9a-f]{16}-5"$/),
      expect.stringMatching(/^"model-[0-9a-f]{16}-5"$/),
      expect.stringMatching(/^"evaluation-[0-9a-f]{16}-5"$/),
    ]);
    expect(model.headers.get('content-disposition')).toContain('one-step-5.safetensors');
    expect(await evaluation.json()).toMatchObject({ step: 5, correct: 9 });
    expect((await ask('/api/weights', { headers: { 'if-none-match': etags[0]! } })).status).toBe(304);
  });

  it('streams the state', async () => {
    const stream = await ask('/api/events');
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    const { value } = await reader.read();
    expect(value).toMatch(/^data: \{.*"complete":true.*\}\n\n$/);
    await reader.cancel();
  });

  it('has nothing to join and nothing to control', async () => {
    expect((await ask('/join')).status).toBe(404);
    for (const action of ['pause', 'stop']) {
      const answer = await ask(`/api/control/${action}`, { method: 'POST' });
      expect([answer.status, await answer.json()]).toEqual([
        404,
        { error: { code: 'not-found', message: 'this shows the files of a run, and cannot control it' } },
      ]);
    }
  });

  it('says in numbers for Prometheus that nobody works on the run', async () => {
    expect(await (await ask('/metrics')).text()).toMatch(/^lockstep_phase\{phase="stale"\} 1$/m);
  });
});

it('a view has what the page about HTTP says that it has', async () => {
  const ask = await serve([directory]);
  const page = readFileSync(new URL('../../../../coordinator/web/README.md', import.meta.url), 'utf8');
  const rows = page.match(/^\| (`\/|`POST).*/gm)!.map((row) => row.split('|').map((cell) => cell.trim()));
  expect(rows.length).toBeGreaterThan(9);
  for (const [, paths, , , isThere] of rows) {
    for (const path of paths.match(/(?<=[` ])\/[^`]*/g)!) {
      // The server reads it from the disk, but these files are in memory. test/cli/view.test.ts requests it.
      if (path === '/metrics.jsonl') continue;
      const method = paths.includes('POST') ? 'POST' : 'GET';
      const answer = await ask(path, { method });
      expect([path, answer.status]).toEqual([path, isThere === 'yes' ? 200 : 404]);
      await answer.body?.cancel();
    }
  }
});

describe('a view of several runs', () => {
  let ask: Ask;
  beforeAll(async () => {
    ask = await serve([directory, '/runs/none', directory]);
  });

  it('compares them, also with one that cannot be shown, and sends nothing twice', async () => {
    expect(await (await ask('/')).text()).toContain('<title>Runs · Lockstep</title>');
    const answer = await ask('/api/comparison');
    const { runs, fields } = (await answer.json()) as ComparisonState;
    expect(runs.map(({ fault }) => fault)).toEqual([null, expect.stringContaining('/runs/none is no run'), null]);
    expect(runs[0].result?.curve).toMatchObject([{ step: 5, testAccuracy: 0.8 }]);
    expect(fields).toEqual([]);
    const headers = { 'if-none-match': answer.headers.get('etag')! };
    expect((await ask('/api/comparison', { headers })).status).toBe(304);
  });

  it('has the dashboard of each, with all that it loads', async () => {
    const moved = await ask('/runs/2');
    expect([moved.status, moved.headers.get('location')]).toEqual([308, '/runs/2/']);
    expect(await (await ask('/runs/2/')).text()).toContain('<title>Lockstep</title>');
    for (const path of ['dashboard.js', 'theme.css', 'kernels.wasm', 'api/weights', 'api/evaluation']) {
      expect((await ask(`/runs/2/${path}`)).status).toBe(200);
    }
    const state = (await (await ask('/runs/2/api/state')).json()) as RunState;
    expect(state.files).toMatchObject({ runs: 3 });
  });

  it.each(['/runs/1/', '/runs/3/', '/runs/99999/', '/runs/x/', '/nothing', '/runs/0/nothing', '/join', '/runs/0/join'])(
    'has nothing at %s',
    async (path) => expect((await ask(path)).status).toBe(404),
  );

  it('takes no requests but to read', async () => {
    for (const path of ['/', '/api/comparison', '/runs/0/api/state']) {
      expect((await ask(path, { method: 'POST' })).status).toBe(405);
    }
    expect(await (await ask('/healthz')).text()).toBe('ok\n');
  });

  it('shows nothing to the page of another site', async () => {
    for (const path of ['/', '/api/comparison', '/runs/0/', '/runs/0/api/state']) {
      expect((await ask(path, { headers: { origin: 'http://evil.example' } })).status).toBe(403);
    }
  });
});

it('a view with a token asks everybody for it, but for the pages', async () => {
  for (const paths of [[directory], [directory, directory]]) {
    const ask = await serve(paths, false);
    const data = paths.length === 1 ? ['/api/state', '/api/weights'] : ['/api/comparison', '/runs/0/api/state'];
    expect((await ask('/')).status).toBe(200);
    for (const path of data) {
      const refused = await ask(path);
      expect([refused.status, await refused.json()]).toMatchObject([401, { error: { code: 'token-wrong' } }]);
      expect((await ask(path, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
    }
  }
});

it('is refused where no path is a run, with a sentence for each', async () => {
  await expect(serve(['/runs/none', '/runs/nor-this'])).rejects.toMatchObject({
    code: 'run-invalid',
    message: expect.stringMatching(/^\/runs\/none is no run directory.*\n\/runs\/nor-this is no run directory/),
  });
});
