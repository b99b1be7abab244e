/** The dashboard: receives states and draws the panels of the page. Each panel has a module of its name. */

import { parameterCount } from '../../shared/model/parameters.js';
import { stepUnit } from '../../shared/step-unit.js';
import type { EvaluationState, RunState } from '../web/state.js';
import { collectCredentials } from './access.js';
import { Charts } from './charts.js';
import { ControlButtons } from './controls.js';
import { LearningCurve } from './curve.js';
import { Drawing } from './drawing.js';
import { find, setText } from './elements.js';
import { EvaluationPanel } from './evaluation.js';
import { EventLog } from './event-log.js';
import { Feed, type FeedStatus } from './feed.js';
import { FleetTable } from './fleet-table.js';
import { count } from './format.js';
import { JoinCard } from './join-card.js';
import { judgeOf } from './judged.js';
import { Latest } from './latest.js';
import { Neurons } from './neurons.js';
import { hasEnded, renderOverview } from './overview.js';
import { Result } from './result.js';
import { tokenForm } from './token-form.js';
import { goneText, ViewHead } from './view-head.js';
import { parseWeights } from './weights.js';

const ANNOUNCEMENT_MS = 8000;

let credentials = collectCredentials();
const mine = () => credentials;

const curve = new LearningCurve();
const charts = new Charts(curve);
const eventLog = new EventLog();
const joinCard = new JoinCard();
const neurons = new Neurons();
const drawing = new Drawing((step) => ` Weights of ${newest === null ? 'step' : stepUnit(newest)} ${count(step)}.`);
const evaluation = new EvaluationPanel();
const result = new Result(mine);
const viewHead = new ViewHead(mine);
const controls = new ControlButtons(mine, announce);
const fleetTable = new FleetTable((worker) => controls.drop(worker));

const weightsSource = new Latest({
  path: 'api/weights',
  watched: [find('neurons-card', HTMLElement), find('draw-card', HTMLElement)],
  credentials: mine,
  edition: ({ newest }) => newest.weights,
  receive: async (response, state) => {
    const { model, dataset } = state;
    const weights = parseWeights(await response.arrayBuffer(), parameterCount(model));
    if (weights === null) return null;
    neurons.render(weights, model, stepUnit(state));
    drawing.setWeights(weights, model, dataset.classNames);
    return weights.step;
  },
});

const evaluationSource = new Latest({
  path: 'api/evaluation',
  watched: [find('confusion-card', HTMLElement), find('mistakes-card', HTMLElement)],
  // A page that is opened late has it when its reader gets there. A viewer of files would have to evaluate first.
  isFetchedUnseen: ({ files }) => files === null,
  credentials: mine,
  edition: evaluationEdition,
  receive: async (response, state) => {
    const found = (await response.json()) as EvaluationState;
    evaluation.render(found, state.dataset, stepUnit(state));
    return editionOf(found.step, found.set === 'validation');
  },
});

function evaluationEdition({ newest, dataset, testAccuracy }: RunState): number | null {
  const isValidation = dataset.validation !== undefined && testAccuracy === null;
  return newest.evaluation === null ? null : editionOf(newest.evaluation, isValidation);
}

/** Both sets of a run with a validation set may be evaluated with the weights of its last step. */
function editionOf(step: number, isValidation: boolean): number {
  return 2 * step + (isValidation ? 0 : 1);
}

let newest: RunState | null = null;
let frame = 0;

/** Every state is read, but only the newest one is drawn, once per frame. */
function receive(state: RunState): void {
  curve.add(state.curve, state.complete);
  eventLog.add(state);
  newest = state;
  if (frame === 0) frame = requestAnimationFrame(render);
}

function render(): void {
  frame = 0;
  const state = newest!;
  const main = find('main', HTMLElement);
  main.hidden = false;
  main.classList.toggle('ended', hasEnded(state.phase));
  viewHead.render(state);
  renderOverview(state);
  result.render(state);
  controls.render(state);
  charts.render(judgeOf(state), stepUnit(state));
  fleetTable.render(state, controls.mayControl(state));
  joinCard.render(state.join, credentials);
  drawing.setModel(state.model, state.dataset.classNames);
  weightsSource.follow(state);
  evaluationSource.follow(state);
  evaluation.renderLack(state);
}

function showStatus(status: FeedStatus): void {
  const notice = find('connection', HTMLElement);
  notice.hidden = status.kind !== 'gone';
  if (status.kind === 'gone') setText(notice, goneText(newest, status.since));
  showTokenForm(status.kind === 'refused');
  document.body.classList.toggle('stale', status.kind !== 'live');
  if (newest === null) setText(find('phase', HTMLElement), status.kind === 'refused' ? 'Private' : 'Connecting');
}

let announcementTimer: ReturnType<typeof setTimeout> | undefined;

function announce(text: string, isGood: boolean): void {
  const notice = find('announcement', HTMLElement);
  notice.hidden = false;
  notice.classList.toggle('good', isGood);
  setText(notice, text);
  clearTimeout(announcementTimer);
  announcementTimer = setTimeout(() => {
    notice.hidden = true;
  }, ANNOUNCEMENT_MS);
}

const feed = new Feed(credentials, receive, showStatus);
const showTokenForm = tokenForm((given) => {
  credentials = given;
  feed.restart(given);
});

feed.restart();
