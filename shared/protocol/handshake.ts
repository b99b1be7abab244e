/**
 * The handshake's Sec-WebSocket-Protocol header: it names the protocol, and carries the token if the coordinator asks
 * for one. A token is never in the URL, because proxies and servers write URLs to their logs.
 */
import { limits } from '../limits.js';
import { protocolVersion } from './messages.js';

/** The entry that the coordinator selects. It never selects the token, because that would send the token back. */
export const subprotocol = `lockstep.${protocolVersion}`;

const tokenPrefix = 'token.';

/** Only letters, digits and "-._~", because a token must fit into a link and into the header. */
export function isToken(token: string): boolean {
  return /^[\w.~-]+$/.test(token) && token.length <= limits.tokenLengthMax;
}

/** What a worker offers; `token` is valid. */
export function offer(token: string | null): string[] {
  return token === null ? [subprotocol] : [subprotocol, tokenPrefix + token];
}

/** The token among the entries that a worker offered, or null. */
export function offeredToken(entries: Iterable<string>): string | null {
  for (const entry of entries) if (entry.startsWith(tokenPrefix)) return entry.slice(tokenPrefix.length);
  return null;
}

/** The tokens after the `#` of a link, which browsers do not send: `#TOKEN`, `#TOKEN&operator=TOKEN`. */
export interface Credentials {
  readonly token: string | null;
  readonly operatorToken: string | null;
}

/** The key under which a tab keeps them in its session storage, as such a fragment. */
export const credentialsKey = 'lockstep-credentials';

const operatorPrefix = 'operator=';

/** Reads a fragment with or without the `#`. A part that is not a valid token gives null. */
export function parseFragment(fragment: string): Credentials {
  const parts = fragment.replace(/^#/, '').split('&');
  const operator = parts.find((part) => part.startsWith(operatorPrefix))?.slice(operatorPrefix.length);
  return { token: tokenOrNull(parts[0]), operatorToken: tokenOrNull(operator ?? '') };
}

/** The fragment of a link, with the `#`, or nothing. */
export function fragmentOf({ token, operatorToken }: Credentials): string {
  const parts = [
    ...(token === null ? [] : [token]),
    ...(operatorToken === null ? [] : [operatorPrefix + operatorToken]),
  ];
  return parts.length === 0 ? '' : `#${parts.join('&')}`;
}

function tokenOrNull(text: string): string | null {
  return isToken(text) ? text : null;
}
