/** The disk is cut off at every operation in turn, and loses everything that was not synced. */
import { describe, expect, it } from 'vitest';
import { Checkpoints } from '../../../coordinator/archive/checkpoints.js';
import { codeOf, type Files } from '../../../coordinator/archive/files.js';
import { RunDirectory } from '../../../coordinator/archive/run-directory.js';
import { Cut, MemoryFiles, type Survival, withDirectory } from './memory-files.js';
import { chanceFrom, config, line, model, snapshot, summary, vector } from './samples.js';

const directory = '/run/checkpoints';
const owner = { model, vectors: ['velocity'], configSha256: 'f'.repeat(64) };

/** What happens to unsynced data: all of it is lost, none of it, or a random part. */
const losses: readonly [Survival, number][] = [
  ['nothing', 0],
  ['everything', 0],
  ...Array.from({ length: 14 }, (_, seed): [Survival, number] => ['chance', seed]),
];

/** Saves the steps 1, 2, 3 … until the cut. Returns the last step that was reported as saved. */
async function saveUntilCut(files: Files, steps: number): Promise<number> {
  const checkpoints = new Checkpoints({ ...owner, directory, files });
  for (let step = 1; step <= steps; step++) {
    const saved = await checkpoints.save(snapshot(step, step === 2)).catch(() => null);
    if (saved === null) return step - 1;
  }
  return steps;
}

/**
 * Finds the first crash after which a reported save is missing or damaged, or null if there is none. Also returns the
 * number of crashes that were tried.
 */
async function findLoss(weaken: (files: MemoryFiles) => Files = (files) => files) {
  const steps = 7;
  const whole = withDirectory(directory);
  await saveUntilCut(weaken(whole), steps);
  let crashes = 0;
  for (let cutAt = 0; cutAt <= whole.operations; cutAt++) {
    for (const [survival, seed] of losses) {
      const files = withDirectory(directory);
      files.cutAt = cutAt;
      const reported = await saveUntilCut(weaken(files), steps);
      const warnings: string[] = [];
      const restarted = files.crash(survival, chanceFrom(1000 * cutAt + seed));
      const reopened = new Checkpoints({ ...owner, directory, files: restarted, warn: (text) => warnings.push(text) });
      const newest = await reopened.loadNewest();
      const step = newest?.position.step ?? 0;
      const right = newest === null || Buffer.from(newest.weights.buffer).equals(Buffer.from(vector(step).buffer));
      crashes += 1;
      if (step < reported || !right || warnings.length > 0)
        return { loss: { cutAt, survival, seed, step, reported }, crashes };
    }
  }
  return { loss: null, crashes };
}

describe('a crash during saves', () => {
  it('never costs a checkpoint that was reported as saved, at 1,000 cuts and more', async () => {
    const { loss, crashes } = await findLoss();
    expect(loss).toBeNull();
    expect(crashes).toBeGreaterThan(1000);
  });

  // The next tests check that the test above fails if the code is wrong.
  it('would be noticed if files were not synced', async () => {
    const { loss } = await findLoss((files) => {
      const create = files.create.bind(files);
      files.create = async (path) => ({ ...(await create(path)), sync: async () => {} });
      return files;
    });
    expect(loss).not.toBeNull();
  });

  it('would be noticed if the directory were not synced', async () => {
    const { loss } = await findLoss((files) => {
      files.syncDirectory = async () => {};
      return files;
    });
    expect(loss).not.toBeNull();
  });

  it('would be noticed if files were written in place', async () => {
    const { loss } = await findLoss((files) => {
      const create = files.create.bind(files);
      files.create = (path) => create(path.replace(/\.tmp$/, ''));
      files.rename = async () => {};
      return files;
    });
    expect(loss).not.toBeNull();
  });
});

describe('a crash during a run', () => {
  const steps = 12;

  /** Starts the run or goes on with it, to the end or the cut. Returns what metrics.jsonl says where it went on. */
  async function run(files: MemoryFiles): Promise<void> {
    const { directory: opened, from } = await startOrResume(files);
    for (let step = from + 1; step <= steps; step++) {
      opened.record(line(step));
      if (step % 3 !== 0) continue;
      const { position, weights, vectors, ...standing } = snapshot(step);
      opened.checkpoint(position, weights, vectors, standing);
      await opened.checkpoints.settled();
    }
    await opened.finish(summary, vector(steps));
  }

  async function startOrResume(files: MemoryFiles) {
    try {
      const opened = await RunDirectory.open('/runs/one', { files });
      const from = (await opened.checkpoints.loadNewest())?.position.step ?? 0;
      await opened.resumeMetrics(from);
      expect(loggedSteps(files)).toEqual(upTo(from));
      return { directory: opened, from };
    } catch (error) {
      if (codeOf(error) !== 'run-invalid') throw error;
      return { directory: await RunDirectory.create('/runs/one', config, { files }), from: 0 };
    }
  }

  const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

  function loggedSteps(files: MemoryFiles): number[] {
    const text = Buffer.from(files.content('/runs/one/metrics.jsonl') ?? []).toString();
    return text.split('\n').flatMap((json) => (json === '' ? [] : [JSON.parse(json).step]));
  }

  async function ignoringCut(work: Promise<void>): Promise<void> {
    await work.catch((error: unknown) => {
      if (!(error instanceof Cut) && codeOf(error) !== 'output-unwritable' && codeOf(error) !== 'run-invalid')
        throw error;
    });
  }

  it('leaves metrics with no step twice and none missing, however often it happens', async () => {
    const whole = new MemoryFiles();
    await run(whole);
    expect(loggedSteps(whole)).toEqual(upTo(steps));
    for (let cutAt = 0; cutAt <= whole.operations; cutAt++) {
      for (const [survival, seed] of losses) {
        const chance = chanceFrom(1000 * cutAt + seed);
        let files = new MemoryFiles();
        files.cutAt = cutAt;
        for (let crash = 0; crash < 3; crash++) {
          await ignoringCut(run(files));
          files = files.crash(survival, chance);
          files.cutAt = Math.floor(chance() * whole.operations);
        }
        files.cutAt = Number.POSITIVE_INFINITY;
        await run(files);
        expect(loggedSteps(files), `cut at ${cutAt}, ${survival} ${seed}`).toEqual(upTo(steps));
        expect(files.content('/runs/one/summary.json')).toEqual(whole.content('/runs/one/summary.json'));
        expect(files.content('/runs/one/model.safetensors')).toEqual(whole.content('/runs/one/model.safetensors'));
      }
    }
  });
});
