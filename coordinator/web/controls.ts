/** What the operator may ask for while a run goes on. None of it changes a bit of the weights after any step. */
import type { Logger } from 'pino';
import type { Monitor } from './monitor.js';
import type { ControlAction, DropRequest } from './state.js';
import type { Refusal } from './viewed-run.js';

/** Sends a worker away; false when there is none of that number. */
export type DropWorker = (member: number) => boolean;

export class RunControls {
  private dropWorker: DropWorker = () => false;

  constructor(
    private readonly monitor: Monitor,
    private readonly logger: Logger,
  ) {}

  /** The fleet can be joined from now on. */
  opened(dropWorker: DropWorker): void {
    this.dropWorker = dropWorker;
  }

  /** Null when it was done. `body` is a JSON text, or empty. */
  perform(action: string, body: string): Refusal | null {
    if (!isAction(action)) return { code: 'not-found', message: `there is no such action: ${actions.join(', ')}` };
    const { run, ending } = this.monitor;
    if (run === null) return { code: 'not-ready', message: 'the run is not loaded yet' };
    if (ending !== null) return { code: 'conflict', message: `the run is over: ${ending}` };
    const { training, trainer } = run;
    const { step } = trainer.position;
    switch (action) {
      case 'pause':
        training.pause();
        return this.done('paused', 'paused by the operator, after the step under way');
      case 'resume':
        training.resume();
        return this.done('resumed', 'resumed by the operator');
      case 'checkpoint':
        training.checkpoint();
        return this.done(null, `the operator asked for a checkpoint, at step ${step}`);
      case 'stop':
        run.stop();
        return this.done(null, `stopped by the operator after step ${step}`);
      case 'drop':
        return this.drop(body);
      default:
        return action satisfies never;
    }
  }

  private drop(body: string): Refusal | null {
    const member = memberOf(body);
    if (member === null) return { code: 'bad-request', message: 'the body must be JSON such as {"member": 3}' };
    if (this.dropWorker(member)) return this.done(null, `the operator dropped worker ${member}`);
    return { code: 'not-found', message: `there is no worker ${member}` };
  }

  private done(kind: 'paused' | 'resumed' | null, text: string): null {
    this.logger.info({ step: this.monitor.run?.trainer.position.step }, text);
    if (kind !== null) this.monitor.tell(kind, text);
    return null;
  }
}

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
