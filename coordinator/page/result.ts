/** The card of a run that is over: how it ended, and its model and metrics to download. */

import { percent } from '../../shared/figures.js';
import type { Credentials } from '../../shared/protocol/handshake.js';
import { stepUnit } from '../../shared/step-unit.js';
import type { RunState } from '../web/state.js';
import { reasonOf, request } from './access.js';
import { find, setText } from './elements.js';
import { count } from './format.js';
import { hasEnded } from './overview.js';

export class Result {
  constructor(private readonly credentials: () => Credentials) {
    this.offer('download-model', 'model.safetensors', 'model.safetensors');
    this.offer('download-metrics', 'metrics.jsonl', 'metrics.jsonl');
  }

  render(state: RunState): void {
    const card = find('result', HTMLElement);
    card.hidden = !hasEnded(state.phase);
    if (!card.hidden) setText(find('result-text', HTMLElement), sentence(state));
    card.dataset.phase = state.phase;
  }

  private offer(id: string, path: string, name: string): void {
    const button = find(id, HTMLButtonElement);
    button.addEventListener('click', () => void this.download(path, name));
  }

  /** A script downloads the file, because a link could not send the token. */
  private async download(path: string, name: string): Promise<void> {
    const status = find('download-status', HTMLElement);
    setText(status, '');
    try {
      const response = await request(this.credentials(), path);
      if (!response.ok) return setText(status, `There is none: ${await reasonOf(response)}.`);
      const link = document.createElement('a');
      link.href = URL.createObjectURL(await response.blob());
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    } catch {
      setText(status, 'There is no answer any more.');
    }
  }
}

function sentence(state: RunState): string {
  const { phase, step, epoch, files } = state;
  const { testAccuracy, bestTestAccuracy, validationAccuracy, bestValidationAccuracy } = state;
  const sets = [
    said('Test', testAccuracy, bestTestAccuracy),
    said('Validation', validationAccuracy, bestValidationAccuracy),
  ];
  const accuracy = sets.filter((text) => text !== '').join(' ') || 'It was never evaluated.';
  const length = `${count(step)} ${stepUnit(state)}s, ${count(epoch)} ${epoch === 1 ? 'epoch' : 'epochs'}.`;
  const ends: Partial<Record<RunState['phase'], string>> = {
    interrupted: 'Stopped early. ',
    stale: `Not finished, and its process is gone. It goes on with lockstep train --resume ${files?.path ?? 'RUN'}. `,
    diverged: 'Training diverged: the loss left the range of numbers. Try a lower learning rate. ',
  };
  return `${ends[phase] ?? ''}${accuracy} ${length}`;
}

function said(set: string, accuracy: number | null, best: number | null): string {
  if (accuracy === null) return '';
  return `${set} accuracy ${percent(accuracy)}.${best === null || best === accuracy ? '' : ` Best ${percent(best)}.`}`;
}
