import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { Access, bearer } from '../../../coordinator/web/access.js';

const [token, operatorToken] = ['member-token-0123456789', 'operator-token-0123456789'];
const closed = new Access({ isOpen: false, operatorToken, hosts: ['0.0.0.0', 'train.example.org'] });
closed.admit(token);
const open = new Access({ isOpen: true, operatorToken, hosts: ['127.0.0.1'] });

describe('a token', () => {
  it('makes a member or an operator, and nobody without one', () => {
    expect(closed.roleOf(token)).toBe('member');
    expect(closed.roleOf(operatorToken)).toBe('operator');
    for (const wrong of [null, '', 'x', `${token}x`, token.toUpperCase()]) expect(closed.roleOf(wrong)).toBe('nobody');
  });

  it('admits nobody before it is known', () => {
    const early = new Access({ isOpen: false, operatorToken, hosts: [] });
    for (const any of [null, '', token]) expect(early.roleOf(any)).toBe('nobody');
    expect([early, closed, open].map(({ isSettled }) => isSettled)).toEqual([false, true, true]);
  });

  it('is not asked for where none is set, but for controls', () => {
    expect(open.roleOf(null)).toBe('member');
    expect(open.roleOf('anything')).toBe('member');
    expect(open.roleOf(operatorToken)).toBe('operator');
  });

  it('is read from the header of its kind alone', () => {
    expect(bearer({ authorization: `Bearer ${token}` })).toBe(token);
    expect(bearer({ authorization: `bearer ${token}` })).toBe(token);
    for (const authorization of [undefined, token, `Basic ${token}`, 'Bearer ', `Bearer ${token} x`]) {
      expect(bearer({ authorization })).toBe(null);
    }
  });
});

describe('a host', () => {
  it.each(['127.0.0.1:8080', '192.168.1.5', '[::1]:8080', 'localhost:8080', hostname(), 'TRAIN.example.org'])(
    '%s is ours',
    (host) => expect(closed.knowsHost({ host })).toBe(true),
  );

  it.each([undefined, '', 'evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'a b', 'train.example'])(
    '%s is not',
    (host) => expect(closed.knowsHost({ host })).toBe(false),
  );
});

describe('an origin', () => {
  const host = '192.168.1.5:8080';

  it('may be absent, the same, or allowed', () => {
    expect(closed.knowsOrigin({ host })).toBe(true);
    expect(closed.knowsOrigin({ host, origin: `http://${host}` })).toBe(true);
    expect(closed.knowsOrigin({ host, origin: `https://${host}` })).toBe(true);
    expect(closed.knowsOrigin({ host, origin: 'https://train.example.org' })).toBe(true);
  });

  it.each(['http://evil.example', 'http://192.168.1.5', 'http://192.168.1.5:81', 'null', '', 'nonsense'])(
    '%s may not be it',
    (origin) => expect(closed.knowsOrigin({ host, origin })).toBe(false),
  );
});
