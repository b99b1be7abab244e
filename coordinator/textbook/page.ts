/** The lesson as one page that needs nothing else: no network, no script. The build makes the empty page. */
import { readFileSync } from 'node:fs';
import { grouped, percent } from '../../shared/figures.js';
import { chartSvg, escapedText, paintOfPage } from '../picture/line-chart.js';
import { type WeightsSheet, weightColours } from '../picture/weights-sheet.js';
import { encodePng } from '../picture/write-png.js';
import type { Lesson, LessonPicture, LessonSection } from './lesson.js';
import { lessonCommand, lessonRuns } from './lesson-runs.js';
import { titleOf } from './lesson-words.js';
import type { MeasuredRun } from './measured-run.js';

const template = new URL('textbook.html', import.meta.url);

/** The element of the empty page that gets the content. */
const slot = /(<main id="lesson">)(<\/main>)/;

/** `directory` is where the runs are, as the user names it. */
export function lessonPage(lesson: Lesson, directory: string): string {
  const content = [
    `<h1>${escapedText(lesson.title)}</h1>`,
    paragraph(lesson.introduction),
    ...lesson.sections.map(sectionHtml),
    runsHtml(lesson.runs, directory),
  ].join('\n');
  const page = readFileSync(template, 'utf8');
  return page.replace(slot, (_, begin: string, end: string) => `${begin}\n${content}\n${end}`);
}

function sectionHtml({ title, paragraphs, pictures }: LessonSection): string {
  const shown = pictures.length === 0 ? '' : `<div class="pictures">\n${pictures.map(figureHtml).join('\n')}\n</div>`;
  return `<section>\n<h2>${escapedText(title)}</h2>\n${paragraphs.map(paragraph).join('\n')}\n${shown}\n</section>`;
}

function paragraph(text: string): string {
  // No line may break between a figure and its sign.
  return `<p>${escapedText(text.trim()).replaceAll(' %', '\u00a0%')}</p>`;
}

function figureHtml({ name, caption, content }: LessonPicture): string {
  const shown = 'pixels' in content ? sheetHtml(content, caption) : chartSvg(content, paintOfPage);
  return `<figure id="${name}">\n${shown}\n<figcaption>${escapedText(caption)}</figcaption>\n</figure>`;
}

/** The picture, and below it the scale of its colours. */
function sheetHtml({ width, height, pixels, full }: WeightsSheet, caption: string): string {
  const png = Buffer.from(encodePng(width, height, pixels)).toString('base64');
  const { negative, zero, positive } = weightColours;
  const colours = [negative, zero, positive].map((rgb) => `rgb(${rgb.join(' ')})`).join(', ');
  const end = full.toPrecision(2);
  return [
    `<img src="data:image/png;base64,${png}" width="${width}" height="${height}" alt="${escapedText(caption)}">`,
    `<div class="scale">−${end}<span style="background: linear-gradient(to right, ${colours})"></span>+${end}</div>`,
  ].join('\n');
}

function runsHtml(runs: readonly MeasuredRun[], directory: string): string {
  const rows = runs.map(({ run, steps, evaluations, weightsSha256, hasDiverged }) => {
    const last = evaluations.at(-1);
    const accuracy = last === undefined ? '–' : percent(last.accuracy);
    const cells = [run.name, titleOf(run)].map((text) => `<td>${escapedText(text)}</td>`);
    const figures = [hasDiverged ? `${grouped(steps)}, then it diverged` : grouped(steps), accuracy];
    const right = figures.map((text) => `<td class="figure">${text}</td>`);
    return `<tr>${[...cells, ...right].join('')}<td><code>${weightsSha256}</code></td></tr>`;
  });
  const heads = [
    'run',
    'what',
    '<th class="figure">steps</th>',
    '<th class="figure">accuracy</th>',
    'weights, SHA-256',
  ];
  const head = heads.map((text) => (text.startsWith('<') ? text : `<th>${text}</th>`)).join('');
  const commands = runs.map(({ run }) => `<code>${escapedText(lessonCommand(run, directory))}</code>`);
  return [
    '<section>\n<h2>All runs, and how to make them again</h2>',
    paragraph(
      'If you make a run again, you get the same weights, bit for bit, on any machine and with any number of threads. ' +
        `The runs are in ${directory}; lockstep view ${directory}/${lessonRuns.usual.name} shows one of them in more detail.`,
    ),
    `<div class="table" tabindex="0" role="region" aria-label="All runs"><table><thead><tr>${head}</tr></thead><tbody>\n${rows.join('\n')}\n</tbody></table></div>`,
    paragraph('One run alone, on the same data set, in the order of the table:'),
    `<div class="commands">\n${commands.join('\n')}\n</div>\n</section>`,
  ].join('\n');
}
