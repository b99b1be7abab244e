import { expect, test } from 'vitest';
import { type Cause, Ending } from '../../../coordinator/run/ending.js';

function begin(isAborted = false) {
  const wish = new AbortController();
  if (isAborted) wish.abort();
  const ending = new Ending(wish.signal);
  const heard: Cause['type'][] = [];
  return { wish, ending, heard, listen: () => ending.whenDecided(({ type }) => heard.push(type)) };
}

test('the first cause counts, and is heard once', () => {
  const { wish, ending, heard, listen } = begin();
  listen();
  expect(ending.cause).toBe(null);
  ending.diverged();
  ending.failed(new Error('late'));
  wish.abort();
  expect(heard).toEqual(['diverged']);
  expect(ending.cause).toEqual({ type: 'diverged' });
});

test('a cause that came before anybody listened is heard at once', () => {
  const { wish, heard, listen } = begin();
  wish.abort();
  expect(heard).toEqual([]);
  listen();
  expect(heard).toEqual(['interrupted']);
});

test('a wish from before the beginning is not forgotten', () => {
  expect(begin(true).ending.cause).toEqual({ type: 'interrupted' });
});
