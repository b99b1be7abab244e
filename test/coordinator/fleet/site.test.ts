/** Tests what a site does after a wrong result was counted, for each kind of work. */
import { expect, it } from 'vitest';
import { FleetSite } from '../../../coordinator/fleet/site.js';
import { Ending } from '../../../coordinator/run/ending.js';
import type { RunEvent } from '../../../coordinator/run/run-event.js';
import { completeSettings } from '../../../coordinator/run/settings.js';
import { buildMachine, setUpRun } from '../../../coordinator/run/setup.js';
import type { Task } from '../../../shared/work/task.js';
import { nodePlatform } from '../../../worker/node-platform.js';
import { dataset, request } from '../run/small-run.js';

function openSite() {
  const platform = nodePlatform();
  const setup = setUpRun(completeSettings(request, null), dataset, 1_000);
  const ending = new Ending(new AbortController().signal);
  const events: RunEvent[] = [];
  const opened: number[] = [];
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
      machine: buildMachine(setup, dataset, 0, platform),
      ending,
      emit: (event) => events.push(event),
    },
  );
  return { site, ending, events, opened };
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
