/** Writes the report as Markdown: the figures, the environment, and which targets were reached. Pure. */
import type { Environment } from './environment.js';
import type { Findings, Target } from './findings.js';
import { renderTable, type Table } from './table.js';

export interface Report {
  readonly environment: Environment;
  readonly rounds: number;
  readonly remark: string;
  readonly sections: readonly Findings[];
  /** Sections and peers that could not run, each with the reason. */
  readonly skipped: readonly string[];
}

export function renderReport({ environment, rounds, remark, sections, skipped }: Report): string {
  const targets = sections.flatMap((section) => section.targets);
  return `${[
    '# Benchmark report',
    'Written by `npm run bench -- --report`. Contenders take turns (A B A B) in one run and in one scheduling class ' +
      `(other: the default; batch: \`chrt -b 0\`). Rounds: ${rounds}. A figure is the median of the rounds, with the range. A ratio is ` +
      'the median of the ratios of the rounds. Every contender warms up before its speed counts.',
    remark,
    renderTable({ title: '', columns: ['', ''], rows: environment }),
    ...(skipped.length > 0 ? ['## Left out', skipped.map((line) => `- ${line}`).join('\n')] : []),
    '## Targets',
    renderTargets(targets),
    ...sections.map(renderSection),
  ].join('\n\n')}\n`;
}

export function renderTargets(targets: readonly Target[]): string {
  if (targets.length === 0) return 'None of the sections that ran has a target.';
  const rows = targets.map(({ what, wanted, measured, reached }) => [
    what,
    wanted,
    measured,
    reached ? 'reached' : '**not reached**',
  ]);
  return renderTable({ title: '', columns: ['what', 'wanted', 'measured', ''], rows });
}

export function renderSection({
  title,
  tables,
  notes,
  commands,
}: Pick<Findings, 'title' | 'tables' | 'notes' | 'commands'>): string {
  const parts = [`## ${title}`, ...notes, ...tables.map(renderTitled)];
  if (commands.length > 0) {
    parts.push(`<details><summary>Commands</summary>\n\n    ${commands.join('\n    ')}\n\n</details>`);
  }
  return parts.join('\n\n');
}

function renderTitled(table: Table): string {
  return `### ${table.title}\n\n${renderTable(table)}`;
}
