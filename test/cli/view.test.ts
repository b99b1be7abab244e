/**
 * Tests `lockstep view` from outside: it shows a run that another process trains and runs that have ended, and it
 * refuses damaged ones.
 */
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { ComparisonState, EvaluationState, RunState } from '../../coordinator/web/state.js';
import { lockstep, lockstepIn, type Running, scratch, smallDataset, summaryOf } from './fixture.js';

const safety = { timeout: 60_000 };

let data: string;
let finished: string;
beforeAll(async () => {
  data = smallDataset();
  finished = await train('finished', '--epochs', 2);
}, safety.timeout);

/** Trains a run to its end. Returns its directory. */
async function train(name: string, ...words: (string | number)[]): Promise<string> {
  const out = join(scratch(), name);
  const { code, stderr } = await lockstep('train', '--data', data, '--out', out, ...words).ended;
  expect(code, stderr).toBe(0);
  return out;
}

/** Starts a view. `get` requests a path of it as JSON. */
async function view(...words: (string | number)[]) {
  const running = lockstep('view', '--port', 0, ...words);
  const [link] = await running.prints(/http:\/\/\S+/);
  const token = link.split('#')[1];
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { port } = new URL(link);
  const get = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
    expect(answer.status).toBe(200);
    return (await answer.json()) as T;
  };
  return { running, link, port, get };
}

async function end(running: Running): Promise<void> {
  running.process.kill('SIGINT');
  const { code, stderr } = await running.ended;
  expect([code, stderr]).toEqual([0, '']);
}

/** Repeats a request until `isWanted` accepts the answer. */
async function until<T>(ask: () => Promise<T>, isWanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('a run that another process trains is followed from its files, to its end', safety, async () => {
  const out = join(scratch(), 'followed');
  const words = ['--data', data, '--epochs', 100_000, '--log-format', 'json', '--out', out];
  const training = lockstep('train', ...words);
  await training.prints(/"epoch":2,/);
  const { running, get } = await view(out);
  const state = () => get<RunState>('/api/state');
  const { step, files } = await until(state, ({ phase }) => phase === 'training');
  expect(files?.writer).toContain(`process ${training.process.pid} on `);
  await until(state, (later) => later.step > step && later.testAccuracy !== null);
  expect((await get<EvaluationState>('/api/evaluation')).samples).toBe(300);

  training.process.kill('SIGINT');
  expect((await training.ended).code).toBe(130);
  const last = await until(state, ({ phase }) => phase === 'interrupted');
  const { weightsSha256, steps } = summaryOf(out);
  expect(last).toMatchObject({ weightsSha256, step: steps, newest: { weights: steps } });

  const resumed = lockstep('train', '--resume', out, '--log-format', 'json');
  await until(state, (again) => again.phase === 'training' && again.step > steps);
  resumed.process.kill('SIGKILL');
  await resumed.ended;
  await until(state, ({ phase }) => phase === 'stale');
  await end(running);
});

test('a finished run is evaluated to what its summary says, and nothing is written into it', safety, async () => {
  const before = contentOf(finished);
  const { running, get, port } = await view(finished);
  const { testAccuracy, weightsSha256, steps } = summaryOf(finished);
  const state = await get<RunState>('/api/state');
  expect(state).toMatchObject({ phase: 'finished', weightsSha256, testAccuracy, newest: { weights: steps } });
  const { correct, samples, step } = await get<EvaluationState>('/api/evaluation');
  expect([correct / samples, step]).toEqual([testAccuracy, steps]);
  const model = await fetch(`http://127.0.0.1:${port}/model.safetensors`);
  expect(Buffer.from(await model.arrayBuffer())).toEqual(readFileSync(join(finished, 'model.safetensors')));
  const metrics = await fetch(`http://127.0.0.1:${port}/metrics.jsonl`);
  expect(await metrics.text()).toBe(readFileSync(join(finished, 'metrics.jsonl'), 'utf8'));
  await end(running);
  expect(contentOf(finished)).toEqual(before);
});

test('several runs are compared, and one that is none is named while the others are shown', safety, async () => {
  const other = await train('other', '--epochs', 2, '--seed', 5, '--lr', 0.05);
  const { running, get } = await view(finished, join(scratch(), 'nowhere'), other);
  const { runs, fields } = await get<ComparisonState>('/api/comparison');
  expect(runs.map(({ name, fault }) => [name, fault === null])).toEqual([
    ['finished', true],
    ['nowhere', false],
    ['other', true],
  ]);
  expect(fields).toEqual([
    { field: 'optimizer.rate', values: ['0.1', null, '0.05'] },
    { field: 'seed', values: ['1', null, '5'] },
  ]);
  expect((await get<RunState>('/runs/2/api/state')).weightsSha256).toBe(summaryOf(other).weightsSha256);
  running.process.kill('SIGTERM');
  const { code, stderr } = await running.ended;
  expect(code).toBe(0);
  expect(stderr).toMatch(/^lockstep: .*nowhere is no run directory: config.json: no such file.*\n$/);
});

test('where the data set is another one, it says so, and shows the rest', safety, async () => {
  const moved = join(scratch(), 'moved');
  cpSync(finished, moved, { recursive: true });
  const config = JSON.parse(readFileSync(join(moved, 'config.json'), 'utf8'));
  config.data = join(scratch(), 'gone');
  writeFileSync(join(moved, 'config.json'), JSON.stringify(config));
  const without = await view(moved);
  const answer = await fetch(`http://127.0.0.1:${without.port}/api/evaluation`);
  expect([answer.status, await answer.json()]).toMatchObject([
    404,
    {
      error: {
        message: expect.stringMatching(/is not on this machine: .*gone: no such.*start `lockstep view` with --data/),
      },
    },
  ]);
  expect(await without.get<RunState>('/api/state')).toMatchObject({
    newest: { evaluation: null },
    evaluationFault: expect.stringContaining('is not on this machine'),
  });
  await end(without.running);
  const given = await view(moved, '--data', data);
  expect((await given.get<EvaluationState>('/api/evaluation')).samples).toBe(300);
  await end(given.running);
});

test('who could be anybody needs a token, which is in the link that it prints', safety, async () => {
  const { running, link, port, get } = await view(finished, '--host', '0.0.0.0');
  expect(link).toMatch(/#[0-9a-f]{32}$/);
  expect((await fetch(`http://127.0.0.1:${port}/api/state`)).status).toBe(401);
  expect(await get<RunState>('/api/state')).toMatchObject({ run: 'finished' });
  await end(running);
});

test('a port that the user did not choose may be taken', safety, async () => {
  const server = createServer().listen(8081, '127.0.0.1');
  server.on('error', () => {});
  await Promise.race([once(server, 'listening'), once(server, 'error')]);
  const running = lockstep('view', finished);
  const [, port] = await running.prints(/http:\/\/127.0.0.1:(\d+)/);
  expect(port).not.toBe('8081');
  await end(running);
  server.close();

  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const refused = await lockstep('view', finished, '--port', (taken.address() as AddressInfo).port).ended;
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^lockstep: .*is in use: .*another --port/);
  taken.close();
});

test.each([
  [[join(scratch(), 'nowhere')], 1, /nowhere is no run directory: config.json: no such file/],
  [[], 1, /there is no run in runs: name one \(lockstep view RUN\)/],
  [Array(25).fill('x'), 2, /one view shows at most 24 runs, and these are 25/],
  [['x', '--port', '99999'], 2, /--port is 99999, but must be a whole number/],
])('view %j fails in a sentence', safety, async (words, exitCode, pattern) => {
  const empty = join(scratch(), 'empty');
  mkdirSync(empty, { recursive: true });
  const { code, stderr } = await lockstepIn(empty, 'view', ...words).ended;
  expect(stderr).toMatch(pattern);
  expect(stderr).toMatch(/^lockstep: /);
  expect(stderr).not.toMatch(/\n\s+at |node:internal/);
  expect(code).toBe(exitCode);
});

test('a damaged configuration is named', safety, async () => {
  const damaged = join(scratch(), 'damaged');
  mkdirSync(damaged);
  writeFileSync(join(damaged, 'config.json'), '{"format": 1}');
  const { code, stderr } = await lockstep('view', damaged).ended;
  expect(stderr).toMatch(/^lockstep: .*damaged\/config.json is not the configuration of a run: /);
  expect(code).toBe(1);
});

/** The paths and contents of all files below a directory. */
function contentOf(directory: string): [string, string][] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8', withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return files.sort().map((path) => [path, readFileSync(path, 'base64')]);
}
