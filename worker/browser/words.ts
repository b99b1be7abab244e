/** The texts of the join page: turns a status into words and numbers for people. */
import { byteCount } from '../../shared/figures.js';
import type { JoinState, JoinStatus } from './status.js';

export interface Words {
  /** The state, in one to three words. */
  readonly state: string;
  /** A sentence on what is happening and what the visitor can do. */
  readonly sentence: string;
}

const stop = 'Press Leave or close this tab to stop.';

const sentences: Readonly<Record<JoinState, Words>> = {
  joining: { state: 'Joining', sentence: `This tab is getting ready to compute a part of a training run. ${stop}` },
  computing: {
    state: 'Computing',
    sentence: `This tab computes a part of a neural network's training for as long as it is open. ${stop}`,
  },
  waiting: {
    state: 'Waiting for others',
    sentence: `This tab has done its part and waits for the rest of the fleet. ${stop}`,
  },
  spare: {
    state: 'Spare',
    sentence: `The others have all the work now. This tab helps when another one is late or leaves. ${stop}`,
  },
  paused: { state: 'Paused', sentence: 'This tab computes nothing. Press Resume to lend its cores again.' },
  reconnecting: {
    state: 'Reconnecting',
    sentence: `The coordinator does not answer. This tab tries again by itself until it does. ${stop}`,
  },
  refused: { state: 'Refused', sentence: 'This tab cannot take part.' },
  ended: {
    state: 'Done',
    sentence: 'The coordinator does not need this tab any more. Thank you for lending its cores.',
  },
  left: { state: 'Left', sentence: 'This tab computes nothing and is not connected. It can be closed.' },
};

export function wordsFor({ state, reason }: Pick<JoinStatus, 'state' | 'reason'>): Words {
  const words = sentences[state];
  if (reason === null) return words;
  const why = `${reason.charAt(0).toUpperCase()}${reason.slice(1).replace(/[.\s]*$/, '')}.`;
  return { ...words, sentence: state === 'refused' ? `${words.sentence} ${why}` : `${why} ${words.sentence}` };
}

/** What the page says while it waits for the visitor's word. `reason` is a sentence. */
export function wordsToAsk(reason: string): Words {
  return { state: 'Not joined yet', sentence: `${reason} Press Join to lend its cores in spite of that.` };
}

/** The state that a screen reader announces. Waiting and computing are the same for the visitor. */
export function announcedState(state: JoinState): JoinState {
  return state === 'waiting' ? 'computing' : state;
}

/** The buttons of the page: what the main button does, and which of the other controls are enabled. */
export interface Actions {
  readonly main: 'pause' | 'resume' | 'join';
  readonly mainLabel: string;
  readonly canLeave: boolean;
  readonly canChooseThreads: boolean;
}

export function actionsFor(state: JoinState): Actions {
  switch (state) {
    case 'joining':
    case 'computing':
    case 'waiting':
    case 'spare':
    case 'reconnecting':
      return { main: 'pause', mainLabel: 'Pause', canLeave: true, canChooseThreads: true };
    case 'paused':
      return { main: 'resume', mainLabel: 'Resume', canLeave: true, canChooseThreads: true };
    case 'refused':
    case 'ended':
      return { main: 'resume', mainLabel: 'Join again', canLeave: false, canChooseThreads: false };
    case 'left':
      return { main: 'join', mainLabel: 'Join again', canLeave: false, canChooseThreads: true };
    default:
      return state satisfies never;
  }
}

/** The figures of a status. Each key is the name of the figure's element on the page (`data-figure`). */
export function figuresOf(status: JoinStatus): Readonly<Record<string, string>> {
  return {
    shards: count(status.shards),
    samples: count(status.samples),
    share: percent(status.share, 1),
    step: status.step === null ? unknown : count(status.step),
    accuracy: percent(status.accuracy, 2),
    sent: byteCount(status.bytesSent),
    received: byteCount(status.bytesReceived),
  };
}

export function coresOf(threads: number, all: number): string {
  return `${threads} of ${all} ${all === 1 ? 'core' : 'cores'}`;
}

const unknown = '–';

/** Digits in groups of three. `Intl` would do the same, but loads tables that take a slow phone longer than the page. */
function count(value: number): string {
  return value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ',');
}

function percent(fraction: number | null, digits: number): string {
  return fraction === null ? unknown : `${(100 * fraction).toFixed(digits)} %`;
}
