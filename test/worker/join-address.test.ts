import { expect, test } from 'vitest';
import { parseJoinAddress } from '../../worker/join-address.js';

const token = 'a'.repeat(32);

test.each([
  ['ws://10.0.0.1:8080', undefined, 'ws://10.0.0.1:8080/', null],
  ['10.0.0.1:8080', undefined, 'ws://10.0.0.1:8080/', null],
  [`ws://host:8080/#${token}`, undefined, 'ws://host:8080/', token],
  // The link for browsers.
  [`https://host/join#${token}`, undefined, 'wss://host/', token],
  [`ws://host/#${token}`, 'b'.repeat(16), 'ws://host/', 'b'.repeat(16)],
  ['ws://[::1]:80', undefined, 'ws://[::1]/', null],
])('%s is an address', (address, given, url, found) => {
  expect(parseJoinAddress(address, given)).toEqual({ url, token: found });
});

test('the token is never a part of the address that is requested', () => {
  expect(parseJoinAddress(`http://host/join?x=1#${token}`, undefined).url).not.toContain(token);
});

test.each([
  ['ftp://host', undefined, /must begin with ws:/],
  ['ws://', undefined, /is no address/],
  ['ws://host', 'two words', /a token has/],
])('%s with the token %s is refused', (address, given, message) => {
  expect(() => parseJoinAddress(address, given)).toThrow(message);
});
