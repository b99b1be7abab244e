/** Tests a run from beginning to end: what it reports, and that every kind of end closes all of its parts. */
import { describe, expect, test } from 'vitest';
import { FleetSite } from '../../../coordinator/fleet/site.js';
import { localSite } from '../../../coordinator/run/local-site.js';
import type { RunRequest } from '../../../coordinator/run/run-request.js';
import type { Site, SitePlan, SiteRun } from '../../../coordinator/run/site.js';
import { LockstepError } from '../../../shared/errors.js';
import { limits } from '../../../shared/limits.js';
import { nodePlatform } from '../../../worker/node-platform.js';
import { fault } from '../archive/memory-files.js';
import { dataset, SmallRun } from './small-run.js';

/** The files that every run leaves, however it ended. There is no lock, and no half-written file. */
const whole = ['checkpoints', 'config.json', 'metrics.jsonl', 'model.safetensors', 'summary.json'];

/** A site that computes nothing. It notes the steps, and how it is closed. */
function idleSite(notes: string[], ready: (run: SiteRun) => Promise<void>): SitePlan {
  const open = (run: SiteRun): Site => ({
    workers: 0,
    traffic: { bytesSent: 0, bytesReceived: 0 },
    ready: () => ready(run),
    stepStarted: () => void notes.push('a step'),
    evaluated: () => {},
    close: async (farewell) => void notes.push(farewell),
  });
  return { threads: 0, open };
}

/** A site with one thread of this machine. It notes how it is closed. */
function noting(notes: string[]): SitePlan {
  const open = (run: SiteRun): Site => {
    const site = localSite(1).open(run);
    const close = site.close.bind(site);
    site.close = (farewell) => {
      notes.push(farewell);
      return close(farewell);
    };
    return site;
  };
  return { threads: 1, open };
}

test('a run reports what happens, in order, and leaves everything behind', async () => {
  const run = new SmallRun();
  const summary = await run.conduct();
  const steps = (count: number) => Array(count).fill('stepped');
  // A checkpoint is reported when it is on the disk, so its place among the events is not fixed.
  expect(run.types.filter((type) => type !== 'checkpointed')).toEqual([
    ...['loaded', 'begun', ...steps(5), 'evaluated', ...steps(5), 'evaluated', 'trained', 'ended'],
  ]);
  expect(run.of('checkpointed').map(({ step }) => step)).toEqual([5, 10]);
  expect(run.of('ended')[0]).toMatchObject({ reason: 'epochs', summary, directory: '/runs/small' });
  expect(summary).toMatchObject({ steps: 10, epochs: 2, stopReason: 'epochs', resumedAtStep: null });
  expect(await run.left()).toEqual(whole);
});

test('who follows the metrics of a slow run sees its steps before the next evaluation', async () => {
  const run = new SmallRun();
  const calls: (() => void)[] = [];
  const notes: string[] = [];
  const every = (periodMs: number, call: () => void) => {
    calls.push(call);
    notes.push(`every ${periodMs} ms`);
    return () => void notes.push('stopped');
  };
  const read = () => Buffer.from(run.files.content('/runs/small/metrics.jsonl') ?? []).toString();
  run.onEvent = (event) => {
    if (event.type !== 'stepped' || event.line.step !== 2) return;
    const { training } = run.of('loaded')[0].run;
    training.pause();
    for (const call of calls) call();
    // The third step is under way. A write takes some turns of the event loop.
    const look = (turns: number): unknown => {
      if (read() === '' && turns > 0) return setImmediate(look, turns - 1);
      notes.push(...read().trim().split('\n'));
      return training.resume();
    };
    look(100);
  };
  await run.conduct({}, { clock: { dateMs: () => 0, every } });
  const step = (number: number) => expect.stringContaining(`"step":${number},`);
  expect(notes).toEqual([`every ${limits.metricsFlushMs} ms`, step(1), step(2), step(3), 'stopped']);
});

test('a run that goes on ends on the same weights, and keeps every setting that is not given anew', async () => {
  const quiet = await new SmallRun().conduct({ patience: 50, epochs: 4 });
  const run = new SmallRun();
  run.onEvent = (event) => event.type === 'stepped' && event.line.step === 7 && run.wish.abort();
  expect(await run.conduct({ patience: 50, epochs: 4 })).toMatchObject({ stopReason: 'interrupted', steps: 7 });
  const again = new SmallRun();
  const summary = await again.conduct(
    { out: undefined, resume: '/runs/small', epochs: undefined, batch: undefined, lr: undefined },
    { files: run.files },
  );
  expect(summary).toMatchObject({ weightsSha256: quiet.weightsSha256, resumedAtStep: 7, steps: 20 });
  // What is measured of this process, such as its profile, is divided by the steps that it made.
  expect(again.of('trained')).toMatchObject([{ steps: 13 }]);
  expect(again.of('resumed')).toEqual([
    { type: 'resumed', step: 7, checkpoint: 'step-00000007.safetensors', directory: '/runs/small' },
  ]);
  const [{ run: live, history }] = again.of('loaded');
  expect(live.setup.plan).toMatchObject({ patience: 50, epochs: 4 });
  expect(history.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(again.of('stepped')[0].line.step).toBe(8);
});

describe('a run with a shaped update', () => {
  const changes = {
    optimizer: 'adamw',
    lr: 0.05,
    momentum: undefined,
    schedule: 'one-cycle',
    clip: 0.05,
    labelSmoothing: 0.1,
    wireBits: 4,
    epochs: 4,
  } as const;

  test('ends on the same weights on any number of threads, and when it goes on after an interrupt', async () => {
    const quiet = await new SmallRun().conduct(changes);
    expect(quiet.steps).toBe(20);
    const wide = await new SmallRun().conduct(changes, { site: localSite(3) });
    expect(wide.weightsSha256).toBe(quiet.weightsSha256);
    const run = new SmallRun();
    run.onEvent = (event) => event.type === 'stepped' && event.line.step === 7 && run.wish.abort();
    expect(await run.conduct(changes)).toMatchObject({ stopReason: 'interrupted', steps: 7 });
    const again = new SmallRun();
    const resume = { out: undefined, resume: '/runs/small', lr: undefined, momentum: undefined };
    const summary = await again.conduct({ ...resume, epochs: undefined, batch: undefined }, { files: run.files });
    expect(summary).toMatchObject({ weightsSha256: quiet.weightsSha256, resumedAtStep: 7, steps: 20 });
  });

  test.each(['optimizer', 'schedule', 'clip', 'labelSmoothing', 'wireBits'])(
    'has other weights without its %s',
    async (name) => {
      const others = await new SmallRun().conduct({ ...changes, [name]: undefined });
      expect(others.weightsSha256).not.toBe((await new SmallRun().conduct(changes)).weightsSha256);
    },
  );

  test.each([4, 32] as const)('diverges in codes of %i bits, too', async (wireBits) => {
    await expect(new SmallRun().conduct({ wireBits, lr: 1e38 })).rejects.toThrow(/training diverged at step [1-9]/);
  });

  test('reports the rate of each step, which a limit on the steps does not change', async () => {
    const rates = async (more: RunRequest) => {
      const run = new SmallRun();
      await run.conduct({ ...changes, ...more });
      return run.of('stepped').map(({ line }) => line.rate);
    };
    const all = await rates({});
    const rising = [0.002, 0.0065836, 0.0185836, 0.0334164, 0.0454164, 0.05];
    expect(all.slice(0, 6)).toEqual(rising.map((x) => expect.closeTo(x, 6)));
    expect(all[19]).toBeCloseTo(0.05 * 0.0001, 9);
    expect(await rates({ maxSteps: 3 })).toEqual(all.slice(0, 3));
    expect(await rates({ schedule: 'constant' })).toEqual(all.map(() => undefined));
  });

  test('cannot go on with more epochs if its schedule depends on them, but with more steps', async () => {
    const run = new SmallRun();
    await run.conduct({ ...changes, maxSteps: 3 });
    const onDisk = { files: run.files };
    await expect(new SmallRun().conduct({ ...changes, epochs: 5, maxSteps: 3 }, onDisk)).rejects.toThrow(
      /epochs was 4 and would be 5, and the rates of its schedule depend on that/,
    );
    expect(await new SmallRun().conduct({ ...changes, maxSteps: 9 }, onDisk)).toMatchObject({ steps: 9 });
    await new SmallRun().conduct({ ...changes, maxSteps: 100 }, onDisk);
    await expect(new SmallRun().conduct({ ...changes, maxSteps: 100 }, onDisk)).rejects.toThrow(
      /is finished, after 20 steps: its schedule is planned for its epochs/,
    );
    const stairs = { ...changes, schedule: 'step', lrEvery: 1, out: '/runs/stairs' } as const;
    await new SmallRun().conduct(stairs, onDisk);
    expect(await new SmallRun().conduct({ ...stairs, epochs: 5 }, onDisk)).toMatchObject({ steps: 25 });
  });

  test('is refused where the model has another loss than its targets can be smoothed for', async () => {
    const model = { input: [4], layers: [{ dense: 3, activation: 'linear' }], loss: 'quadratic' } as const;
    await expect(new SmallRun().conduct({ model, labelSmoothing: 0.1 })).rejects.toThrow(
      'label smoothing needs the loss softmaxCrossEntropy, but the model has quadratic',
    );
    await expect(new SmallRun().conduct({ clip: 0 })).rejects.toThrow('clip must be a finite number above 0');
  });
});

describe('an interrupt', () => {
  test.each(['before it begins', 'while the data is loaded'])(
    '%s makes no step, and leaves a run to go on',
    async (when) => {
      const run = new SmallRun();
      if (when === 'before it begins') run.wish.abort();
      const loadDataset = async () => {
        run.wish.abort();
        return dataset;
      };
      const summary = await run.conduct({}, { loadDataset });
      expect(summary).toMatchObject({ stopReason: 'interrupted', steps: 0 });
      expect(run.types).not.toContain('stepped');
      expect(await run.left()).toEqual(whole);
      expect(await new SmallRun().conduct({}, { files: run.files })).toMatchObject({ steps: 10, resumedAtStep: 0 });
    },
  );

  test.each(['loaded', 'begun'] as const)('at the event %s makes no step', async (type) => {
    const run = new SmallRun();
    run.interruptAt(type);
    expect(await run.conduct()).toMatchObject({ stopReason: 'interrupted', steps: 0 });
    expect(run.types).not.toContain('stepped');
  });

  test('while it waits for workers ends the wait', async () => {
    const run = new SmallRun();
    run.interruptAt('waiting');
    const entrance = { open: () => {}, close: async () => {} };
    const clock = { dateMs: () => 0, every: () => () => {} };
    const open = (site: SiteRun) => new FleetSite({ entrance, minWorkers: 1, platform: nodePlatform(), clock }, site);
    const summary = await run.conduct({}, { site: { threads: 0, open } });
    expect(summary).toMatchObject({ stopReason: 'interrupted', steps: 0 });
  });

  test('that came before hands no step to the members', async () => {
    const [run, notes] = [new SmallRun(), [] as string[]];
    run.wish.abort();
    await run.conduct({}, { site: idleSite(notes, async () => {}) });
    expect(notes).toEqual(['interrupted', 'interrupted']);
  });

  test('while the data is downloaded is handed to whoever downloads it', async () => {
    const run = new SmallRun();
    const loadDataset = ({ signal }: { signal?: AbortSignal }) =>
      new Promise<never>((_, reject) => {
        signal?.addEventListener('abort', () =>
          reject(new LockstepError('interrupted', 'the download was interrupted')),
        );
        run.wish.abort();
      });
    await expect(run.conduct({}, { loadDataset })).rejects.toMatchObject({ code: 'interrupted' });
    expect(await run.files.list('/runs')).toEqual([]);
  });

  test('after a step keeps that step, and says so to the members', async () => {
    const run = new SmallRun();
    run.onEvent = (event) => event.type === 'stepped' && event.line.step === 3 && run.wish.abort();
    expect(await run.conduct()).toMatchObject({ stopReason: 'interrupted', steps: 3 });
    expect(run.of('checkpointed').map(({ step }) => step)).toEqual([3]);
  });
});

/** A site that workers can join, with threads of its own. No worker comes. `opened` is called with the site. */
function servingSite(threads: number, minWorkers: number, opened: (site: FleetSite) => void = () => {}): SitePlan {
  const entrance = { open: () => {}, close: async () => {} };
  const clock = { dateMs: () => 0, every: () => () => {} };
  const open = (run: SiteRun) => {
    const site = new FleetSite({ entrance, minWorkers, platform: nodePlatform(), clock }, run);
    opened(site);
    return site;
  };
  return { threads, serves: true, open };
}

describe("a coordinator's own threads", () => {
  test('train the weights of a run on threads alone, at once, and every line says so', async () => {
    const expected = await new SmallRun().conduct();
    for (const threads of [1, 2]) {
      const run = new SmallRun();
      const summary = await run.conduct({}, { site: servingSite(threads, 0) });
      expect(summary.weightsSha256).toBe(expected.weightsSha256);
      expect(run.types.slice(0, 3)).toEqual(['loaded', 'waiting', 'begun']);
      expect(run.of('waiting')).toMatchObject([{ workersMin: 0, threads }]);
      expect(run.of('stepped').map(({ line }) => [line.workers, line.threads])).toEqual(Array(10).fill([0, threads]));
    }
  });

  test('count the shards that they computed, and have a speed', async () => {
    const sites: FleetSite[] = [];
    await new SmallRun().conduct({}, { site: servingSite(1, 0, (site) => sites.push(site)) });
    // One for each of ten steps, and one for each of two evaluations.
    expect(sites[0].workerStates(0)).toMatchObject([{ own: true, shards: 12, threads: 1 }]);
    expect(sites[0].workerStates(0)[0].samplesPerSecond).toBeGreaterThan(0);
  });

  test('wait for workers if that is asked for', async () => {
    const run = new SmallRun();
    run.interruptAt('waiting');
    expect(await run.conduct({}, { site: servingSite(2, 1) })).toMatchObject({ stopReason: 'interrupted', steps: 0 });
  });

  test('are a warning if a step has too few slots for them', async () => {
    const run = new SmallRun();
    await run.conduct({}, { site: servingSite(3, 0) });
    const warning = { code: 'too-many-workers', workers: 0, threads: 3, slots: 2 };
    expect(run.of('warned').map((event) => event.warning)).toEqual([warning]);
  });
});

describe('what fails ends all of it:', () => {
  test('a site that never can begin', async () => {
    const [run, notes] = [new SmallRun(), [] as string[]];
    const site = idleSite(notes, () => Promise.reject(new Error('no thread starts')));
    await expect(run.conduct({}, { site })).rejects.toThrow('no thread starts');
    expect(notes).toEqual(['interrupted']);
    expect(await run.left()).toEqual(['checkpoints', 'config.json', 'metrics.jsonl']);
  });

  test('a thread that dies while a step is computed', async () => {
    const [run, notes] = [new SmallRun(), [] as string[]];
    const site = idleSite(notes, async ({ ending }) => void setImmediate(() => ending.failed(new Error('it died'))));
    await expect(run.conduct({}, { site })).rejects.toThrow('it died');
    expect(notes).toEqual(['a step', 'interrupted']);
    expect(await run.left()).not.toContain('lock.1.0.test');
  });

  test('a divergence, once its summary is written', async () => {
    const [run, notes] = [new SmallRun(), [] as string[]];
    const site = idleSite(notes, async ({ ending }) => void setImmediate(() => ending.diverged()));
    const remedy = /diverged at step 1: .*smaller learning rate \(--lr 0.01 instead of 0.1\)/;
    await expect(run.conduct({}, { site })).rejects.toThrow(remedy);
    expect(notes).toEqual(['a step', 'diverged', 'interrupted']);
    expect(run.types.slice(-2)).toEqual(['trained', 'ended']);
    expect(await run.left()).toEqual(whole);
  });

  test('a disk that does not take the model: the members are not told that the run is finished', async () => {
    const [run, notes] = [new SmallRun(), [] as string[]];
    run.files.failing = ({ kind, path }) => (kind === 'write' && path.includes('model') ? fault('ENOSPC', path) : null);
    await expect(run.conduct({}, { site: noting(notes) })).rejects.toMatchObject({ code: 'output-unwritable' });
    expect(notes).toEqual(['interrupted']);
    expect(run.types).not.toContain('ended');
    expect(await run.left()).not.toContain('lock.1.0.test');
  });

  test('a saved run that may not go on as it was asked to', async () => {
    const run = new SmallRun();
    await run.conduct({ maxSteps: 3 });
    const other = new SmallRun();
    const changed = other.conduct({ seed: 2, maxSteps: undefined }, { files: run.files });
    await expect(changed).rejects.toMatchObject({ code: 'run-differs' });
    expect(await run.left()).toEqual(whole);
    expect(other.events).toEqual([]);
  });
});
