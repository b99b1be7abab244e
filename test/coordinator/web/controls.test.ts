/** Tests the operator's controls on a small run. */
import { expect, it } from 'vitest';
import { RunControls } from '../../../coordinator/web/controls.js';
import { Monitor } from '../../../coordinator/web/monitor.js';
import { SmallRun } from '../run/small-run.js';

function controlled() {
  const run = new SmallRun();
  const monitor = new Monitor({ workersMin: 1, clock: () => 0, nowMs: () => 0 });
  const controls = new RunControls(monitor, (event) => run.events.push(event));
  /** Pauses the run after this step, and then calls `call`. */
  const after = (step: number, call: () => void) => {
    run.onEvent = (event) => {
      monitor.heard(event);
      if (event.type !== 'stepped') return;
      // When a step is reported, the next one is already under way. So the pause begins after the next one.
      if (event.line.step === step - 1) controls.perform('pause', '');
      if (event.line.step === step) setImmediate(call);
    };
  };
  return { run, monitor, controls, after };
}

it('pauses, makes a checkpoint, and goes on to the same weights', async () => {
  const { run, monitor, controls, after } = controlled();
  after(3, () => {
    expect(monitor.run?.trainer.isPaused).toBe(true);
    expect(controls.perform('checkpoint', '')).toBe(null);
    expect(controls.perform('resume', '')).toBe(null);
  });
  const { weightsSha256 } = await run.conduct();
  expect(weightsSha256).toBe((await new SmallRun().conduct()).weightsSha256);
  expect(run.of('controlled').map(({ action, step }) => [action, step])).toEqual([
    ['pause', 2],
    ['checkpoint', 3],
    ['resume', 3],
  ]);
  expect(run.of('checkpointed').map(({ step }) => step)).toEqual([3, 5, 10]);
});

it('stops a run in good order', async () => {
  const { run, controls, after } = controlled();
  after(4, () => controls.perform('stop', ''));
  expect(await run.conduct()).toMatchObject({ stopReason: 'interrupted', steps: 4 });
  expect(controls.perform('pause', '')).toMatchObject({ code: 'conflict' });
});

it('has the fleet drop a worker, and says which', async () => {
  const { run, monitor, controls, after } = controlled();
  const dropped: number[] = [];
  const drop = (member: number) => member === 7 && dropped.push(member) === 1;
  const traffic = { bytesSent: 0, bytesReceived: 0 };
  const fleet = { workers: 1, threads: 0, traffic, networkBound: null, sampleBytes: 10, workerStates: () => [], drop };
  monitor.opened(fleet, { url: '', command: '', needsToken: false });
  after(2, () => {
    expect(controls.perform('drop', '{"member": 7}')).toBe(null);
    expect(controls.perform('drop', '{"member": 8}')).toMatchObject({ code: 'not-found' });
    expect(controls.perform('drop', '7')).toMatchObject({ code: 'bad-request' });
    controls.perform('resume', '');
  });
  await run.conduct();
  expect(dropped).toEqual([7]);
  expect(run.of('controlled').filter(({ action }) => action === 'drop')).toMatchObject([{ member: 7, step: 2 }]);
});

it('does nothing before the run is loaded, and nothing that it does not know', () => {
  const { run, controls } = controlled();
  expect(controls.perform('pause', '')).toMatchObject({ code: 'not-ready' });
  expect(controls.perform('explode', '')).toMatchObject({ code: 'not-found' });
  expect(run.events).toEqual([]);
});
