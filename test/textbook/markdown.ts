/** The lesson as a page for people who read the repository. Pure. */
import type { Lesson, LessonSection } from '../../coordinator/textbook/lesson.js';
import { titleOf } from '../../coordinator/textbook/lesson-words.js';
import { fileNameOf } from '../../coordinator/textbook/textbook.js';
import { grouped, percent } from '../../shared/figures.js';

export function lessonMarkdown({ title, introduction, sections, runs }: Lesson): string {
  const rows = runs.map(({ run, steps, evaluations, weightsSha256 }) => {
    const accuracy = percent(evaluations.at(-1)?.accuracy ?? Number.NaN);
    return `| \`${run.name}\` | ${titleOf(run)} | ${grouped(steps)} | ${accuracy} | \`${weightsSha256}\` |`;
  });
  return [
    `# ${title}`,
    'One command makes all of this on your machine, as a page to show to a class, with these weights bit for bit:',
    '    npx lockstep textbook        # then open textbook/index.html',
    introduction,
    ...sections.flatMap(section),
    '## The runs',
    ['| run | what | steps | accuracy | weights |', '| --- | --- | ---: | ---: | --- |', ...rows].join('\n'),
    'The list of runs is [lesson-runs.ts](lesson-runs.ts). `npm run textbook` makes this page and its pictures anew.',
    '',
  ].join('\n\n');
}

function section({ title, paragraphs, pictures }: LessonSection): string[] {
  const shown = pictures.map((picture) => {
    const file = `pictures/${fileNameOf(picture)}`;
    return `<img src="${file}" alt="${picture.caption}" width="400">`;
  });
  return [`## ${title}`, ...paragraphs.map((text) => text.trim()), shown.join('\n')];
}
