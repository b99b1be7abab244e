/**
 * The join page. Opening the page joins the run. The page's texts are in words.ts, and the library (join.ts) does the
 * work.
 */
import { credentialsKey, parseFragment } from '../../shared/protocol/handshake.js';
import { defaultThreads, type JoinedCluster, type JoinStatus, joinCluster } from './join.js';
import { actionsFor, announcedState, coresOf, figuresOf, wordsFor } from './words.js';

function element<E extends HTMLElement = HTMLElement>(id: string): E {
  return document.getElementById(id) as E;
}

const panel = element('status');
const mainAction = element<HTMLButtonElement>('main-action');
const leave = element<HTMLButtonElement>('leave');
const cores = element<HTMLInputElement>('cores');
const figures = [...document.querySelectorAll<HTMLElement>('[data-figure]')];

const { token } = credentials();
let cluster: JoinedCluster = join(defaultThreads());
let shown: JoinStatus | null = null;

/**
 * The credentials after the # of the address, or else those that this tab has stored. They stay in the address, so that
 * the page can be reloaded and its address can be shared.
 */
function credentials() {
  const given = parseFragment(location.hash);
  return given.token === null ? parseFragment(sessionStorage.getItem(credentialsKey) ?? '') : given;
}

function join(threads: number): JoinedCluster {
  return joinCluster({ url: location.origin, token, threads, onStatus: show });
}

function show(status: JoinStatus): void {
  const { state, run } = status;
  const words = wordsFor(status);
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
  leave.disabled = !canLeave;
  cores.disabled = !canChooseThreads;
  const texts = figuresOf(status);
  for (const figure of figures) write(figure, texts[figure.dataset.figure ?? '']);
  document.title = `${words.state} · Lockstep`;
}

/** Sets the text of an element, but only if the text differs: the page is not changed without need. */
function write(where: HTMLElement, text: string): void {
  if (where.textContent !== text) where.textContent = text;
}

function act(): void {
  switch (actionsFor(shown?.state ?? 'joining').main) {
    case 'pause':
      return cluster.pause();
    case 'resume':
      return cluster.resume();
    case 'join':
      cluster = join(cores.valueAsNumber);
      return;
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
cores.addEventListener('change', () => cluster.setThreads(cores.valueAsNumber));
mainAction.addEventListener('click', act);
leave.addEventListener('click', () => cluster.leave());
element<HTMLAnchorElement>('dashboard').hash = location.hash;
