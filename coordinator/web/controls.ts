/** What the operator can do to a run while it goes on. None of it changes a bit of the weights after any step. */
import type { LiveRun } from '../run/live-run.js';
import type { RunListener } from '../run/run-event.js';
import type { Monitor } from './monitor.js';
import type { ControlAction, DropRequest } from './state.js';
import type { Refusal } from './viewed-run.js';

export class RunControls {
  constructor(
    private readonly monitor: Monitor,
    private readonly emit: RunListener,
  ) {}

  /** Null when it was done. `body` is a JSON text, or empty. */
  perform(action: string, body: string): Refusal | null {
    if (!isAction(action)) return { code: 'not-found', message: `there is no such action: ${actions.join(', ')}` };
    const { run, ending } = this.monitor;
    if (run === null) return { code: 'not-ready', message: 'the run is not loaded yet' };
    if (ending !== null) return { code: 'conflict', message: `the run is over: ${ending}` };
    if (action === 'drop') return this.drop(run, body);
    perform[action](run);
    return this.done(run, action, null);
  }

  private drop(run: LiveRun, body: string): Refusal | null {
    const member = memberOf(body);
    if (member === null) return { code: 'bad-request', message: 'the body must be JSON such as {"member": 3}' };
    if (!this.monitor.drop(member)) return { code: 'not-found', message: `there is no worker ${member}` };
    return this.done(run, 'drop', member);
  }

  private done({ trainer }: LiveRun, action: ControlAction, member: number | null): null {
    this.emit({ type: 'controlled', action, step: trainer.position.step, member });
    return null;
  }
}

const perform: Record<Exclude<ControlAction, 'drop'>, (run: LiveRun) => void> = {
  pause: ({ training }) => training.pause(),
  resume: ({ training }) => training.resume(),
  checkpoint: ({ training }) => training.checkpoint(),
  stop: (run) => run.stop(),
};

const actions: readonly ControlAction[] = ['pause', 'resume', 'checkpoint', 'stop', 'drop'];

function isAction(action: string): action is ControlAction {
  return (actions as readonly string[]).includes(action);
}

function memberOf(body: string): number | null {
  try {
    const { member }: Partial<DropRequest> = JSON.parse(body);
    return Number.isSafeInteger(member) ? (member as number) : null;
  } catch {
    return null;
  }
}
