/** Tests on a small run what viewers are told of a live run. */
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../coordinator/run/run-event.js';
import { Monitor } from '../../../coordinator/web/monitor.js';
import type { RunState } from '../../../coordinator/web/state.js';
import { limits } from '../../../shared/limits.js';
import { SmallRun } from '../run/small-run.js';

/** A run and its monitor. The clock goes on by one whenever it is read. */
function watched() {
  const run = new SmallRun();
  let time = 1000;
  const monitor = new Monitor({ workersMin: 1, clock: () => time++, nowMs: () => time });
  const states: [RunEvent['type'], RunState][] = [];
  // The monitor's curve grows later, so this takes a copy.
  const push = (type: RunEvent['type'], state: RunState) => states.push([type, { ...state, curve: [...state.curve] }]);
  let further: (event: RunEvent) => void = () => {};
  run.onEvent = (event) => {
    monitor.heard(event);
    if (monitor.viewed !== null) push(event.type, monitor.state(0, null));
    further(event);
  };
  /** The states after the events of a type, in order. */
  const statesAt = (type: RunEvent['type']) => states.filter(([one]) => one === type).map(([, state]) => state);
  const onEvent = (call: typeof further) => {
    further = call;
  };
  return { run, monitor, statesAt, onEvent };
}

describe('a monitor', () => {
  it('has nothing to show before the run is loaded', async () => {
    const { run, monitor, onEvent } = watched();
    const seen: boolean[] = [monitor.viewed !== null];
    onEvent(() => seen.push(monitor.viewed !== null));
    await run.conduct();
    expect(seen[0]).toBe(false);
    expect(seen.slice(1)).not.toContain(false);
    expect(monitor.viewed?.name).toBe('small');
  });

  it('has the hash of each evaluation when it is over, and the final one at the end', async () => {
    const { run, monitor, statesAt } = watched();
    const summary = await run.conduct({ lr: 0.5 });
    const hashes = run.of('evaluated').map(({ line }) => line.weightsSha256);
    expect(new Set(hashes).size).toBe(2);
    expect(statesAt('loaded')[0]).toMatchObject({ weightsSha256: null, weightsStep: null });
    expect(statesAt('evaluated').map(({ weightsSha256, weightsStep }) => [weightsStep, weightsSha256])).toEqual([
      [5, hashes[0]],
      [10, hashes[1]],
    ]);
    expect(monitor.state(0, null)).toMatchObject({ weightsSha256: summary.weightsSha256, weightsStep: 10 });
  });

  it('has the final hash of a run that ends between two evaluations', async () => {
    const { run, monitor, onEvent } = watched();
    onEvent((event) => event.type === 'stepped' && event.line.step === 7 && run.wish.abort());
    const { weightsSha256, steps } = await run.conduct();
    const { phase, ...state } = monitor.state(0, null);
    expect(phase).toBe('interrupted');
    expect(state).toMatchObject({ weightsSha256, weightsStep: steps, step: steps });
    expect(weightsSha256).not.toBe(run.of('evaluated')[0].line.weightsSha256);
  });

  it('follows the run from waiting to its end', async () => {
    const { run, monitor, statesAt } = watched();
    const summary = await run.conduct();
    expect(statesAt('loaded')[0]).toMatchObject({ phase: 'waiting', step: 0, startedAt: null, seconds: null });
    expect(statesAt('stepped').map(({ phase, step }) => [phase, step])).toEqual(
      Array.from({ length: 10 }, (_, i) => ['training', i + 1]),
    );
    expect(monitor.ending).toBe('finished');
    expect(monitor.state(0, null)).toMatchObject({
      phase: 'finished',
      files: null,
      join: null,
      epoch: 2,
      stepsPlanned: 10,
      seconds: summary.seconds,
      samplesPerSecond: 0,
      secondsLeft: null,
      testAccuracy: summary.testAccuracy,
      loss: run.of('stepped').at(-1)?.line.loss,
      newest: { weights: 10, evaluation: 10 },
    });
  });

  it('counts rounds in a run of rounds, in what it tells too', async () => {
    const { run, monitor } = watched();
    await run.conduct({ batch: undefined, microBatch: 2, localSteps: 2, replicas: 3, epochs: 1 });
    const { localSteps, events } = monitor.state(0, null);
    expect(localSteps).toBe(2);
    const texts = events.map(({ text }) => text);
    expect(texts).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^training began with round 1,/),
        expect.stringMatching(/^round 4: test accuracy/),
        'finished after 4 rounds',
      ]),
    );
    expect(texts.filter((text) => /step/.test(text))).toEqual([]);
  });

  it('shows the validation set during the run, and at the end the weights that the run keeps, on both sets', async () => {
    const { run, monitor, statesAt } = watched();
    const summary = await run.conduct({ validation: 8, keep: 'best', epochs: 8, lr: 0.5 });
    const during = statesAt('evaluated').at(-1)!;
    const line = run.of('evaluated').at(-1)!.line;
    expect(during).toMatchObject({
      testAccuracy: null,
      testLoss: null,
      bestTestAccuracy: null,
      validationLoss: line.validationLoss,
      validationAccuracy: line.validationAccuracy,
      bestValidationAccuracy: summary.bestValidationAccuracy,
    });
    expect(during.dataset).toMatchObject({ train: 32, validation: 8, test: 10 });
    const { weightsSha256, weightsStep, testLoss, testAccuracy, validationLoss, validationAccuracy } = summary;
    expect(weightsStep).toBeLessThan(32);
    expect(monitor.state(0, null)).toMatchObject({
      phase: 'finished',
      step: 32,
      ...{ weightsSha256, weightsStep, testLoss, testAccuracy, validationLoss, validationAccuracy },
      newest: { weights: weightsStep, evaluation: weightsStep },
    });
    const weights = await monitor.weights();
    expect(weights.step).toBe(weightsStep);
    const evaluation = await monitor.evaluation();
    if ('code' in evaluation) throw new Error(evaluation.message);
    const { set, samples, correct } = JSON.parse(Buffer.from(evaluation.bytes).toString());
    expect([set, samples, correct / samples]).toEqual(['test', 10, testAccuracy]);
  });

  it('tells from a mark on only what is new', async () => {
    const { run, monitor, onEvent } = watched();
    const news: RunState[] = [];
    onEvent((event) => {
      if (event.type !== 'stepped' || event.line.step !== 4) return;
      const { mark } = monitor;
      expect(monitor.state(1, mark)).toMatchObject({ complete: false, curve: [], events: [] });
      onEvent(({ type }) => type === 'ended' && news.push(monitor.state(1, mark)));
    });
    await run.conduct();
    const [{ complete, curve, events }] = news;
    expect([complete, curve.map(({ step }) => step)]).toEqual([false, [5, 6, 7, 8, 9, 10]]);
    const kinds = events.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind !== 'checkpoint')).toEqual(['evaluated', 'evaluated', 'ended']);
    expect(monitor.state(1, null).events[0].kind).toBe('started');
  });

  it('shows a run that goes on from its beginning', async () => {
    const first = watched();
    await first.run.conduct({ epochs: 1 });
    const again = watched();
    await again.run.conduct({ epochs: 2 }, { files: first.run.files });
    const { curve, weightsSha256, weightsStep, phase } = again.statesAt('loaded')[0];
    expect(curve.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    expect(weightsSha256).toBe(first.run.of('evaluated')[0].line.weightsSha256);
    expect([weightsStep, phase]).toEqual([5, 'waiting']);
  });

  it.each([
    [1, 'training'],
    [0, 'waiting'],
  ])('with %i threads of its own and no worker, a run is %s', async (threads, expected) => {
    const { run, monitor, statesAt } = watched();
    const traffic = { bytesSent: 0, bytesReceived: 0 };
    const fleet = {
      workers: 0,
      threads,
      traffic,
      networkBound: null,
      sampleBytes: 10,
      workerStates: () => [],
      drop: () => false,
    };
    monitor.opened(fleet, { url: '', command: '', needsToken: false });
    await run.conduct({ maxSteps: 2 });
    expect(statesAt('stepped').map(({ phase, workersTotal }) => [phase, workersTotal])).toEqual(
      Array(2).fill([expected, 0]),
    );
    expect(monitor.state(0, null).threads).toBe(threads);
  });

  it('keeps a bounded past, the newest of it', async () => {
    const { run, monitor } = watched();
    await run.conduct();
    for (let n = 0; n < 2 * limits.eventsKept; n++) {
      monitor.heard({ type: 're-leased', member: 1, worker: `w${n}`, shards: 1 });
      monitor.heard({ type: 'alarm-raised', alarm: 'metrics', message: `alarm ${n}` });
    }
    const { events, alarms } = monitor.state(0, null);
    expect([events.length, alarms.length]).toEqual([limits.eventsKept, limits.alarmsKept]);
    expect(events.at(-1)?.text).toContain(`w${2 * limits.eventsKept - 1} `);
    expect(alarms.at(-1)?.text).toBe(`alarm ${2 * limits.eventsKept - 1}`);
    const ids = events.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
  });

  it('lets viewers ask for weights more rarely, the more they are', async () => {
    const { run, monitor } = watched();
    await run.conduct();
    expect(monitor.state(1, null).weightsEveryMs).toBe(limits.weightsEveryMsMin);
    expect(monitor.state(100, null).weightsEveryMs).toBe(100 * limits.weightsMsPerViewer);
  });
});
