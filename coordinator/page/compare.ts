/** The page of several runs: asks for their comparison once a second, and draws it. */
import { fragmentOf } from '../../shared/protocol/handshake.js';
import type { ComparisonState } from '../web/state.js';
import { collectCredentials, reasonOf, request } from './access.js';
import { CompareCharts } from './compare-charts.js';
import { CompareLegend } from './compare-legend.js';
import { CompareTable } from './compare-table.js';
import { find, setText } from './elements.js';
import { clock, count } from './format.js';
import { tokenForm } from './token-form.js';

const EVERY_MS = 1000;
const ANSWER_MAX_MS = 10_000;

let credentials = collectCredentials();
let etag: string | null = null;
let goneSince: number | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;

const charts = new CompareCharts((step) => legend.pointAt(step));
const legend = new CompareLegend(() => charts.render(legend.shown));
const table = new CompareTable();
const showTokenForm = tokenForm((given) => {
  credentials = given;
  void ask();
});

function render(comparison: ComparisonState): void {
  const main = find('main', HTMLElement);
  const isFirst = main.hidden;
  main.hidden = false;
  setText(find('count', HTMLElement), `${count(comparison.runs.length)} runs`);
  const isValidated = comparison.runs.some(({ result }) => result?.validationAccuracy != null);
  setText(find('curves-title', HTMLElement), isValidated ? 'On the validation set or the test set' : 'On the test set');
  legend.render(comparison.runs);
  if (isFirst) legend.pointAt(null);
  charts.render(legend.shown);
  table.render(comparison, fragmentOf(credentials));
}

async function ask(): Promise<void> {
  clearTimeout(timer);
  if (document.visibilityState === 'hidden') return;
  try {
    const headers: Record<string, string> = etag === null ? {} : { 'If-None-Match': etag };
    const signal = AbortSignal.timeout(ANSWER_MAX_MS);
    const response = await request(credentials, 'api/comparison', { headers, signal, cache: 'no-store' });
    await receive(response);
    goneSince = null;
  } catch {
    goneSince ??= Date.now();
    const when = `since ${clock(goneSince)}. This page tries again by itself.`;
    notify(`This viewer has ended, ${when} The runs are not affected. What you see is the last that it read.`);
  }
  timer = setTimeout(() => void ask(), EVERY_MS);
}

async function receive(response: Response): Promise<void> {
  const isRefused = response.status === 401 || response.status === 403;
  showTokenForm(isRefused);
  if (isRefused) return notify(null);
  if (response.ok) {
    render((await response.json()) as ComparisonState);
    etag = response.headers.get('ETag');
  }
  notify(response.ok || response.status === 304 ? null : await reasonOf(response));
}

function notify(text: string | null): void {
  const notice = find('connection', HTMLElement);
  notice.hidden = text === null;
  if (text !== null) setText(notice, text);
}

document.addEventListener('visibilitychange', () => void ask());
void ask();
