/** How a coordinator lists its links. */
import { expect, it } from 'vitest';
import { linksTo, listOf } from '../../../coordinator/cli/links.js';

const parts = { host: '192.0.2.1', port: 8080, operatorToken: 'f'.repeat(32) };
const linesOf = (token: string | null, width?: number) =>
  listOf(linksTo({ ...parts, token }), width)
    .trimEnd()
    .split('\n');

it('lists links beside what they are for, or below it in a terminal that is too narrow', () => {
  const [dashboard, page, command] = linesOf(null);
  expect(dashboard).toBe(`  Dashboard, with its controls  http://192.0.2.1:8080/#operator=${'f'.repeat(32)}`);
  expect(page).toBe('  Join with a browser           http://192.0.2.1:8080/join');
  expect(linesOf(null, dashboard.length)).toEqual([dashboard, page, command]);
  const narrow = linesOf(null, dashboard.length - 1);
  expect(narrow).toEqual([
    'Dashboard, with its controls:',
    `  http://192.0.2.1:8080/#operator=${'f'.repeat(32)}`,
    'Join with a browser:',
    '  http://192.0.2.1:8080/join',
    'Join with a terminal:',
    '  npx lockstep worker ws://192.0.2.1:8080',
  ]);
  expect(Math.max(...narrow.map((line) => line.length))).toBeLessThanOrEqual(80);
});

it('never breaks a link', () => {
  expect(linesOf('e'.repeat(32), 80)[1]).toBe(`  http://192.0.2.1:8080/#${'e'.repeat(32)}&operator=${'f'.repeat(32)}`);
});
