/** The fleet as a table. A worker keeps its row while it is connected, so that its button does not move. */
import { byteCount } from '../../shared/figures.js';
import { stepUnit } from '../../shared/step-unit.js';
import type { RunState, WorkerState } from '../web/state.js';
import { create, find, setText } from './elements.js';
import { clock, count, rate } from './format.js';
import { fleetOf } from './overview.js';

interface Row {
  readonly element: HTMLTableRowElement;
  readonly cells: readonly HTMLTableCellElement[];
  readonly button: HTMLButtonElement;
}

const NUMBERS_FROM = 3;
const NUMBERS_TO = 10;

export class FleetTable {
  private readonly rows = new Map<number, Row>();
  private readonly body = find('fleet-rows', HTMLTableSectionElement);
  private mayDrop = false;

  constructor(private readonly drop: (worker: WorkerState) => void) {}

  /** `mayDrop`: the viewer has the operator's token, and the run goes on. */
  render(state: RunState, mayDrop: boolean): void {
    const { workers, workersTotal } = state;
    this.mayDrop = mayDrop;
    find('fleet-action', HTMLElement).hidden = !mayDrop;
    const total = workers.reduce((sum, { samplesPerSecond }) => sum + samplesPerSecond, 0);
    const present = new Set(workers.map(({ member }) => member));
    for (const [member, { element }] of this.rows) {
      if (present.has(member)) continue;
      element.remove();
      this.rows.delete(member);
    }
    for (const worker of workers) this.renderRow(worker, total);
    const hidden = workersTotal - workers.filter(({ own }) => !own).length;
    const threads = workers.reduce((sum, worker) => sum + worker.threads, 0);
    const more = hidden > 0 ? `, ${count(hidden)} of the workers not shown` : '';
    setText(find('fleet-summary', HTMLElement), `${fleetOf(state)}, ${count(threads)} cores${more}`);
    note('fleet-none', waitingFor(state));
    note('fleet-spares', sparesIn(state));
    note('fleet-network', networkNote(state));
  }

  private renderRow(worker: WorkerState, total: number): void {
    const row = this.rows.get(worker.member) ?? this.add(worker);
    const share = total === 0 ? '–' : `${Math.round((100 * worker.samplesPerSecond) / total)} %`;
    const texts = [
      worker.name,
      kindOf(worker),
      worker.state,
      count(worker.threads),
      worker.samplesPerSecond === 0 ? '–' : rate(worker.samplesPerSecond),
      share,
      count(worker.shards),
      count(worker.copiesAgreed),
      worker.roundTripMs === null ? '–' : `${worker.roundTripMs.toFixed(worker.roundTripMs < 10 ? 1 : 0)} ms`,
      worker.own ? '–' : byteCount(worker.bytesSent + worker.bytesReceived),
      clock(worker.joinedAt),
    ];
    texts.forEach((value, n) => {
      setText(row.cells[n], value);
    });
    row.element.dataset.state = worker.state;
    row.cells[texts.length].hidden = !this.mayDrop;
    row.button.hidden = worker.own;
  }

  private add(worker: WorkerState): Row {
    const button = create('button', { class: 'small danger', text: 'Drop' });
    button.type = 'button';
    button.setAttribute('aria-label', `Drop ${worker.name}`);
    button.addEventListener('click', () => this.drop(worker));
    const cells = Array.from({ length: NUMBERS_TO + 1 }, (_, n) =>
      create('td', { class: n >= NUMBERS_FROM && n < NUMBERS_TO ? 'number' : '' }),
    );
    cells[1].title = worker.kernels;
    const row = { element: create('tr', {}, [...cells]), cells: [...cells, create('td', {}, [button])], button };
    row.element.append(row.cells[row.cells.length - 1]);
    this.rows.set(worker.member, row);
    this.body.append(row.element);
    return row;
  }
}

/** A paragraph, hidden if there is nothing to say. */
function note(id: string, text: string): void {
  const paragraph = find(id, HTMLElement);
  paragraph.hidden = text === '';
  setText(paragraph, text);
}

function networkNote({ networkBound }: RunState): string {
  return networkBound === null ? '' : `${networkBound.slice(0, 1).toUpperCase()}${networkBound.slice(1)}.`;
}

/** What training waits for; empty while it waits for nobody. */
function waitingFor({ workersTotal, workersMin, threads, startedAt }: RunState): string {
  if (startedAt === null && workersTotal < workersMin) {
    const enough = workersMin > 1 ? `${workersMin} workers have joined` : 'the first worker has joined';
    return `Training begins when ${enough}.`;
  }
  return workersTotal + threads === 0 && startedAt !== null ? 'No workers: training goes on when one joins.' : '';
}

/** How many are spares, and why; empty if everybody has work. */
function sparesIn(state: RunState): string {
  const { workers, workersTotal, threads, slots } = state;
  const unit = stepUnit(state);
  const many = Math.max(0, workersTotal + threads - slots);
  const slow = workers.filter((worker) => worker.state === 'spare').length - many;
  const reasons = [
    many > 0 && `${spares(many, 'of them')}: a ${unit} has ${count(slots)} ${slots === 1 ? 'slot' : 'slots'} only.`,
    slow > 0 &&
      `${spares(slow, many > 0 ? 'more' : 'of them')}: a ${unit} takes less time without ${slow === 1 ? 'it' : 'them'}.`,
  ].filter((reason) => reason !== false);
  return reasons.length === 0 ? '' : `${reasons.join(' ')} Spares help where another one is late.`;
}

/** "One of them is a spare", "2 more are spares". */
function spares(number: number, which: string): string {
  return number === 1 ? `One ${which} is a spare` : `${count(number)} ${which} are spares`;
}

/** What kind of worker it is, and its kernels, which the cell's title has in full. A line may end after the kind. */
function kindOf({ kind, kernels }: WorkerState): string {
  const name = kind.slice(0, 1).toUpperCase() + kind.slice(1);
  const short = kernels.replace(/ [0-9a-f]{12}$/, '').replace('webassembly', 'wasm');
  return `${name}, ${short.replaceAll(' ', '\u00a0')}`;
}
