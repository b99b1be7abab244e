/** Writes the report as Markdown: the figures, the environment, and which targets were reached. Pure. */
import type { Environment } from './environment.js';
import type { Findings, Target } from './findings.js';
import { renderTable, type Table } from './table.js';

/** The findings of a section. */
export interface Measured
  extends Pick<Findings, keyof Omit<Findings, 'table' | 'note' | 'command' | 'target' | 'contest'>> {
  /** Of a section that was measured later than the rest of the report. */
  readonly environment?: Environment;
}

export interface Report {
  readonly environment: Environment;
  readonly rounds: number;
  readonly remark: string;
  readonly sections: readonly Measured[];
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

/** Puts sections that were measured alone into a report of all. Each keeps its place, and names its own environment. */
export function mergeReport(whole: Report, { sections, environment }: Report): Report {
  const later = sections.map(({ ...section }): Measured => ({ ...section, environment }));
  const replaced = whole.sections.map((section) => later.find(({ name }) => name === section.name) ?? section);
  return { ...whole, sections: [...replaced, ...later.filter((section) => !replaced.includes(section))] };
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
  environment,
}: Pick<Measured, 'title' | 'tables' | 'notes' | 'commands' | 'environment'>): string {
  const own =
    environment === undefined
      ? []
      : ['Measured later than the rest:', renderTable({ title: '', columns: ['', ''], rows: environment })];
  const parts = [`## ${title}`, ...own, ...notes, ...tables.map(renderTitled)];
  if (commands.length > 0) {
    parts.push(`<details><summary>Commands</summary>\n\n    ${commands.join('\n    ')}\n\n</details>`);
  }
  return parts.join('\n\n');
}

function renderTitled(table: Table): string {
  return `### ${table.title}\n\n${renderTable(table)}`;
}
