/** Lines of the log on a terminal that is narrower than they are. */
import { expect, it } from 'vitest';
import { wrappedText } from '../../../coordinator/cli/wrapped.js';

const of = (text: string, width = 24) => wrappedText(text, width, '  ').split('\n');

it('breaks a line between words, as late as possible', () => {
  expect(of('one two three four five six seven eight')).toEqual(['one two three four five', '  six seven eight']);
  expect(of('12345678901234567890 123 4')).toEqual(['12345678901234567890 123', '  4']);
  expect(of('short')).toEqual(['short']);
});

it('does not count colours', () => {
  const blue = (text: string) => `\u001b[34m${text}\u001b[39m`;
  expect(of(`${blue('12345678901234567890')} ${blue('123')} 4`)).toEqual([
    `${blue('12345678901234567890')} ${blue('123')}`,
    '  4',
  ]);
});

it('keeps a word whole that is longer than the line', () => {
  const path = '/a/very/long/path/of/a/run/directory';
  expect(of(`run in ${path}, done`)).toEqual(['run in', `  ${path},`, '  done']);
});

it('keeps a command, and an option with its value, on one line', () => {
  expect(of('go on with it: next: lockstep view runs/A')).toEqual(['go on with it: next:', '  lockstep view runs/A']);
  expect(of('it takes 12345678 --replicas 30, so that')).toEqual(['it takes 12345678', '  --replicas 30, so that']);
  expect(of('join with:  npx lockstep worker ws://a:1  or a browser', 40)).toEqual([
    'join with:  npx lockstep worker ws://a:1',
    '  or a browser',
  ]);
});
