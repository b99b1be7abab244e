/** Tests what a site does after a wrong result was counted, and how it shows the coordinator's own threads. */
import { afterEach, expect, it } from 'vitest';
import { FleetSite } from '../../../coordinator/fleet/site.js';
import { Ending } from '../../../coordinator/run/ending.js';
import type { RunEvent } from '../../../coordinator/run/run-event.js';
import { completeSettings } from '../../../coordinator/run/settings.js';
import { buildMachine, setUpRun } from '../../../coordinator/run/setup.js';
import type { Machine } from '../../../shared/compute/machine.js';
import type { Task } from '../../../shared/work/task.js';
import { nodePlatform } from '../../../worker/node-platform.js';
import { dataset, request } from '../run/small-run.js';

const machines: Machine[] = [];
afterEach(() => {
  for (const machine of machines.splice(0)) machine.stop();
});

function openSite(threads = 0) {
  const node = nodePlatform();
  const spawned: number[] = [];
  const spawnThread = () => {
    spawned.push(spawned.length);
    return node.spawnThread();
  };
  const platform = { ...node, spawnThread };
  const setup = setUpRun(completeSettings(request, null), dataset, 1_000);
  const ending = new Ending(new AbortController().signal);
  const events: RunEvent[] = [];
  const opened: number[] = [];
  const machine = buildMachine(setup, dataset, { threads, serves: true }, platform);
  const site = new FleetSite(
    {
      entrance: { open: (frameBytesMax) => opened.push(frameBytesMax), close: async () => {} },
      minWorkers: 1,
      platform,
      clock: { dateMs: () => 0, every: () => () => {} },
    },
    {
      name: 'small',
      directory: '/runs/small',
      setup,
      machine,
      firstStep: 0,
      ending,
      emit: (event) => events.push(event),
    },
  );
  return { site, machine, ending, events, opened, spawned };
}

const gradient: Task = { work: 'gradient', step: 7, epoch: 0, stepInEpoch: 2 };

it('a wrong gradient that was counted ends the run, with the last step that is right', () => {
  const { site, ending } = openSite();
  site.countedWrong('w', gradient);
  expect(ending.cause).toMatchObject({
    type: 'failed',
    error: {
      code: 'weights-wrong',
      message: expect.stringMatching(/in step 8, .*Remove the checkpoints after step 7/),
    },
  });
});

it('a wrong evaluation that was counted is a warning: the weights are as they should be', () => {
  const { site, ending, events } = openSite();
  site.countedWrong('w', { ...gradient, work: 'evaluation', stepInEpoch: 0 });
  expect(ending.cause).toBeNull();
  expect(events).toEqual([{ type: 'warned', warning: { code: 'evaluation-wrong', worker: 'w', step: 7 } }]);
});

it("shows the coordinator's own threads as one, in front of the workers, and drops none of them", async () => {
  const { site, machine, events, spawned } = openSite(2);
  machines.push(machine);
  void site.ready();
  while (events.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const [own, ...others] = site.workerStates(1);
  expect(own).toMatchObject({
    own: true,
    name: 'this machine',
    threads: 2,
    shards: 0,
    state: 'idle',
    roundTripMs: null,
  });
  expect([others, site.workers, site.threads]).toEqual([[], 0, 2]);
  expect(site.drop(own.member)).toBe(false);
  // The thread of the process serves the workers. It is none of the two.
  expect(spawned.length).toBe(2);
});
