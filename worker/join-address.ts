/** Where a worker connects to, and with which token. */
import { LockstepError } from '../shared/errors.js';
import { isToken, parseFragment } from '../shared/protocol/handshake.js';

/**
 * Reads a join address: ws://, wss://, or the http:// link that a browser opens, with the token behind a #. The token
 * never becomes part of the URL that is sent. Throws `usage`.
 */
export function parseJoinAddress(address: string, given: string | undefined): { url: string; token: string | null } {
  let url: URL;
  try {
    url = new URL(/^[a-z]+:\/\//i.test(address) ? address : `ws://${address}`);
  } catch {
    throw new LockstepError(
      'usage',
      `${address} is no address: use the one that the coordinator printed, ws://HOST:PORT`,
    );
  }
  const schemes: Record<string, string> = { 'ws:': 'ws:', 'wss:': 'wss:', 'http:': 'ws:', 'https:': 'wss:' };
  const scheme = schemes[url.protocol];
  if (scheme === undefined) throw new LockstepError('usage', `${address} must begin with ws:// or wss://`);
  if (given !== undefined && !isToken(given)) {
    throw new LockstepError(
      'usage',
      'a token has 1 to 128 letters, digits, or . _ ~ -: copy what the coordinator printed',
    );
  }
  const token = given ?? parseFragment(url.hash).token;
  return { url: `${scheme}//${url.host}/`, token };
}
