/**
 * What the viewer may do. The link carries the tokens in its fragment, which browsers send to nobody; they stay with
 * this tab and travel in a header, never in an address.
 */
import { type Credentials, credentialsKey, fragmentOf, parseFragment } from '../../shared/protocol/handshake.js';
import type { ApiError } from '../web/state.js';

/** From the address, else what this tab was given before. They are kept for a reload, and leave the address. */
export function takeCredentials(): Credentials {
  const given = parseFragment(location.hash);
  const kept = parseFragment(sessionStorage.getItem(credentialsKey) ?? '');
  const credentials = {
    token: given.token ?? kept.token,
    operatorToken: given.operatorToken ?? kept.operatorToken,
  };
  keepCredentials(credentials);
  if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search);
  return credentials;
}

export function keepCredentials(credentials: Credentials): void {
  sessionStorage.setItem(credentialsKey, fragmentOf(credentials));
}

/**
 * Requests what may need a token. To look, the run's token is enough, and it stays valid when a coordinator is started
 * anew, which makes another operator's token.
 */
export async function request(credentials: Credentials, path: string, init: RequestInit = {}): Promise<Response> {
  const { token: runToken, operatorToken } = credentials;
  const token = init.method === 'POST' ? operatorToken : (runToken ?? operatorToken);
  const headers = new Headers(init.headers);
  if (token !== null) headers.set('Authorization', `Bearer ${token}`);
  return fetch(path, { ...init, headers });
}

/** Why a request was not granted, in a sentence. */
export async function reasonOf(response: Response): Promise<string> {
  const body = (await response.json().catch(() => null)) as ApiError | null;
  return body?.error?.message ?? `the answer has status ${response.status}`;
}
