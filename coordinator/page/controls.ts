/** The operator's buttons, and the result of each request. Stopping and dropping ask for a confirmation. */
import type { Credentials } from '../../shared/protocol/handshake.js';
import type { ControlAction, DropRequest, RunState, WorkerState } from '../web/state.js';
import { reasonOf, request } from './access.js';
import { find, setText } from './elements.js';
import { hasEnded } from './overview.js';

const done: Readonly<Record<ControlAction, string>> = {
  pause: 'Paused: the fleet stays, and waits.',
  resume: 'Training goes on.',
  checkpoint: 'A checkpoint is written.',
  stop: 'Stopping: the weights so far are kept.',
  drop: 'Dropped. Its shards went to others; the final hash stays the same.',
};

export class ControlButtons {
  private readonly pause = find('control-pause', HTMLButtonElement);
  private readonly dialog = find('confirm', HTMLDialogElement);
  private confirmed: () => void = () => {};
  private isPaused = false;

  constructor(
    private readonly credentials: () => Credentials,
    private readonly announce: (text: string, isGood: boolean) => void,
  ) {
    this.pause.addEventListener('click', () => void this.send(this.isPaused ? 'resume' : 'pause'));
    find('control-checkpoint', HTMLButtonElement).addEventListener('click', () => void this.send('checkpoint'));
    find('control-stop', HTMLButtonElement).addEventListener('click', () => {
      const text = 'Stop the run? A checkpoint is written, and the weights so far become the result.';
      this.ask(text, 'Stop', () => void this.send('stop'));
    });
    find('confirm-no', HTMLButtonElement).addEventListener('click', () => this.dialog.close());
    find('confirm-yes', HTMLButtonElement).addEventListener('click', () => {
      this.dialog.close();
      this.confirmed();
    });
  }

  /** Whether this viewer has controls now: it has the operator's token, and the run goes on. */
  mayControl({ phase, files }: RunState): boolean {
    return files === null && this.credentials().operatorToken !== null && !hasEnded(phase);
  }

  render(state: RunState): void {
    find('controls', HTMLElement).hidden = !this.mayControl(state);
    this.isPaused = state.phase === 'paused';
    setText(this.pause, this.isPaused ? 'Resume' : 'Pause');
  }

  drop({ member, name }: WorkerState): void {
    const text =
      `Drop ${name}? What it is computing goes to the others. The final weights, and so their hash, ` +
      'are the same with it and without it, bit for bit.';
    this.ask(text, 'Drop', () => void this.send('drop', { member }));
  }

  private ask(text: string, yes: string, confirmed: () => void): void {
    setText(find('confirm-text', HTMLElement), text);
    setText(find('confirm-yes', HTMLButtonElement), yes);
    this.confirmed = confirmed;
    this.dialog.showModal();
  }

  private async send(action: ControlAction, body?: DropRequest): Promise<void> {
    const init = { method: 'POST', ...(body && { body: JSON.stringify(body), headers: jsonHeaders }) };
    try {
      const response = await request(this.credentials(), `api/control/${action}`, init);
      if (response.ok) this.announce(done[action], true);
      else this.announce(`That did not work: ${await reasonOf(response)}.`, false);
    } catch {
      this.announce('That did not work: the coordinator does not answer.', false);
    }
  }
}

const jsonHeaders = { 'Content-Type': 'application/json' };
