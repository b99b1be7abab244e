import { describe, expect, it } from 'vitest';
import { fragmentOf, parseFragment } from '../../../shared/protocol/handshake.js';

describe('the fragment of a link', () => {
  it.each([
    [{ token: null, operatorToken: null }, ''],
    [{ token: 'abc', operatorToken: null }, '#abc'],
    [{ token: null, operatorToken: 'xyz' }, '#operator=xyz'],
    [{ token: 'abc', operatorToken: 'xyz' }, '#abc&operator=xyz'],
  ])('of %j is %s, and back', (credentials, fragment) => {
    expect(fragmentOf(credentials)).toBe(fragment);
    expect(parseFragment(fragment)).toEqual(credentials);
  });

  it('is none where it is no token', () => {
    for (const fragment of ['#', '#a b', '#a,b', `#${'x'.repeat(129)}`, '#operator=', '#&', '#=']) {
      expect(parseFragment(fragment)).toEqual({ token: null, operatorToken: null });
    }
  });
});
