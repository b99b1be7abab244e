/** Different kernels with the same bits work together. Kernels with other bits are refused. */
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { Summary } from '../../coordinator/archive/config.js';
import { conduct } from '../../coordinator/run/conduct.js';
import { localSite } from '../../coordinator/run/local-site.js';
import { nodeMeans } from '../../coordinator/run/node-means.js';
import type { RunRequest } from '../../coordinator/run/run-request.js';
import type { KernelBackend } from '../../shared/arithmetic/backend.js';
import { arithmetic } from '../../shared/arithmetic/identity.js';
import { joinRun } from '../../worker/library.js';
import { nodePlatform } from '../../worker/node-platform.js';
import { kernelBinary, scalar, webAssembly, webAssemblyOf } from '../shared/arithmetic/backends.js';
import { lockstep, scratch, smallDataset, startCoordinator, summaryOf } from './fixture.js';

const safety = { timeout: 120_000 };

/** The same code with a custom section at its end, which engines ignore: another binary that computes the same bits. */
const note = [...'note'].map((letter) => letter.charCodeAt(0));
const otherBinary = webAssemblyOf(Uint8Array.from([...kernelBinary, 0, 1 + note.length, note.length, ...note]));

let data: string;
let quiet: Summary;
beforeAll(async () => {
  data = smallDataset();
  quiet = await trained(webAssembly, { out: join(scratch(), 'quiet'), maxSteps: 40 });
});

/** Trains in this process, on two threads. */
function trained(backend: KernelBackend, request: RunRequest): Promise<Summary> {
  const platform = { ...nodePlatform(), backend };
  const means = { ...nodeMeans, platform, site: localSite(2), wish: new AbortController().signal, emit: () => {} };
  const settings = request.resume === undefined ? { data, preset: 'sigmoid-16', epochs: 1000 } : {};
  return conduct({ ...settings, ...request }, means);
}

/** A coordinator of the command line, with the kernels of the build. */
function startFleet(out: string) {
  const run = ['--data', data, '--preset', 'sigmoid-16', '--epochs', 1000, '--max-steps', 40];
  return startCoordinator(...run, '--out', join(scratch(), out), '--log-format', 'json');
}

function joinWith(url: string, backend: KernelBackend) {
  return joinRun(url, { threads: 2, name: 'other', platform: { ...nodePlatform(), backend } });
}

test.each([
  ['another binary', otherBinary],
  ['another backend', scalar],
])('%s works for a coordinator, and the log says what computes', safety, async (name, backend) => {
  expect(backend.description).not.toBe(webAssembly.description);
  const { coordinator, url } = await startFleet(name);
  expect(await joinWith(url, backend)).toMatchObject({ ok: true });
  const { code, stdout } = await coordinator.ended;
  expect(code).toBe(0);
  expect(stdout).toContain(`"kernels":"${backend.description}"`);
  const { weightsSha256, arithmetic: recorded } = summaryOf(join(scratch(), name));
  expect({ weightsSha256, recorded }).toEqual({ weightsSha256: quiet.weightsSha256, recorded: arithmetic });
});

test('each resumes what the others began', safety, async () => {
  const out = join(scratch(), 'passed-on');
  await trained(scalar, { out, maxSteps: 10 });
  await trained(otherBinary, { resume: out, maxSteps: 20 });
  await trained(webAssembly, { resume: out, maxSteps: 30 });
  const { weightsSha256, resumedAtStep } = await trained(scalar, { resume: out, maxSteps: 40 });
  expect({ weightsSha256, resumedAtStep }).toEqual({ weightsSha256: quiet.weightsSha256, resumedAtStep: 30 });
});

/** The kernels of the build, with an exp whose last bit is wrong. */
const wrong: KernelBackend = {
  ...webAssembly,
  createMemory(bytes, shared) {
    const memory = webAssembly.createMemory(bytes, shared);
    const exp = (x: number, y: number, floats: number) => {
      memory.kernels.exp(x, y, floats);
      new Uint32Array(memory.buffer, y, 1)[0] ^= 1;
    };
    return { ...memory, buffer: memory.buffer, kernels: { ...memory.kernels, exp } };
  },
};

test('kernels that compute wrongly are not let in, and say what is wrong', safety, async () => {
  const { coordinator, url } = await startFleet('wrong');
  const { ok, message, shards } = await joinWith(url, wrong);
  expect({ ok, shards }).toEqual({ ok: false, shards: 0 });
  expect(message).toMatch(/kernels of this machine \(webassembly [0-9a-f]{12}\) compute wrongly: functions/);
  const worker = lockstep('worker', url, '--threads', 1);
  expect(await coordinator.ended).toMatchObject({ code: 0 });
  expect(await worker.ended).toMatchObject({ code: 0 });
  expect(summaryOf(join(scratch(), 'wrong')).weightsSha256).toBe(quiet.weightsSha256);
});
