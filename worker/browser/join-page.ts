/**
 * The join page. Opening the page joins the run, unless the device may have to pay for the data: then the visitor decides.
 * The page's texts are in words.ts and expected-traffic.ts, and the library (join.ts) does the work.
 */

import type { JoinOffer } from '../../shared/join-offer.js';
import { credentialsKey, parseFragment } from '../../shared/protocol/handshake.js';
import { stepUnit } from '../../shared/step-unit.js';
import {
  type Connection,
  connectionSentence,
  reasonToAsk,
  spareSentence,
  trafficSentence,
} from './expected-traffic.js';
import { defaultThreads, type JoinedCluster, type JoinStatus, joinCluster } from './join.js';
import { actionsFor, announcedState, coresOf, figuresOf, type Words, wordsFor, wordsToAsk } from './words.js';

function element<E extends HTMLElement = HTMLElement>(id: string): E {
  return document.getElementById(id) as E;
}

const panel = element('status');
const mainAction = element<HTMLButtonElement>('main-action');
const leave = element<HTMLButtonElement>('leave');
const cores = element<HTMLInputElement>('cores');
const figures = [...document.querySelectorAll<HTMLElement>('[data-figure]')];

/** The page joins after this long, even if it does not know yet how much data the run needs. */
const offerMsMax = 1_500;

const { token } = credentials();
const { connection } = navigator as { readonly connection?: Connection };
/** Null until the page joins. */
let cluster: JoinedCluster | null = null;
let shown: JoinStatus | null = null;
/** Why the tab is a spare, as long as it is one. */
let whySpare: string | null = null;

/**
 * The credentials after the # of the address, or else those that this tab has stored. They stay in the address, so that
 * the page can be reloaded and its address can be shared.
 */
function credentials() {
  const given = parseFragment(location.hash);
  return given.token === null ? parseFragment(sessionStorage.getItem(credentialsKey) ?? '') : given;
}

/** Says what the run needs, and joins. */
async function begin(): Promise<void> {
  write(element('connection'), connectionSentence(connection));
  const offer = await offered();
  if (offer !== null) {
    write(element('traffic'), trafficSentence(offer));
    write(element('unit'), stepUnit(offer) === 'round' ? 'Round' : 'Step');
  }
  const reason = reasonToAsk(connection);
  if (reason === null) join();
  else ask(wordsToAsk(reason));
}

/** Null if the coordinator does not answer: to join then tells why. */
async function offered(): Promise<JoinOffer | null> {
  const headers: HeadersInit = token === null ? {} : { Authorization: `Bearer ${token}` };
  try {
    const response = await fetch('/api/join', { headers, signal: AbortSignal.timeout(offerMsMax) });
    return response.ok ? ((await response.json()) as JoinOffer) : null;
  } catch {
    return null;
  }
}

function ask({ state, sentence }: Words): void {
  panel.dataset.state = 'paused';
  write(element('state'), state);
  write(element('sentence'), sentence);
  write(mainAction, 'Join');
  mainAction.disabled = false;
}

function join(): void {
  cluster = joinCluster({ url: location.origin, token, threads: cores.valueAsNumber, onStatus: show });
}

function show(status: JoinStatus): void {
  const { state, run } = status;
  explainSpare(state);
  const words = wordsFor({ state, reason: status.reason ?? whySpare });
  const { mainLabel, canLeave, canChooseThreads } = actionsFor(state);
  if (shown === null || announcedState(state) !== announcedState(shown.state)) {
    write(element('announcement'), `${words.state}. ${words.sentence}`);
  }
  shown = status;
  panel.dataset.state = state;
  write(element('state'), words.state);
  write(element('sentence'), words.sentence);
  write(element('run'), run ?? '');
  write(mainAction, mainLabel);
  mainAction.disabled = false;
  leave.disabled = !canLeave;
  cores.disabled = !canChooseThreads;
  const texts = figuresOf(status);
  for (const figure of figures) write(figure, texts[figure.dataset.figure ?? '']);
  document.title = `${words.state} · Lockstep`;
}

/** Asks why, when the tab becomes a spare. The answer is shown with the next status. */
function explainSpare(state: JoinStatus['state']): void {
  if (state !== 'spare') whySpare = null;
  else if (shown?.state !== 'spare') {
    void offered().then((offer) => {
      if (offer !== null && shown?.state === 'spare') whySpare = spareSentence(offer);
    });
  }
}

/** Sets the text of an element, but only if the text differs: the page is not changed without need. */
function write(where: HTMLElement, text: string): void {
  if (where.textContent !== text) where.textContent = text;
}

function act(): void {
  if (cluster === null) return join();
  switch (actionsFor(shown?.state ?? 'joining').main) {
    case 'pause':
      return cluster.pause();
    case 'resume':
      return cluster.resume();
    case 'join':
      return join();
  }
}

function showCores(): void {
  const text = coresOf(cores.valueAsNumber, Number(cores.max));
  write(element('cores-chosen'), text);
  cores.setAttribute('aria-valuetext', text);
}

cores.max = String(navigator.hardwareConcurrency);
cores.valueAsNumber = defaultThreads();
showCores();
cores.addEventListener('input', showCores);
// A new number of cores means joining again, which takes a moment. So the page waits for the end of the choice
// (`change`) and does not join again at every `input`.
cores.addEventListener('change', () => cluster?.setThreads(cores.valueAsNumber));
mainAction.addEventListener('click', act);
leave.addEventListener('click', () => cluster?.leave());
element<HTMLAnchorElement>('dashboard').hash = location.hash;
await begin();
